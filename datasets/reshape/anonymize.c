/* SPDX-License-Identifier: MIT */
/*
 * Blocks in an order that only the key tells; see reshape.h.  The permutation is
 * Fisher and Yates' by the key stream of ChaCha20 under the BLAKE2b hash of the key
 * file (libsodium).
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "datasets/reshape/details.h"
#include "datasets/reshape/pieces.h"
#include "datasets/reshape/reshape.h"

enum {
	KEY_FILE_MAX = 1 << 20,
	STREAM_WORDS = 512,
};

#define PAGES_MAX (UINT64_C(1) << 32)

/* Numbers that nobody without the key can tell from random ones. */
struct keystream {
	unsigned char key[crypto_stream_chacha20_KEYBYTES];
	uint64_t words[STREAM_WORDS];
	size_t used;
	uint64_t offset; /* of the next words, in blocks of 64 bytes */
};

/* The blocks that take each other's places. */
struct blocks {
	uint64_t *from, *to; /* from is sorted */
	size_t n;
};

static int read_key(struct keystream *k, const char *path, struct status *st)
{
	unsigned char *bytes = kage_calloc(1, KEY_FILE_MAX, st);
	FILE *file = fopen(path, "rbe");
	size_t n = 0;
	int ret = 0;

	if (!file)
		ret = status_fail(st, errno, "%s: %s", path, strerror(errno));
	else if (!bytes || sodium_init() < 0)
		ret = status_fail(st, ENOMEM, "out of memory");
	else
		n = fread(bytes, 1, KEY_FILE_MAX, file);
	if (!ret && (n < ANONYMIZE_KEY_MIN || n == KEY_FILE_MAX))
		ret = status_fail(st, EBADMSG,
				  "%s: a key has %d bytes or more, and less "
				  "than 1 MiB (head -c 32 /dev/urandom)",
				  path, ANONYMIZE_KEY_MIN);
	if (!ret)
		crypto_generichash(k->key, sizeof(k->key), bytes, n, NULL, 0);
	if (bytes)
		sodium_memzero(bytes, KEY_FILE_MAX);
	free(bytes);
	if (file)
		fclose(file);
	k->used = STREAM_WORDS;
	return ret;
}

static uint64_t next_word(struct keystream *k)
{
	static const unsigned char nonce[crypto_stream_chacha20_NONCEBYTES];
	union {
		uint64_t *words;
		unsigned char *bytes;
	} at = {k->words};

	if (k->used == STREAM_WORDS) {
		memset(k->words, 0, sizeof(k->words));
		crypto_stream_chacha20_xor_ic(at.bytes, at.bytes,
					      sizeof(k->words), nonce,
					      k->offset, k->key);
		k->offset += sizeof(k->words) / 64;
		k->used = 0;
	}
	return k->words[k->used++];
}

static bool is_alike(const struct trace_slot *a, const struct trace_slot *b)
{
	return a->page_bytes == b->page_bytes && a->node == b->node &&
	       !strcmp(a->backing, b->backing);
}

/* Append the blocks that are whole in slots like number @first. */
static void add_class(struct blocks *b, const struct trace_meta *meta,
		      size_t first)
{
	for (size_t i = first; i < meta->nr_slots; i++) {
		const struct trace_slot *s = &meta->slots[i];
		uint64_t end = (s->gfn + s->npages) / ANONYMIZE_BLOCK_PAGES;
		uint64_t block = (s->gfn + ANONYMIZE_BLOCK_PAGES - 1) /
				 ANONYMIZE_BLOCK_PAGES;

		if (!is_alike(s, &meta->slots[first]))
			continue;
		for (; block < end; block++)
			b->from[b->n++] = block;
	}
}

static bool is_first_of_class(const struct trace_meta *meta, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (is_alike(&meta->slots[k], &meta->slots[i]))
			return false;
	return true;
}

static void permute(uint64_t *to, size_t n, struct keystream *k)
{
	for (size_t i = n; i > 1; i--) {
		size_t other =
			(size_t)(((unsigned __int128)next_word(k) * i) >> 64);
		uint64_t block = to[other];

		to[other] = to[i - 1];
		to[i - 1] = block;
	}
}

struct pair {
	uint64_t from, to;
};

