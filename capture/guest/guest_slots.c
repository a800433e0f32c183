/* SPDX-License-Identifier: MIT */
/* A memory map as the user gives it: in words, or as a file; see guest.h. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/units.h"
#include "capture/guest/guest.h"

/* Return: 0 with a size or a 0x number, which must be page aligned. */
static int parse_address(const char *text, uint64_t *value, struct status *st)
{
	char *end;
	int ret = 0;

	if (!strncmp(text, "0x", 2)) {
		errno = 0;
		*value = strtoull(text, &end, 16);
		if (*end || errno)
			ret = status_fail(st, EINVAL, "'%s' is no address",
					  text);
	} else {
		ret = units_parse_size(text, value, st);
	}
	if (!ret && *value % TRACE_PAGE_BYTES)
		ret = status_fail(st, EINVAL, "%s is not a multiple of 4096",
				  text);
	return ret;
}

/* "GPA-GPA[@HVA]"; @word is cut to pieces. */
static int parse_slot(char *word, struct trace_slot *slot, struct status *st)
{
	char *dash = strchr(word, '-'), *at = dash ? strchr(dash, '@') : NULL;
	uint64_t first = 0, end = 0, hva = 0;
	int ret = 0;

	if (!dash)
		return status_fail(st, EINVAL,
				   "--slots: '%s' is no file and no GPA-GPA",
				   word);
	*dash = '\0';
	if (at)
		*at = '\0';
	ret = parse_address(word, &first, st);
	if (!ret)
		ret = parse_address(dash + 1, &end, st);
	if (!ret && at)
		ret = parse_address(at + 1, &hva, st);
	if (!ret && end > TRACE_GFN_LIMIT * TRACE_PAGE_BYTES)
		ret = status_fail(st, EINVAL,
				  "--slots: %s is beyond the last guest frame",
				  dash + 1);
	if (!ret && end <= first)
		ret = status_fail(st, EINVAL,
				  "--slots: %s-%s is empty (bytes, end behind "
				  "the last)",
				  word, dash + 1);
	*slot = (struct trace_slot){
		.gfn = first / TRACE_PAGE_BYTES,
		.npages = (end - first) / TRACE_PAGE_BYTES,
		.hva = hva,
		.page_bytes = TRACE_PAGE_BYTES,
		.node = -1,
		.backing = "unknown",
	};
	return ret;
}

static int parse_words(const char *text, struct trace_slot *slots, size_t *nr,
		       struct status *st)
{
	char *copy = kage_strdup(text, st), *rest = NULL, *word;
	int ret = copy ? 0 : -ENOMEM;

	if (copy)
		word = strtok_r(copy, ",", &rest);
	for (; !ret && word; word = strtok_r(NULL, ",", &rest)) {
		if (*nr == TRACE_SLOTS_MAX)
			ret = status_fail(st, EINVAL, "--slots: too many");
		else
			ret = parse_slot(word, &slots[(*nr)++], st);
	}
	free(copy);
	return ret;
}

static int unpack_slot(json_t *object, struct trace_slot *slot)
{
	json_int_t gfn, npages, hva = 0, page_bytes = TRACE_PAGE_BYTES;
	int node = -1;
	const char *backing = "unknown";

	if (json_unpack(object, "{s:I, s:I, s?I, s?I, s?i, s?s}", "gfn", &gfn,
			"npages", &npages, "hva", &hva, "page_bytes",
			&page_bytes, "node", &node, "backing", &backing) ||
	    gfn < 0 || npages < 1 || hva < 0 || hva % TRACE_PAGE_BYTES ||
	    page_bytes != (uint32_t)page_bytes ||
	    (uint64_t)npages > TRACE_GFN_LIMIT ||
	    (uint64_t)gfn > TRACE_GFN_LIMIT - (uint64_t)npages)
		return -EBADMSG;
	*slot = (struct trace_slot){
		.gfn = (gfn_t)gfn,
		.npages = (uint64_t)npages,
		.hva = (uint64_t)hva,
		.page_bytes = (uint32_t)page_bytes,
		.node = node,
	};
	snprintf(slot->backing, sizeof(slot->backing), "%s", backing);
	return 0;
}

/* A file of an earlier guest has the addresses of another process. */
static int check_pid(const json_t *root, pid_t pid, const char *path,
		     struct status *st)
{
	json_int_t of = json_integer_value(json_object_get(root, "pid"));

	if (!pid || !of || of == pid)
		return 0;
	return status_fail(st, EBADMSG, "%s describes process %lld, not %lld",
			   path, (long long)of, (long long)pid);
}

static int load_file(const char *path, pid_t pid, struct trace_slot *slots,
		     size_t *nr, struct status *st)
{
	json_error_t error;
	json_t *root = json_load_file(path, 0, &error);
	json_t *list = json_object_get(root, "slots"), *object;
	int ret;
	size_t i;

	if (!root)
		return status_fail(st, EBADMSG, "%s: line %d: %s", path,
				   error.line, error.text);
	ret = check_pid(root, pid, path, st);
	if (ret)
		goto out;
	if (!json_array_size(list))
		ret = status_fail(st, EBADMSG, "%s: no array \"slots\"", path);
	else if (json_array_size(list) > TRACE_SLOTS_MAX)
		ret = status_fail(st, EBADMSG, "%s: more than %d slots", path,
				  TRACE_SLOTS_MAX);
	json_array_foreach(list, i, object)
	{
		if (ret)
			break;
		if (unpack_slot(object, &slots[(*nr)++]))
			ret = status_fail(st, EBADMSG,
					  "%s: slot %zu: gfn and npages are "
					  "needed, within the guest's frames; "
					  "hva is a multiple of 4096",
					  path, i);
	}
out:
	json_decref(root);
	return ret;
}

static int by_gfn(const void *a, const void *b)
{
	const struct trace_slot *x = a, *y = b;

	return (x->gfn > y->gfn) - (x->gfn < y->gfn);
}

/* Other rules for slots are the trace writer's to check. */
static int check_overlap(const struct trace_slot *slots, size_t nr,
			 struct status *st)
{
	for (size_t i = 1; i < nr; i++)
		if (slots[i].gfn - slots[i - 1].gfn < slots[i - 1].npages)
			return status_fail(st, EINVAL,
					   "--slots: gfn %" PRIu64
					   " is in two slots",
					   slots[i].gfn);
	return nr ? 0 : status_fail(st, EINVAL, "--slots: none given");
}

int guest_slots_parse(const char *text, pid_t pid, struct trace_slot **slots,
		      size_t *nr, struct status *st)
{
	FILE *file = fopen(text, "re");
	int ret;

	*nr = 0;
	*slots = NULL;
	if (!file && strpbrk(text, "/."))
		return status_fail(st, errno, "--slots: %s: %s", text,
				   strerror(errno));
	*slots = kage_calloc(TRACE_SLOTS_MAX, sizeof(**slots), st);
	if (!*slots)
		ret = -ENOMEM;
	else
		ret = file ? load_file(text, pid, *slots, nr, st)
			   : parse_words(text, *slots, nr, st);
	if (file)
		fclose(file);
	if (!ret) {
		qsort(*slots, *nr, sizeof(**slots), by_gfn);
		ret = check_overlap(*slots, *nr, st);
	}
	if (ret) {
		free(*slots);
		*slots = NULL;
	}
	return ret;
}
