/* SPDX-License-Identifier: MIT */
/* Looking for QEMU's table of memslots; see qemu_slots.h. */
#include "capture/qemu/qemu_slots.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

/* No heap of QEMU's; reserved address space can be terabytes. */
#define MAPPING_MAX (UINT64_C(1) << 30)

enum {
	CHUNK = 1 << 20,
	NEAR = 64 << 10,  /* searched first around the table's last place */
	ENTRY_BYTES = 64, /* what is looked at of an entry */
	ENTRY_ID = 24,
	ENTRY_SPACE = 56,
	STRIDE_MAX = 512,
};

/* Something in the process that looks like the entry of a piece. */
struct hit {
	uint64_t address;
	size_t piece;
	uint32_t id;
};

struct search {
	struct qemu_memory *memory;
	const struct qemu_view *view;
	size_t nr_hits, capacity;
	struct hit *hits;
	unsigned char buffer[CHUNK];
};

static bool is_wanted(const struct qemu_piece *piece)
{
	return piece->is_kvm && piece->hva;
}

static int take_entry(struct search *s, uint64_t address,
		      const unsigned char *entry, struct status *st)
{
	uint64_t words[3];
	uint32_t id, space;
	int ret = 0;

	memcpy(words, entry, sizeof(words));
	if ((words[0] | words[1] | words[2]) % TRACE_PAGE_BYTES || !words[1] ||
	    !words[2])
		return 0;
	memcpy(&id, entry + ENTRY_ID, sizeof(id));
	memcpy(&space, entry + ENTRY_SPACE, sizeof(space));
	for (size_t i = 0; !ret && !space && i < s->view->nr; i++) {
		const struct qemu_piece *piece = &s->view->pieces[i];

		if (!is_wanted(piece) || piece->gpa != words[0] ||
		    piece->bytes != words[1] || piece->hva != words[2])
			continue;
		ret = kage_grow(&s->hits, &s->capacity, s->nr_hits,
				sizeof(*s->hits), st);
		if (!ret)
			s->hits[s->nr_hits++] = (struct hit){address, i, id};
	}
	return ret;
}

/* What cannot be read was unmapped meanwhile. */
static int search_range(struct search *s, uint64_t start, uint64_t end,
			struct status *st)
{
	int ret = 0;
	ssize_t n;

	while (!ret && start + ENTRY_BYTES <= end) {
		size_t bytes = end - start < CHUNK ? end - start : CHUNK;

		n = pread(s->memory->fd, s->buffer, bytes, (off_t)start);
		if (n < ENTRY_BYTES)
			return 0;
		for (size_t at = 0; !ret && at + ENTRY_BYTES <= (size_t)n;
		     at += 8)
			ret = take_entry(s, start + at, s->buffer + at, st);
		start += (size_t)n - ENTRY_BYTES + 8;
	}
	return ret;
}

static bool holds_guest_memory(const struct qemu_view *view, uint64_t start,
			       uint64_t end)
{
	for (size_t i = 0; i < view->nr; i++)
		if (view->pieces[i].hva >= start && view->pieces[i].hva < end)
			return true;
	return false;
}

/* The heap and its like: private memory of no file. */
static int search_everything(struct search *s, struct status *st)
{
	char line[512], access[8];
	uint64_t start, end, inode;
	int ret = 0;

	s->nr_hits = 0;
	rewind(s->memory->maps);
	while (!ret && fgets(line, sizeof(line), s->memory->maps)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %*x %*s %" SCNu64,
			   &start, &end, access, &inode) != 4 ||
		    inode || strcmp(access, "rw-p") != 0 ||
		    end - start > MAPPING_MAX ||
		    holds_guest_memory(s->view, start, end))
			continue;
		ret = search_range(s, start, end, st);
	}
	return ret;
}

static const struct hit *hit_at(const struct search *s, size_t piece,
				uint64_t table, uint64_t stride)
{
	for (size_t i = 0; i < s->nr_hits; i++)
		if (s->hits[i].piece == piece &&
		    s->hits[i].address == table + s->hits[i].id * stride)
			return &s->hits[i];
	return NULL;
}

/* Return: whether all pieces have their entry in this table. */
static bool fill_slots(const struct search *s, uint64_t table, uint64_t stride,
		       struct kvm_slots *slots)
{
	slots->nr = 0;
	for (size_t i = 0; i < s->view->nr; i++) {
		const struct qemu_piece *piece = &s->view->pieces[i];
		const struct hit *hit;

		if (!piece->is_kvm)
			continue;
		hit = hit_at(s, i, table, stride);
		if (!hit)
			return false;
		slots->slots[slots->nr++] = (struct kvm_slot){
			.id = hit->id,
			.gfn = piece->gpa / TRACE_PAGE_BYTES,
			.npages = piece->bytes / TRACE_PAGE_BYTES,
		};
	}
	return slots->nr > 0;
}