static int by_from(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

/* Classes are permuted each for itself, then all are sorted for the search. */
static int fill(struct blocks *b, const struct trace_meta *meta,
		struct keystream *k, struct status *st)
{
	struct pair *pairs;

	for (size_t i = 0; i < meta->nr_slots; i++) {
		size_t start = b->n;

		if (!is_first_of_class(meta, i))
			continue;
		add_class(b, meta, i);
		for (size_t j = start; j < b->n; j++)
			b->to[j] = b->from[j];
		permute(b->to + start, b->n - start, k);
	}
	pairs = kage_calloc(b->n + 1, sizeof(*pairs), st);
	if (!pairs)
		return -ENOMEM;
	for (size_t i = 0; i < b->n; i++)
		pairs[i] = (struct pair){b->from[i], b->to[i]};
	qsort(pairs, b->n, sizeof(*pairs), by_from);
	for (size_t i = 0; i < b->n; i++) {
		b->from[i] = pairs[i].from;
		b->to[i] = pairs[i].to;
	}
	free(pairs);
	return 0;
}

static int blocks_init(struct blocks *b, const struct trace_meta *meta,
		       struct keystream *k, struct status *st)
{
	uint64_t pages = trace_meta_pages(meta);
	size_t most = (size_t)(pages / ANONYMIZE_BLOCK_PAGES) + 1;

	if (pages >= PAGES_MAX)
		return status_fail(st, E2BIG, "a guest of 2^32 pages or more");
	b->from = kage_calloc(most, sizeof(*b->from), st);
	b->to = kage_calloc(most, sizeof(*b->to), st);
	return b->from && b->to ? fill(b, meta, k, st) : -ENOMEM;
}

/* A block that is not whole stays where it is. */
static bool move(const void *arg, uint64_t *block)
{
	const struct blocks *b = arg;
	size_t low = 0, high = b->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (b->from[middle] < *block)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < b->n && b->from[low] == *block)
		*block = b->to[low];
	return true;
}

/* Host addresses go, but for how pages lie in the host's page tables. */
static void hide_hosts(struct trace_meta *meta)
{
	for (size_t i = 0; i < meta->nr_slots; i++) {
		struct trace_slot *s = &meta->slots[i];
		uint64_t off = s->hva / TRACE_PAGE_BYTES % 512;
		uint64_t shift = (off + 512 - s->gfn % 512) % 512;

		s->hva = s->hva && shift ? (s->gfn + shift) * TRACE_PAGE_BYTES
					 : 0;
	}
}

static int make_meta(struct trace_meta *meta, const struct trace_meta *from,
		     const struct blocks *b, struct status *st)
{
	static const char *const keep[] = {"fold_ticks", NULL};
	uint64_t fixed = trace_meta_pages(from) - b->n * ANONYMIZE_BLOCK_PAGES;
	char *details;
	int ret = trace_meta_copy(meta, from, st);

	if (ret)
		return ret;
	details = details_change(
		from->details, keep, "anonymize",
		json_pack(
			"{s:i, s:I, s:[s, s, s]}", "block_pages",
			ANONYMIZE_BLOCK_PAGES, "pages_in_place",
			(json_int_t)fixed, "lost",
			"which blocks of 2 MiB are neighbours, but for what the "
			"order in time tells",
			"host addresses", "what is known of the capture"),
		st);
	if (!details) {
		trace_meta_fini(meta);
		return -ENOMEM;
	}
	free(meta->details);
	meta->details = details;
	hide_hosts(meta);
	return 0;
}

static int rewrite(struct trace_reader *reader, const struct blocks *b,
		   const char *output, struct trace_totals *totals,
		   struct status *st)
{
	const struct pieces pieces = {.block_pages = ANONYMIZE_BLOCK_PAGES,
				      .level_max = TRACE_2M,
				      .drops_notes = true,
				      .map = move,
				      .arg = b};
	struct trace_writer *writer = NULL;
	struct trace_meta meta;
	int ret = make_meta(&meta, trace_reader_meta(reader), b, st);

	if (ret)
		return ret;
	ret = trace_writer_open(&writer, output, &meta, st);
	trace_meta_fini(&meta);
	if (ret)
		return ret;
	ret = pieces_rewrite(&pieces, reader, writer, st);
	if (!ret)
		return trace_writer_close(writer, totals, st);
	trace_writer_discard(writer);
	return ret;
}

int anonymize_trace(struct trace_reader *reader, const char *output,
		    const char *key_path, struct trace_totals *totals,
		    struct status *st)
{
	struct keystream k = {.offset = 0};
	struct blocks b = {0};
	int ret = read_key(&k, key_path, st);

	if (!ret)
		ret = blocks_init(&b, trace_reader_meta(reader), &k, st);
	sodium_memzero(&k, sizeof(k));
	if (!ret)
		ret = rewrite(reader, &b, output, totals, st);
	free(b.from);
	free(b.to);
	return ret;
}
