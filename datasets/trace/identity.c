/* SPDX-License-Identifier: MIT */
/*
 * Content id, see identity.h.  Events are hashed column by column, as the reader
 * has them; runs are hashed as if each had been merged with those that it
 * continues, because where a writer splits them says nothing.
 */
#include "datasets/trace/identity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "datasets/trace/format.h"

enum {
	OF_META,
	OF_EPOCHS,
	OF_TIME,
	OF_GFN,
	OF_COUNT,
	OF_VCPU,
	OF_KIND,
	OF_REASON,
	NR_HASHES
};

struct identity {
	XXH3_state_t *hashes[NR_HASHES];
	/* The run that the next one may continue; npages 0: none. */
	gfn_t gfn;
	uint64_t npages;
	uint8_t flags;
	uint32_t hits;
	bool has_hits;
};

static void add(struct identity *identity, int hash, const void *data,
		size_t bytes)
{
	XXH3_128bits_update(identity->hashes[hash], data, bytes);
}

static void add_u64(struct identity *identity, int hash, uint64_t value)
{
	add(identity, hash, &value, sizeof(value));
}

static void add_u32(struct identity *identity, int hash, uint32_t value)
{
	add(identity, hash, &value, sizeof(value));
}

static void add_meta(struct identity *identity, const struct trace_meta *meta)
{
	add_u32(identity, OF_META, meta->clock.kind);
	add_u32(identity, OF_META, meta->clock.ps_per_tick);
	add_u32(identity, OF_META, meta->fidelity);
	add_u32(identity, OF_META, meta->channels);
	add_u32(identity, OF_META, meta->nr_vcpus);
	add_u32(identity, OF_META, (uint32_t)meta->nr_slots);
	for (size_t i = 0; i < meta->nr_slots; i++) {
		const struct trace_slot *s = &meta->slots[i];
		char backing[sizeof(s->backing)] = "";

		memcpy(backing, s->backing, strlen(s->backing));
		add_u64(identity, OF_META, s->gfn);
		add_u64(identity, OF_META, s->npages);
		add_u64(identity, OF_META, s->hva);
		add_u32(identity, OF_META, s->page_bytes);
		add_u32(identity, OF_META, (uint32_t)s->node);
		add(identity, OF_META, backing, sizeof(backing));
	}
}

struct identity *identity_new(const struct trace_meta *meta, struct status *st)
{
	struct identity *identity = kage_calloc(1, sizeof(*identity), st);

	for (size_t h = 0; identity && h < NR_HASHES; h++) {
		identity->hashes[h] = XXH3_createState();
		if (!identity->hashes[h]) {
			status_fail(st, ENOMEM, "out of memory");
			identity_free(identity);
			return NULL;
		}
		XXH3_128bits_reset(identity->hashes[h]);
	}
	if (identity)
		add_meta(identity, meta);
	return identity;
}

void identity_free(struct identity *identity)
{
	for (size_t h = 0; identity && h < NR_HASHES; h++)
		XXH3_freeState(identity->hashes[h]);
	free(identity);
}

void identity_stream(struct identity *identity,
		     const struct trace_stream *stream)
{
	size_t n = stream->n;

	add(identity, OF_TIME, stream->time, n * sizeof(*stream->time));
	add(identity, OF_GFN, stream->gfn, n * sizeof(*stream->gfn));
	add(identity, OF_COUNT, stream->count, n * sizeof(*stream->count));
	add(identity, OF_VCPU, stream->vcpu, n * sizeof(*stream->vcpu));
	add(identity, OF_KIND, stream->kind, n * sizeof(*stream->kind));
	add(identity, OF_REASON, stream->reason, n * sizeof(*stream->reason));
}

static void end_run(struct identity *identity)
{
	if (!identity->npages)
		return;
	add_u64(identity, OF_EPOCHS, identity->gfn);
	add_u64(identity, OF_EPOCHS, identity->npages << 8 | identity->flags);
	if (identity->has_hits)
		add_u32(identity, OF_EPOCHS, identity->hits);
	identity->npages = 0;
}

static void add_run(struct identity *identity, const struct trace_run *run)
{
	if (identity->npages && run->flags == identity->flags &&
	    run->hits == identity->hits &&
	    run->gfn == identity->gfn + identity->npages) {
		identity->npages += run->npages;
		return;
	}
	end_run(identity);
	identity->gfn = run->gfn;
	identity->npages = run->npages;
	identity->flags = run->flags;
	identity->hits = run->hits;
}

void identity_epoch(struct identity *identity, const struct trace_block *part)
{
	const struct trace_epoch *epoch = &part->epoch;

	if (!part->first_rank) {
		add_u64(identity, OF_EPOCHS, epoch->index);
		add_u64(identity, OF_EPOCHS, epoch->start);
		add_u64(identity, OF_EPOCHS, epoch->end);
		add_u64(identity, OF_EPOCHS, epoch->scan_start);
		add_u64(identity, OF_EPOCHS, epoch->scan_end);
		add_u64(identity, OF_EPOCHS, epoch->npages);
		add_u32(identity, OF_EPOCHS, epoch->channels);
		add_u32(identity, OF_EPOCHS,
			epoch->is_ordered ? 1
			: epoch->has_hits ? 4
					  : 0);
		if (epoch->has_hits)
			add_u32(identity, OF_EPOCHS, epoch->samples);
		identity->has_hits = epoch->has_hits;
	}
	for (size_t i = 0; i < part->nr_runs; i++)
		add_run(identity, &part->runs[i]);
	if (part->is_last_part)
		end_run(identity);
}

void identity_digest(const struct identity *identity,
		     uint8_t id[TRACE_ID_BYTES])
{
	XXH128_canonical_t parts[NR_HASHES], whole;

	for (size_t h = 0; h < NR_HASHES; h++)
		XXH128_canonicalFromHash(
			&parts[h], XXH3_128bits_digest(identity->hashes[h]));
	XXH128_canonicalFromHash(&whole, XXH3_128bits(parts, sizeof(parts)));
	memcpy(id, &whole, TRACE_ID_BYTES);
}
