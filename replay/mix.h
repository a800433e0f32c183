/* SPDX-License-Identifier: MIT */
/*
 * A second trace whose pages are file pages of the same memcg: an ordinary process
 * maps them and reads them as that trace's guest did, on the same clock, from time zero
 * of both.  Nobody has captured such a pair: results are synthetic, and say so.
 *
 * Of the second trace only accesses count: writes are reads, and what its guest gave
 * back stays in the page cache.  All of it is held in memory, 12 bytes per access.
 */
#ifndef REPLAY_MIX_H
#define REPLAY_MIX_H

#include "replay/engine.h"

enum {
	MIX_TEXT = 160
};

struct mix {
	struct engine_tape tape;
	char text[MIX_TEXT]; /* "file:NAME:ID" */
};

/**
 * mix_load - what --mix names: "TRACE:file"
 * @options: how its epochs and clock are to be read: as the first trace's
 *
 * Return: 0, -EINVAL or what reading a trace returns; mix_fini() is safe in any case.
 */
int mix_load(struct mix *mix, const char *arg,
	     const struct engine_options *options, struct status *st);
void mix_fini(struct mix *mix);

#endif
