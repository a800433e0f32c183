/* SPDX-License-Identifier: MIT */
/*
 * Sets of pages and their order; see epoch_set.h.  Keys are hashes, so that counting
 * by their upper bits leaves buckets of a few pages, which insertion puts in order.
 */
#include "replay/epoch_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "datasets/epoch_order.h"
#include "replay/feeder.h"

enum {
	FIRST_PAGES = 1024,
	BUCKET_PAGES = 1 << 12, /* of the coarse buckets, about */
	FINE_SHIFT = 1,		/* pages of a fine one: 2, about */
	KEPT_PAGES = 1 << 22,	/* arrays that are larger are given back */
};

struct keyed {
	uint64_t key;
	uint32_t page;
	bool is_write;
};

/* A bucket while it is put in order. */
struct fine {
	struct keyed *from, *to;
	uint32_t *start;
	size_t capacity;
};

static void pages_fini(struct epoch_pages *p)
{
	free(p->page);
	free(p->is_write);
	*p = (struct epoch_pages){0};
}

static int pages_reserve(struct epoch_pages *p, size_t n, struct status *st)
{
	size_t capacity = p->capacity ? p->capacity : FIRST_PAGES;
	void *page, *is_write;

	if (n <= p->capacity)
		return 0;
	while (capacity < n)
		capacity *= 2;
	page = kage_realloc(p->page, capacity + FEEDER_PAD, sizeof(*p->page),
			    st);
	if (!page)
		return -ENOMEM;
	p->page = page;
	is_write = kage_realloc(p->is_write, capacity / 64,
				sizeof(*p->is_write), st);
	if (!is_write)
		return -ENOMEM;
	p->is_write = is_write;
	p->capacity = capacity;
	return 0;
}

static void put(struct epoch_pages *p, size_t at, uint32_t page, bool is_write)
{
	uint64_t bit = UINT64_C(1) << at % 64;

	p->page[at] = page;
	if (is_write)
		p->is_write[at / 64] |= bit;
	else
		p->is_write[at / 64] &= ~bit;
}

static void put_writes(struct epoch_pages *p, size_t at, size_t end,
		       bool is_write)
{
	for (; at < end; at = (at / 64 + 1) * 64) {
		uint64_t bits = UINT64_MAX << at % 64;

		if (at / 64 == (end - 1) / 64)
			bits &= UINT64_MAX >> (63 - (end - 1) % 64);
		if (is_write)
			p->is_write[at / 64] |= bits;
		else
			p->is_write[at / 64] &= ~bits;
	}
}

static bool get_write(const struct epoch_pages *p, size_t at)
{
	return p->is_write[at / 64] >> at % 64 & 1;
}

int epoch_set_init(struct epoch_set *s, uint32_t npages, struct status *st)
{
	s->npages = npages;
	s->touched = kage_calloc(npages / 64 + 1, sizeof(*s->touched), st);
	return s->touched ? 0 : -ENOMEM;
}

void epoch_set_fini(struct epoch_set *s)
{
	pages_fini(&s->pages);
	pages_fini(&s->sorted);
	free(s->touched);
}

int epoch_set_push(struct epoch_set *s, uint32_t page, size_t n, bool is_write,
		   struct status *st)
{
	if (pages_reserve(&s->pages, s->n + n, st))
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		s->pages.page[s->n + i] = page + (uint32_t)i;
	put_writes(&s->pages, s->n, s->n + n, is_write);
	s->n += n;
	return 0;
}

static void set_order(struct epoch_set *s, const struct epoch_pages *p)
{
	memset(p->page + s->n, 0, FEEDER_PAD * sizeof(*p->page));
	s->order = p->page;
	s->is_write = p->is_write;
	s->order_n = s->n;
	s->n = 0;
}

int epoch_set_keep_order(struct epoch_set *s, struct status *st)
{
	struct epoch_pages gathered;

	if (pages_reserve(&s->pages, s->n + 1, st))
		return -ENOMEM;
	gathered = s->pages;
	s->pages = s->sorted;
	s->sorted = gathered;
	set_order(s, &s->sorted);
	return 0;
}

void epoch_set_any_order(struct epoch_set *s)
{
	s->order = s->pages.page;
	s->is_write = s->pages.is_write;
	s->order_n = s->n;
}

/* The bucket of @key among 2^@bits. */
static size_t bucket_of(uint64_t key, unsigned int bits)
{
	return bits ? (size_t)(key >> (64 - bits)) : 0;
}

static uint64_t key_of(const struct gfn_map *map, struct gfn_range *r,
		       uint64_t salt, uint32_t page)
{
	if (page - r->index >= r->npages)
		*r = *gfn_map_range(map, page);
	return epoch_order_key(salt, r->gfn + (page - r->index));
}

/* Return: log2 of how many buckets of about @size pages hold @n. */
static unsigned int bits_for(size_t n, size_t size)
{
	unsigned int bits = 0;

	while (bits < 20 && n >> bits > size)
		bits++;
	return bits;
}

/* From starts of buckets to where their next page goes, and so to their ends. */
static void add_up(uint32_t *start, size_t buckets)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < buckets; i++) {
		uint32_t n = start[i];

		start[i] = sum;
		sum += n;
	}
}

