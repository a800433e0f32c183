/* SPDX-License-Identifier: MIT */
/* Kernels over page words; see epoch_words.h. */
#include "replay/epoch_words.h"

enum {
	AT_ONCE = 64
};

/* One build for all x86-64: which clone runs is chosen as the program is loaded, which
 * is before sanitizers are ready. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&         \
	!defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif

#define INLINE static inline __attribute__((always_inline))

INLINE bool is_consecutive(const uint32_t *page)
{
	uint32_t differs = 0;

	for (uint32_t i = 0; i < AT_ONCE; i++)
		differs |= page[i] ^ (page[0] + i);
	return !differs;
}

INLINE uint64_t common_bits(const uint64_t *word)
{
	uint64_t common = UINT64_MAX;

	for (int i = 0; i < AT_ONCE; i++)
		common &= word[i];
	return common;
}

INLINE void add_to_all(uint64_t *word, uint64_t bits)
{
	for (int i = 0; i < AT_ONCE; i++)
		word[i] |= bits;
}

CLONES bool epoch_words_have(const uint64_t *word, const uint32_t *page,
			     size_t n, uint64_t bits)
{
	uint64_t common = UINT64_MAX;
	size_t i = 0;

	while (n - i >= AT_ONCE) {
		if (is_consecutive(page + i))
			common &= common_bits(word + page[i]);
		else
			for (size_t j = i; j < i + AT_ONCE; j++)
				common &= word[page[j]];
		if ((common & bits) != bits)
			return false;
		i += AT_ONCE;
	}
	for (; i < n; i++)
		common &= word[page[i]];
	return (common & bits) == bits;
}

CLONES void epoch_words_add(uint64_t *word, const uint32_t *page, size_t n,
			    uint64_t bits)
{
	size_t i = 0;

	while (n - i >= AT_ONCE) {
		if (is_consecutive(page + i))
			add_to_all(word + page[i], bits);
		else
			for (size_t j = i; j < i + AT_ONCE; j++)
				word[page[j]] |= bits;
		i += AT_ONCE;
	}
	for (; i < n; i++)
		word[page[i]] |= bits;
}
