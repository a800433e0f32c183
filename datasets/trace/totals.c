/* SPDX-License-Identifier: MIT */
/* Header, totals, END frame and trailer; see totals.h. */
#include "datasets/trace/totals.h"

#include <xxhash.h>

static void see_times(struct trace_totals *totals, uint64_t first,
		      uint64_t last)
{
	bool is_first = !totals->events && !totals->epochs;

	if (is_first || first < totals->first_time)
		totals->first_time = first;
	if (is_first || last > totals->last_time)
		totals->last_time = last;
}

void totals_stream(struct trace_totals *totals,
		   const struct trace_stream *stream)
{
	uint64_t accesses = 0, lost = 0, unknown = 0;

	for (size_t i = 0; i < stream->n; i++) {
		accesses += stream->kind[i] <= TRACE_FETCH ? stream->count[i]
							   : 0;
		lost += stream->kind[i] == TRACE_LOST ? stream->count[i] : 0;
		unknown += stream->kind[i] == TRACE_LOST && stream->reason[i];
	}
	see_times(totals, stream->time[0], stream->time[stream->n - 1]);
	totals->events += stream->n;
	totals->accesses += accesses;
	totals->lost += lost;
	totals->lost_unknown += unknown;
}

void totals_epoch(struct trace_totals *totals, const struct trace_epoch *epoch)
{
	see_times(totals, epoch->start, epoch->end);
	totals->epochs++;
	totals->epoch_pages += epoch->npages;
}

bool totals_exceed(const struct trace_totals *some,
		   const struct trace_totals *all)
{
	bool has_times = some->events || some->epochs;

	return some->events > all->events || some->epochs > all->epochs ||
	       some->epoch_pages > all->epoch_pages ||
	       (has_times && (some->first_time < all->first_time ||
			      some->last_time > all->last_time));
}

uint32_t end_encode(uint8_t out[END_BYTES_MAX], const struct trace_end *end)
{
	const struct trace_totals *t = &end->totals;

	put_u64(out, t->epochs);
	put_u64(out + 8, t->epoch_pages);
	put_u64(out + 16, t->events);
	put_u64(out + 24, t->accesses);
	put_u64(out + 32, t->lost);
	put_u64(out + 40, t->first_time);
	put_u64(out + 48, t->last_time);
	put_u64(out + 56, end->frames);
	put_u64(out + 64, end->index_offset);
	memcpy(out + 72, t->id, TRACE_ID_BYTES);
	put_u64(out + END_BYTES, t->lost_unknown);
	return t->lost_unknown ? END_BYTES_MAX : END_BYTES;
}

bool end_decode(struct trace_end *end, const uint8_t *raw, size_t bytes)
{
	struct trace_totals *t = &end->totals;

	if (bytes != END_BYTES && bytes != END_BYTES_MAX)
		return false;
	t->epochs = get_u64(raw);
	t->epoch_pages = get_u64(raw + 8);
	t->events = get_u64(raw + 16);
	t->accesses = get_u64(raw + 24);
	t->lost = get_u64(raw + 32);
	t->first_time = get_u64(raw + 40);
	t->last_time = get_u64(raw + 48);
	end->frames = get_u64(raw + 56);
	end->index_offset = get_u64(raw + 64);
	memcpy(t->id, raw + 72, TRACE_ID_BYTES);
	t->lost_unknown = bytes > END_BYTES ? get_u64(raw + END_BYTES) : 0;
	return bytes == END_BYTES || t->lost_unknown;
}

static uint64_t hash_entry(const void *entry, uint64_t before)
{
	return XXH3_64bits_withSeed(entry, INDEX_ENTRY_BYTES, before);
}

void ledger_frame(struct ledger *ledger, const struct index_entry *entry)
{
	ledger->entries_hash = hash_entry(entry, ledger->entries_hash);
	ledger->frames++;
}

void ledger_index(struct ledger *ledger, uint64_t offset,
		  const uint8_t *entries, uint32_t count)
{
	if (!ledger->index_offset)
		ledger->index_offset = offset;
	for (uint32_t i = 0; i < count; i++)
		ledger->index_hash = hash_entry(entries + i * INDEX_ENTRY_BYTES,
						ledger->index_hash);
	ledger->indexed += count;
}

const char *ledger_flaw(const struct ledger *ledger,
			const struct trace_end *end, bool has_id)
{
	const struct trace_totals *a = &ledger->totals, *b = &end->totals;

	if (ledger->index_offset != end->index_offset ||
	    ledger->frames != end->frames || ledger->indexed != end->frames ||
	    ledger->index_hash != ledger->entries_hash)
		return "the index does not list the frames before it";
	if (a->epochs != b->epochs || a->epoch_pages != b->epoch_pages ||
	    a->events != b->events || a->accesses != b->accesses ||
	    a->lost != b->lost || a->lost_unknown != b->lost_unknown ||
	    a->first_time != b->first_time || a->last_time != b->last_time)
		return "the totals are not those of the records";
	if (has_id && memcmp(a->id, b->id, TRACE_ID_BYTES))
		return "the content id is not that of the records";
	return NULL;
}

void header_encode(uint8_t out[FILE_HEADER_BYTES])
{
	memset(out, 0, FILE_HEADER_BYTES);
	memcpy(out, FILE_MAGIC, 8);
	put_u32(out + 8, FORMAT_VERSION);
	put_u64(out + 16, XXH3_64bits(out, 16));
}

const char *header_flaw(const uint8_t raw[FILE_HEADER_BYTES])
{
	if (memcmp(raw, FILE_MAGIC, 8))
		return "not a kage trace";
	if (get_u64(raw + 16) != XXH3_64bits(raw, 16))
		return "file header checksum does not match";
	if (get_u32(raw + 8) != FORMAT_VERSION || !is_zero(raw + 12, 4))
		return "trace format of an unknown version";
	return NULL;
}

void trailer_encode(uint8_t out[TRAILER_BYTES], uint64_t end_offset)
{
	memcpy(out, TRAILER_MAGIC, 8);
	put_u64(out + 8, end_offset);
	put_u64(out + 16, XXH3_64bits(out, 16));
}

bool trailer_decode(const uint8_t raw[TRAILER_BYTES], uint64_t *end_offset)
{
	*end_offset = get_u64(raw + 8);
	return !memcmp(raw, TRAILER_MAGIC, 8) &&
	       get_u64(raw + 16) == XXH3_64bits(raw, 16);
}
