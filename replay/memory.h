/* SPDX-License-Identifier: MIT */
/*
 * The memory that a run is about, as the host was told to manage it: the same for all
 * lanes of a plan.  Nothing of it is the guest's.
 */
#ifndef REPLAY_MEMORY_H
#define REPLAY_MEMORY_H

#include <stdint.h>

#include "base/param.h"

struct mglru_version;

enum {
	MEMORY_SWAP_ZRAM, /* synchronous, without swap cache and read-ahead */
	MEMORY_SWAP_SSD	  /* models/mglru_swap.h */
};

struct memory {
	uint64_t swappiness; /* 201: anonymous pages only (7.2) */
	uint64_t min, low;   /* bytes */
	uint64_t nested;     /* 1: limits are those of the memcg's parent */
	uint64_t min_ttl;    /* ns */
	unsigned int swap;   /* MEMORY_SWAP_ */
	uint64_t page_cluster;
};

extern const struct param_spec memory_params[];

/**
 * memory_parse - defaults, then the assignments in @text ("key=value:key=value")
 * @swappiness: NULL, or what --swappiness said: a number, or "max"
 *
 * Return: 0 or -EINVAL.
 */
int memory_parse(struct memory *memory, const char *text,
		 const char *swappiness, struct status *st);

/* Return: *@memory, or the defaults for NULL. */
struct memory memory_or_default(const struct memory *memory);

/* Return: 0, or -EINVAL if @version has no such thing. */
int memory_check(const struct memory *memory,
		 const struct mglru_version *version, struct status *st);

#endif
