/* SPDX-License-Identifier: MIT */
/* Kernels over page words; see epoch_words.h. */
#include "replay/epoch_words.h"

#include "base/clones.h"

enum {
	AT_ONCE = 64
};

KAGE_INLINE bool is_consecutive(const uint32_t *page)
{
	uint32_t differs = 0;

	for (uint32_t i = 0; i < AT_ONCE; i++)
		differs |= page[i] ^ (page[0] + i);
	return !differs;
}

KAGE_INLINE uint64_t common_bits(const uint64_t *word)
{
	uint64_t common = UINT64_MAX;

	for (int i = 0; i < AT_ONCE; i++)
		common &= word[i];
	return common;
}

KAGE_INLINE void add_to_all(uint64_t *word, uint64_t bits)
{
	for (int i = 0; i < AT_ONCE; i++)
		word[i] |= bits;
}

KAGE_CLONES bool epoch_words_have(const uint64_t *word, const uint32_t *page,
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

KAGE_CLONES void epoch_words_add(uint64_t *word, const uint32_t *page, size_t n,
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
