/* SPDX-License-Identifier: MIT */
/*
 * Many pages of an epoch at once, in the page words: 64 pages that follow one another
 * are taken together, in as wide registers as the processor has.
 */
#ifndef REPLAY_EPOCH_WORDS_H
#define REPLAY_EPOCH_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Return: whether the words of all @n pages have all of @bits. */
bool epoch_words_have(const uint64_t *word, const uint32_t *page, size_t n,
		      uint64_t bits);

/* Add @bits to the words of @n pages. */
void epoch_words_add(uint64_t *word, const uint32_t *page, size_t n,
		     uint64_t bits);

#endif