static bool are_same(const struct kvm_slots *a, const struct kvm_slots *b)
{
	for (size_t i = 0; i < a->nr; i++)
		if (a->slots[i].id != b->slots[i].id)
			return false;
	return true;
}

/* Two hits with different numbers tell where a table may begin, and its stride. */
static bool guess_table(const struct hit *a, const struct hit *b,
			uint64_t *table, uint64_t *stride)
{
	int64_t distance = (int64_t)(b->address - a->address);
	int64_t steps = (int64_t)b->id - (int64_t)a->id;

	if (!steps || distance % steps || distance / steps < ENTRY_BYTES ||
	    distance / steps > STRIDE_MAX)
		return false;
	*stride = (uint64_t)(distance / steps);
	*table = a->address - a->id * *stride;
	return true;
}

/* A table that agrees with the view is the answer, unless another one differs.
 * @other has room like @slots. */
static int decide(struct search *s, struct kvm_slots *slots,
		  struct kvm_slots *other, struct status *st)
{
	uint64_t table, stride;

	slots->nr = 0;
	for (size_t i = 0; i < s->nr_hits * s->nr_hits; i++) {
		if (!guess_table(&s->hits[i / s->nr_hits],
				 &s->hits[i % s->nr_hits], &table, &stride) ||
		    !fill_slots(s, table, stride, other))
			continue;
		if (slots->nr && !are_same(slots, other))
			return status_fail(st, ENOTUNIQ,
					   "QEMU's memory holds several tables "
					   "of KVM memslots, and they differ");
		s->memory->table = table;
		memcpy(slots->slots, other->slots,
		       other->nr * sizeof(*other->slots));
		slots->nr = other->nr;
	}
	if (slots->nr)
		return 0;
	return status_fail(st, EAGAIN,
			   "QEMU's table of KVM memslots was not found in its "
			   "memory");
}

/* Where the table was the last time it probably is. */
static int search(struct search *s, struct kvm_slots *slots,
		  struct kvm_slots *other, struct status *st)
{
	uint64_t table = s->memory->table;
	int ret = -EAGAIN;

	if (table && !search_range(s, table, table + NEAR, st))
		ret = decide(s, slots, other, st);
	if (ret == -EAGAIN)
		ret = search_everything(s, st);
	else
		return ret;
	return ret ? ret : decide(s, slots, other, st);
}

int qemu_slots_read(struct qemu_memory *memory, const struct qemu_view *view,
		    struct kvm_slots *slots, struct status *st)
{
	struct search *s = kage_calloc(1, sizeof(*s), st);
	struct kvm_slots other = {0};
	int ret = -ENOMEM;

	*slots = (struct kvm_slots){0};
	slots->slots = kage_calloc(view->nr, sizeof(*slots->slots), st);
	other.slots = kage_calloc(view->nr, sizeof(*other.slots), st);
	if (s && slots->slots && other.slots) {
		s->memory = memory;
		s->view = view;
		ret = search(s, slots, &other, st);
		free(s->hits);
	}
	free(other.slots);
	free(s);
	if (ret) {
		free(slots->slots);
		*slots = (struct kvm_slots){0};
	}
	return ret;
}

int qemu_slots_ask(struct qemu_memory *memory, struct qmp *qmp,
		   struct kvm_slots *slots, struct status *st)
{
	struct qemu_view view;
	int ret = qemu_view_read(&view, qmp, st);

	if (!ret)
		ret = qemu_slots_read(memory, &view, slots, st);
	qemu_view_fini(&view);
	return ret;
}

const struct kvm_slot *kvm_slots_find(const struct kvm_slots *slots,
				      uint32_t id)
{
	for (size_t i = 0; i < slots->nr; i++)
		if (slots->slots[i].id == id)
			return &slots->slots[i];
	return NULL;
}

static int refuse(const char *path, int error, struct status *st)
{
	return status_fail(st, error,
			   "%s: %s: reading the memory of QEMU needs root or "
			   "CAP_SYS_PTRACE, and kernel.yama.ptrace_scope below "
			   "3",
			   path, strerror(error));
}

int qemu_memory_open(struct qemu_memory *memory, pid_t pid, struct status *st)
{
	char path[64];

	*memory = (struct qemu_memory){.fd = -1};
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	memory->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (memory->fd < 0)
		return refuse(path, errno, st);
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	memory->maps = fopen(path, "re");
	return memory->maps ? 0 : refuse(path, errno, st);
}

void qemu_memory_close(struct qemu_memory *memory)
{
	if (memory->maps)
		fclose(memory->maps);
	if (memory->fd >= 0)
		close(memory->fd);
	*memory = (struct qemu_memory){.fd = -1};
}
