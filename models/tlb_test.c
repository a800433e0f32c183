/* SPDX-License-Identifier: MIT */
/* The TLB holds the pages accessed last, against an array that is shifted. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/test.h"
#include "models/tlb.h"

enum {
	NPAGES = 40,
	ACCESSES = 3000
};

struct naive_tlb {
	uint32_t page[NPAGES]; /* newest first */
	uint64_t filled[NPAGES];
	uint32_t n;
};

static void naive_fill(struct naive_tlb *t, uint32_t size, uint32_t page,
		       uint64_t now)
{
	uint32_t at = 0;

	while (at < t->n && t->page[at] != page)
		at++;
	if (at == t->n && t->n < size)
		t->n++;
	if (at == size)
		at--;
	memmove(t->page + 1, t->page, at * sizeof(*t->page));
	memmove(t->filled + 1, t->filled, at * sizeof(*t->filled));
	t->page[0] = page;
	t->filled[0] = now;
}

static uint64_t naive_filled(const struct naive_tlb *t, uint32_t page)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (t->page[i] == page)
			return t->filled[i];
	return 0;
}

static void the_last_accessed_pages_are_cached(void **state)
{
	static const uint32_t sizes[] = {1, 2, 3, 17, NPAGES - 1, NPAGES, 100};

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		struct naive_tlb naive = {.n = 0};
		struct rng rng = {s};
		struct tlb tlb;

		assert_int_equal(tlb_init(&tlb, sizes[s], NPAGES, NULL), 0);
		for (uint64_t i = 1; i <= ACCESSES; i++) {
			uint32_t page = (uint32_t)rng_below(&rng, NPAGES);

			tlb_fill(&tlb, page);
			naive_fill(&naive, sizes[s], page, i);
			assert_int_equal(tlb_now(&tlb), i);
			for (page = 0; page < NPAGES; page++)
				assert_int_equal(tlb_filled(&tlb, page),
						 naive_filled(&naive, page));
		}
		tlb_fini(&tlb);
	}
}

static void it_fails_cleanly_without_memory(void **state)
{
	struct tlb tlb;

	(void)state;
	for (unsigned long nth = 1; nth <= 2; nth++) {
		kage_alloc_fail_at(nth);
		assert_int_equal(tlb_init(&tlb, 4, NPAGES, NULL), -ENOMEM);
		tlb_fini(&tlb);
	}
	kage_alloc_fail_at(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_accessed_pages_are_cached),
		cmocka_unit_test(it_fails_cleanly_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
