/* SPDX-License-Identifier: MIT */
/*
 * The header of a trace, see meta.h.  jansson allocates for itself: its memory
 * is not counted by base/alloc.
 */
#include "datasets/trace/meta.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum {
	CHANNELS = TRACE_CHANNEL_ACCESSED | TRACE_CHANNEL_DIRTY
};

static const char *const clock_names[] = {
	[TRACE_CLOCK_NS] = "ns",
	[TRACE_CLOCK_INSN] = "insn",
};

static const char *slot_flaw(const struct trace_slot *s, gfn_t free_from)
{
	if (s->gfn < free_from)
		return "slots overlap or are not sorted";
	if (!s->npages || s->npages > TRACE_GFN_LIMIT ||
	    s->gfn > TRACE_GFN_LIMIT - s->npages)
		return "a slot is empty or beyond the last gfn";
	if (s->hva > INT64_MAX)
		return "a slot's hva is out of range";
	if (s->page_bytes != 4096 && s->page_bytes != 2 << 20 &&
	    s->page_bytes != 1 << 30)
		return "a slot's page_bytes is no page size";
	if (s->node < -1)
		return "a slot's node is below -1";
	if (!s->backing[0] || !memchr(s->backing, 0, sizeof(s->backing)))
		return "a slot's backing is empty or too long";
	return NULL;
}

static const char *slots_flaw(const struct trace_meta *meta)
{
	gfn_t free_from = 0;

	if (!meta->nr_slots || meta->nr_slots > TRACE_SLOTS_MAX)
		return "there must be 1 to 512 slots";
	for (size_t i = 0; i < meta->nr_slots; i++) {
		const struct trace_slot *s = &meta->slots[i];
		const char *flaw = slot_flaw(s, free_from);

		if (flaw)
			return flaw;
		free_from = s->gfn + s->npages;
	}
	return NULL;
}

const char *meta_flaw(const struct trace_meta *meta)
{
	if (meta->clock.kind > TRACE_CLOCK_INSN || !meta->clock.ps_per_tick ||
	    (meta->clock.kind == TRACE_CLOCK_NS &&
	     meta->clock.ps_per_tick != 1000))
		return "clock is not known";
	if (meta->fidelity >= TRACE_NR_FIDELITIES)
		return "fidelity is not known";
	if (!meta->channels || meta->channels > CHANNELS)
		return "channels are not known";
	if (!meta->nr_vcpus || meta->nr_vcpus > TRACE_VCPUS_MAX)
		return "there must be 1 to 4096 vcpus";
	if (!meta->source[0] || !memchr(meta->source, 0, sizeof(meta->source)))
		return "source is empty or too long";
	return slots_flaw(meta);
}

static json_t *slots_to_json(const struct trace_meta *meta)
{
	json_t *list = json_array();

	for (size_t i = 0; i < meta->nr_slots; i++) {
		const struct trace_slot *s = &meta->slots[i];

		json_array_append_new(
			list, json_pack("{s:I, s:I, s:I, s:I, s:i, s:s}", "gfn",
					(json_int_t)s->gfn, "npages",
					(json_int_t)s->npages, "hva",
					(json_int_t)s->hva, "page_bytes",
					(json_int_t)s->page_bytes, "node",
					s->node, "backing", s->backing));
	}
	return list;
}

static json_t *channels_to_json(unsigned int channels)
{
	json_t *list = json_array();

	if (channels & TRACE_CHANNEL_ACCESSED)
		json_array_append_new(list, json_string("accessed"));
	if (channels & TRACE_CHANNEL_DIRTY)
		json_array_append_new(list, json_string("dirty"));
	return list;
}

char *meta_to_json(const struct trace_meta *meta, struct status *st)
{
	json_t *details = json_loads(meta->details ? meta->details : "{}",
				     JSON_REJECT_DUPLICATES, NULL);
	json_t *root;
	char *text;

	if (!json_is_object(details)) {
		json_decref(details);
		status_fail(st, EINVAL, "details is not a JSON object");
		return NULL;
	}
	root = json_pack("{s:{s:s, s:I}, s:s, s:o, s:i, s:s, s:o, s:o}",
			 "clock", "kind", clock_names[meta->clock.kind],
			 "ps_per_tick", (json_int_t)meta->clock.ps_per_tick,
			 "fidelity", trace_fidelity_names[meta->fidelity],
			 "channels", channels_to_json(meta->channels), "vcpus",
			 (int)meta->nr_vcpus, "source", meta->source, "slots",
			 slots_to_json(meta), "details", details);
	text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	if (!text)
		status_fail(st, EINVAL, "meta has text that is not UTF-8");
	json_decref(root);
	return text;
}

/* Return: the index of @name in @names, or @n. */
static unsigned int name_index(const char *const *names, unsigned int n,
			       const char *name)
{
	unsigned int i = 0;

	while (i < n && strcmp(names[i], name))
		i++;
	return i;
}

/* Return: the channel mask; 0, which no trace has, for what is not known. */
static unsigned int channels_from_json(const json_t *list)
{
	unsigned int channels = 0;
	size_t i;
	json_t *name;

	json_array_foreach((json_t *)(uintptr_t)list, i, name)
	{
		const char *text = json_string_value(name);

		if (text && !strcmp(text, "accessed"))
			channels |= TRACE_CHANNEL_ACCESSED;
		else if (text && !strcmp(text, "dirty"))
			channels |= TRACE_CHANNEL_DIRTY;
		else
			return 0;
	}
	return channels;
}

