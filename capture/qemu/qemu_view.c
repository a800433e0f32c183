/* SPDX-License-Identifier: MIT */
/* Reading "info mtree -f"; see qemu_view.h. */
#include "capture/qemu/qemu_view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* "  0000000100000000-000000017fffffff (prio 0, ram): pc.ram @00000000c0000000 KVM"
 * (softmmu/memory.c:mtree_print_flatview()) */
static bool parse_piece(const char *line, struct qemu_piece *piece)
{
	size_t length = strcspn(line, "\r\n"); /* the monitor's are \r\n */
	uint64_t last;

	*piece = (struct qemu_piece){0};
	if (sscanf(line,
		   " %" SCNx64 "-%" SCNx64
		   " (prio %*d, %15[^)]): %63s @%" SCNx64,
		   &piece->gpa, &last, piece->kind, piece->block,
		   &piece->offset) < 4 ||
	    last < piece->gpa)
		return false;
	piece->bytes = last - piece->gpa + 1;
	piece->is_kvm = length > 4 && !strncmp(line + length - 4, " KVM", 4);
	return true;
}

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : NULL;
}

/* Return: the first line after the heading of the flat view of guest-physical
 * memory, or NULL. */
static const char *find_memory_view(const char *mtree)
{
	const char *name = strstr(mtree, "AS \"memory\",");
	const char *root = name ? strstr(name, "Root memory region:") : NULL;

	return root ? next_line(root) : NULL;
}

int qemu_view_parse(struct qemu_view *view, const char *mtree,
		    struct status *st)
{
	const char *line = find_memory_view(mtree);
	struct qemu_piece piece;
	size_t capacity = 0;
	int ret = 0;

	*view = (struct qemu_view){0};
	for (; !ret && line && parse_piece(line, &piece);
	     line = next_line(line)) {
		ret = kage_grow(&view->pieces, &capacity, view->nr,
				sizeof(*view->pieces), st);
		if (!ret)
			view->pieces[view->nr++] = piece;
	}
	if (!ret && !view->nr)
		ret = status_fail(st, EPROTO,
				  "QEMU's 'info mtree -f' does not show where "
				  "memory lies");
	return ret;
}

static int ask_hva(struct qemu_piece *piece, struct qmp *qmp, struct status *st)
{
	char line[64];
	char *text;

	snprintf(line, sizeof(line), "gpa2hva 0x%" PRIx64, piece->gpa);
	text = qmp_monitor(qmp, line, st);
	if (!text)
		return -EPROTO;
	if (sscanf(text, "Host virtual address for 0x%*x (%*[^)]) is %" SCNx64,
		   &piece->hva) != 1)
		piece->hva = 0;
	free(text);
	return 0;
}

int qemu_view_read(struct qemu_view *view, struct qmp *qmp, struct status *st)
{
	char *mtree = qmp_monitor(qmp, "info mtree -f", st);
	int ret;

	*view = (struct qemu_view){0};
	if (!mtree)
		return -EPROTO;
	ret = qemu_view_parse(view, mtree, st);
	for (size_t i = 0; !ret && i < view->nr; i++)
		if (view->pieces[i].is_kvm ||
		    !strcmp(view->pieces[i].kind, "ram"))
			ret = ask_hva(&view->pieces[i], qmp, st);
	free(mtree);
	return ret;
}

void qemu_view_fini(struct qemu_view *view)
{
	free(view->pieces);
	*view = (struct qemu_view){0};
}
