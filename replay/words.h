/* SPDX-License-Identifier: MIT */
/*
 * The options that say what is to be replayed, and how a trace is to be read: one table
 * for all commands that replay, so that none lacks what another one knows.
 */
#ifndef REPLAY_WORDS_H
#define REPLAY_WORDS_H

#include "base/cmd.h"
#include "replay/engine.h"
#include "replay/plan.h"

/* What the user said; NULL or 0 where nothing was.  All are borrowed. */
struct replay_words {
	const char *policy, *limit, *driver, *kernel, *mmu, *numa, *chunk,
		*memory, *swappiness, *expand, *epoch;
	uint64_t pace, window, seed;
	double ns_per_tick;
	bool thp, writes_as_accesses;
};

#define REPLAY_WORDS_PRESETS                                                   \
	.driver = "limit", .kernel = "6.12", .mmu = "tdp", .expand = "refuse", \
	.epoch = "once", .pace = 100

/* Rows of a table of options, whose values have @words at offset @at. */
#define REPLAY_WORD(at, name) ((at) + offsetof(struct replay_words, name))
#define REPLAY_WORDS_OPTS(at)                                                                  \
	{"policy",   'p',                                                                      \
	 OPT_STRING, REPLAY_WORD(at, policy),                                                  \
	 "LIST",     "policies and bounds: NAME[:key=value...],... (all)"},                    \
		{"limit",    'l',                                                              \
		 OPT_STRING, REPLAY_WORD(at, limit),                                           \
		 "LIST",     "memory limits: 25%,50% of the footprint, or 64M"},               \
		{"driver",                                                                     \
		 'd',                                                                          \
		 OPT_STRING,                                                                   \
		 REPLAY_WORD(at, driver),                                                      \
		 "DRIVER",                                                                     \
		 "who reclaims: limit, kswapd, proactive:period=1s:pages=N, script:FILE.scn"}, \
		{"kernel",   0,                                                                \
		 OPT_STRING, REPLAY_WORD(at, kernel),                                          \
		 "VERSION",  "whose MGLRU (6.12)"},                                            \
		{"mmu",	     0,                                                                \
		 OPT_STRING, REPLAY_WORD(at, mmu),                                             \
		 "KIND",     "secondary MMU: NAME[:key=value...] (tdp)"},                      \
		{"thp",                                                                        \
		 0,                                                                            \
		 OPT_FLAG,                                                                     \
		 REPLAY_WORD(at, thp),                                                         \
		 NULL,                                                                         \
		 "the host has huge pages for the guest: level=thp of --mmu"},                 \
		{"memory",                                                                     \
		 0,                                                                            \
		 OPT_STRING,                                                                   \
		 REPLAY_WORD(at, memory),                                                      \
		 "KEY=VALUE:...",                                                              \
		 "how the host manages memory (kage list memory)"},                            \
		{"swappiness",                                                                 \
		 0,                                                                            \
		 OPT_STRING,                                                                   \
		 REPLAY_WORD(at, swappiness),                                                  \
		 "N",                                                                          \
		 "swap rather than drop file pages: 0 to 200 (60); 7.2: or max"},              \
		{"numa",                                                                       \
		 0,                                                                            \
		 OPT_STRING,                                                                   \
		 REPLAY_WORD(at, numa),                                                        \
		 "MODE",                                                                       \
		 "NUMA balancing: off, range, deferred, precise[:key=value...] (off)"},        \
		{"chunk",                                                                      \
		 0,                                                                            \
		 OPT_STRING,                                                                   \
		 REPLAY_WORD(at, chunk),                                                       \
		 "SIZE",                                                                       \
		 "notifier calls that invalidate: one per range, 512 pages, page (range)"},    \
		{"pace",                                                                       \
		 0,                                                                            \
		 OPT_TIME,                                                                     \
		 REPLAY_WORD(at, pace),                                                        \
		 "TIME",                                                                       \
		 "virtual time per PTE and candidate (100ns); 0: frozen guest"},               \
		{"wrong-window",                                                               \
		 0,                                                                            \
		 OPT_TIME,                                                                     \
		 REPLAY_WORD(at, window),                                                      \
		 "TIME",                                                                       \
		 "an eviction that refaults sooner was wrong (1s, or the period)"},            \
		{"epoch",                                                                      \
		 0,                                                                            \
		 OPT_STRING,                                                                   \
		 REPLAY_WORD(at, epoch),                                                       \
		 "RULE",                                                                       \
		 "once, or hold: an epoch's pages are touched again at its end"},              \
		{"expand",                                                                     \
		 0,                                                                            \
		 OPT_STRING,                                                                   \
		 REPLAY_WORD(at, expand),                                                      \
		 "HOW",                                                                        \
		 "2M, 1G and region records as pages: refuse, all, one"},                      \
		{"writes-as-accesses",                                                         \
		 0,                                                                            \
		 OPT_FLAG,                                                                     \
		 REPLAY_WORD(at, writes_as_accesses),                                          \
		 NULL,                                                                         \
		 "replay a trace that saw only writes, as a lower bound"},                     \
		{"ns-per-tick",                                                                \
		 0,                                                                            \
		 OPT_REAL,                                                                     \
		 REPLAY_WORD(at, ns_per_tick),                                                 \
		 "NS",                                                                         \
		 "scale of the trace's clock, instead of its own"},                            \
	{                                                                                      \
		"seed", 0, OPT_COUNT, REPLAY_WORD(at, seed), "N",                              \
			"of orders that are unknown"                                           \
	}

struct plan_request replay_words_request(const struct replay_words *w);

/* Return: 0 with what the words say of @options, all else 0; or -EINVAL. */
int replay_words_options(const struct replay_words *w,
			 struct engine_options *options, struct status *st);

#endif