/* Copy @text if it fits; else leave @to empty, which no rule allows. */
static void copy_text(char *to, size_t size, const char *text)
{
	if (strlen(text) < size)
		strcpy(to, text);
}

static int slot_from_json(struct trace_slot *s, json_t *json, json_error_t *why)
{
	json_int_t gfn, npages, hva, page_bytes, node;
	const char *backing;

	if (json_unpack_ex(json, why, 0, "{s:I, s:I, s:I, s:I, s:I, s:s !}",
			   "gfn", &gfn, "npages", &npages, "hva", &hva,
			   "page_bytes", &page_bytes, "node", &node, "backing",
			   &backing))
		return -1;
	s->gfn = (uint64_t)gfn;
	s->npages = (uint64_t)npages;
	s->hva = (uint64_t)hva;
	s->page_bytes =
		page_bytes == (uint32_t)page_bytes ? (uint32_t)page_bytes : 0;
	s->node = node == (int32_t)node ? (int32_t)node : INT32_MIN;
	copy_text(s->backing, sizeof(s->backing), backing);
	return 0;
}

static int slots_from_json(struct trace_meta *meta, const json_t *list,
			   json_error_t *why, struct status *st)
{
	size_t n = json_array_size(list);

	if (!n || n > TRACE_SLOTS_MAX)
		return status_fail(st, EBADMSG,
				   "meta: there must be 1 to 512 slots");
	meta->slots = kage_calloc(n, sizeof(*meta->slots), st);
	if (!meta->slots)
		return -ENOMEM;
	meta->nr_slots = n;
	for (size_t i = 0; i < n; i++)
		if (slot_from_json(&meta->slots[i], json_array_get(list, i),
				   why))
			return status_fail(st, EBADMSG, "meta: slot %zu: %s", i,
					   why->text);
	return 0;
}

static int from_tree(struct trace_meta *meta, json_t *root, struct status *st)
{
	const char *clock, *fidelity, *source;
	json_t *channels, *slots, *details;
	json_int_t ps, vcpus;
	json_error_t why;
	const char *flaw;
	int ret;

	if (json_unpack_ex(root, &why, 0,
			   "{s:{s:s, s:I !}, s:s, s:o, s:I, s:s, s:o, s:o !}",
			   "clock", "kind", &clock, "ps_per_tick", &ps,
			   "fidelity", &fidelity, "channels", &channels,
			   "vcpus", &vcpus, "source", &source, "slots", &slots,
			   "details", &details) ||
	    !json_is_object(details))
		return status_fail(st, EBADMSG, "meta: %s", why.text);
	meta->clock.kind = name_index(clock_names, 2, clock);
	meta->clock.ps_per_tick = ps == (uint32_t)ps ? (uint32_t)ps : 0;
	meta->fidelity =
		name_index(trace_fidelity_names, TRACE_NR_FIDELITIES, fidelity);
	meta->channels = channels_from_json(channels);
	meta->nr_vcpus = vcpus == (uint16_t)vcpus ? (uint16_t)vcpus : 0;
	copy_text(meta->source, sizeof(meta->source), source);
	ret = slots_from_json(meta, slots, &why, st);
	if (ret)
		return ret;
	meta->details = json_dumps(details, JSON_COMPACT);
	if (!meta->details)
		return status_fail(st, ENOMEM, "meta: out of memory");
	flaw = meta_flaw(meta);
	return flaw ? status_fail(st, EBADMSG, "meta: %s", flaw) : 0;
}

int meta_from_json(struct trace_meta *meta, const char *text, size_t bytes,
		   struct status *st)
{
	struct trace_meta parsed = {0};
	json_error_t why;
	json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &why);
	int ret;

	if (!root)
		return status_fail(st, EBADMSG, "meta: %s", why.text);
	ret = from_tree(&parsed, root, st);
	if (ret)
		trace_meta_fini(&parsed);
	else
		*meta = parsed;
	json_decref(root);
	return ret;
}

int trace_meta_copy(struct trace_meta *to, const struct trace_meta *from,
		    struct status *st)
{
	*to = *from;
	to->details = kage_strdup(from->details ? from->details : "{}", st);
	to->slots = kage_calloc(from->nr_slots, sizeof(*to->slots), st);
	if (!to->details || !to->slots) {
		trace_meta_fini(to);
		return -ENOMEM;
	}
	memcpy(to->slots, from->slots, from->nr_slots * sizeof(*to->slots));
	return 0;
}

void trace_meta_fini(struct trace_meta *meta)
{
	free(meta->slots);
	free(meta->details);
	*meta = (struct trace_meta){0};
}

uint64_t trace_meta_pages(const struct trace_meta *meta)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < meta->nr_slots; i++)
		pages += meta->slots[i].npages;
	return pages;
}

/* The first slot that ends behind @gfn. */
static size_t slot_search(const struct trace_meta *meta, gfn_t gfn)
{
	size_t low = 0, high = meta->nr_slots - 1;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct trace_slot *s = &meta->slots[middle];

		if (s->gfn + s->npages > gfn)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

const struct trace_slot *meta_slot(const struct trace_meta *meta, gfn_t gfn,
				   uint64_t npages, size_t *hint)
{
	const struct trace_slot *s = &meta->slots[*hint];

	if (gfn - s->gfn >= s->npages) {
		*hint = slot_search(meta, gfn);
		s = &meta->slots[*hint];
	}
	return gfn - s->gfn < s->npages && npages <= s->gfn + s->npages - gfn
		       ? s
		       : NULL;
}