/* Into buckets by the upper bits of the keys. */
static void scatter(struct epoch_set *s, const struct gfn_map *map,
		    uint64_t salt, uint32_t *start, unsigned int bits)
{
	struct gfn_range r = map->range[0];

	for (size_t i = 0; i < s->n; i++)
		start[bucket_of(key_of(map, &r, salt, s->pages.page[i]),
				bits)]++;
	add_up(start, (size_t)1 << bits);
	for (size_t i = 0; i < s->n; i++) {
		uint32_t page = s->pages.page[i];
		uint64_t key = key_of(map, &r, salt, page);

		put(&s->sorted, start[bucket_of(key, bits)]++, page,
		    get_write(&s->pages, i));
	}
}

static void insert(struct keyed *k, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct keyed moved = k[i];
		size_t at = i;

		for (; at && k[at - 1].key > moved.key; at--)
			k[at] = k[at - 1];
		k[at] = moved;
	}
}

static void fine_fini(struct fine *f)
{
	free(f->from);
	free(f->to);
	free(f->start);
	*f = (struct fine){0};
}

static int fine_reserve(struct fine *f, size_t n, struct status *st)
{
	if (n <= f->capacity)
		return 0;
	fine_fini(f);
	f->capacity = 2 * n;
	f->from = kage_calloc(f->capacity, sizeof(*f->from), st);
	f->to = kage_calloc(f->capacity, sizeof(*f->to), st);
	f->start = kage_calloc(2 * f->capacity + 1, sizeof(*f->start), st);
	return f->from && f->to && f->start ? 0 : -ENOMEM;
}

/* Put ranks [@first, @end), one coarse bucket of 2^@coarse, in order. */
static int sort_bucket(struct epoch_set *s, const struct gfn_map *map,
		       uint64_t salt, size_t first, size_t end,
		       unsigned int coarse, struct fine *f, struct status *st)
{
	size_t n = end - first;
	unsigned int bits = bits_for(n, 1 << FINE_SHIFT);
	struct gfn_range r = map->range[0];

	if (fine_reserve(f, n + 1, st))
		return -ENOMEM;
	memset(f->start, 0, sizeof(*f->start) << bits);
	for (size_t i = 0; i < n; i++) {
		uint32_t page = s->sorted.page[first + i];

		f->from[i] = (struct keyed){key_of(map, &r, salt, page), page,
					    get_write(&s->sorted, first + i)};
		f->start[bucket_of(f->from[i].key << coarse, bits)]++;
	}
	add_up(f->start, (size_t)1 << bits);
	for (size_t i = 0; i < n; i++)
		f->to[f->start[bucket_of(f->from[i].key << coarse, bits)]++] =
			f->from[i];
	insert(f->to, n);
	for (size_t i = 0; i < n; i++)
		put(&s->sorted, first + i, f->to[i].page, f->to[i].is_write);
	return 0;
}

int epoch_set_hash_order(struct epoch_set *s, const struct gfn_map *map,
			 uint64_t salt, struct status *st)
{
	unsigned int bits = bits_for(s->n, BUCKET_PAGES);
	uint32_t *end = kage_calloc((size_t)1 << bits, sizeof(*end), st);
	struct fine fine = {0};
	size_t first = 0;
	int ret = end ? 0 : -ENOMEM;

	if (s->sorted.capacity > KEPT_PAGES && s->n < s->sorted.capacity / 4)
		pages_fini(&s->sorted);
	if (!ret)
		ret = pages_reserve(&s->sorted, s->n + 1, st);
	if (ret)
		goto out;
	scatter(s, map, salt, end, bits);
	if (s->pages.capacity > KEPT_PAGES)
		pages_fini(&s->pages);
	for (size_t i = 0; i >> bits == 0 && !ret; first = end[i++])
		ret = sort_bucket(s, map, salt, first, end[i], bits, &fine, st);
	if (!ret)
		set_order(s, &s->sorted);
out:
	fine_fini(&fine);
	free(end);
	return ret;
}

static uint64_t to_ns(const struct epoch_set *s, uint64_t tick)
{
	return (uint64_t)((unsigned __int128)(tick - s->first_tick) *
			  s->ps_per_tick / 1000);
}

static void forget_noted(struct epoch_set *s)
{
	memset(s->touched, 0, (s->npages / 64 + 1) * sizeof(*s->touched));
	s->noted = 0;
	s->noted_ns = 0;
}

void epoch_set_begin(struct epoch_set *s, uint64_t start, uint64_t end,
		     uint64_t first_tick, uint32_t ps_per_tick)
{
	s->start = start;
	s->length = end - start;
	s->first_tick = first_tick;
	s->ps_per_tick = ps_per_tick;
	forget_noted(s);
}

bool epoch_set_touched(struct epoch_set *s, uint32_t page, uint64_t now_ns)
{
	uint64_t ns;

	if (now_ns < s->noted_ns)
		forget_noted(s);
	s->noted_ns = now_ns;
	for (; s->noted < s->order_n; s->noted++) {
		uint32_t done = s->order[s->noted];

		ns = to_ns(s, epoch_set_tick(s, s->noted));
		if (ns > now_ns)
			break;
		if (ns > to_ns(s, s->start))
			s->touched[done / 64] |= UINT64_C(1) << done % 64;
	}
	return s->touched[page / 64] >> page % 64 & 1;
}
