/* SPDX-License-Identifier: MIT */
/*
 * Scenario files (.scn): what a guest and its host do, step by step.  SCENARIO.md
 * defines the language; this header is what a parsed one looks like.
 *
 * A parsed scenario is flat: repeats are written out, so whoever obeys it walks over
 * the steps once.  It knows nothing of the trace; playback.h has the trace's side, and
 * holds the two against each other.
 */
#ifndef DATASETS_SCENARIO_H
#define DATASETS_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum {
	SCENARIO_BYTES_MAX = 64 << 10,
	SCENARIO_WORDS_MAX = 16, /* of a line */
	SCENARIO_DEPTH_MAX = 4,	 /* of repeat and frozen */
	SCENARIO_STEPS_MAX = 65536,
	SCENARIO_EPOCHS_MAX = 1000000,
	SCENARIO_NAME_MAX = 31,	 /* as written */
	SCENARIO_NAME_TEXT = 80, /* with the rounds of four repeats, and NUL */
	SCENARIO_PAGE_BYTES = 4096,
};

enum scenario_word {
	SCENARIO_POPULATE,
	SCENARIO_EPOCHS,
	SCENARIO_SWEEP,
	SCENARIO_AGE,
	SCENARIO_RECLAIM,
	SCENARIO_EVICT_GEN,
	SCENARIO_LIMIT,
	SCENARIO_SNAPSHOT,
	SCENARIO_NR_WORDS
};

extern const char *const scenario_words[SCENARIO_NR_WORDS]; /* as written */

/* Return: whether the guest does it; else it is work of the host. */
static inline bool scenario_word_is_guest(enum scenario_word word)
{
	return word <= SCENARIO_SWEEP;
}

#define SCENARIO_ALL	  UINT64_MAX /* count: epochs all */
#define SCENARIO_NO_LIMIT UINT64_MAX /* pages: limit none */

struct scenario_step {
	enum scenario_word word;
	unsigned int line; /* of the file, from 1 */
	bool is_frozen;	   /* inside frozen ... end */
	bool is_forced;	   /* age force */
	uint64_t count; /* epochs: how many, or SCENARIO_ALL; evict-gen: how far back */
	uint64_t pages;	      /* reclaim; limit, unless share is set */
	uint64_t chunk;	      /* reclaim: pages of a request; 0: all in one */
	uint64_t first, last; /* sweep: indices into the footprint, inclusive */
	double share; /* limit: of the footprint, 0.25 for 25%; 0: pages counts */
	char name[SCENARIO_NAME_TEXT]; /* snapshot */
};

struct scenario {
	char *path;	      /* owned; as given, for messages */
	uint64_t epoch_ticks; /* length of an epoch of a stream; 0: not said */
	struct scenario_step *steps; /* owned */
	size_t nr_steps, capacity;
	/* Epochs that it plays at least; all_epochs: and then all that are left. */
	uint64_t nr_epochs;
	bool all_epochs;
};

/**
 * scenario_load - read and parse a file
 * @scenario: filled; scenario_fini() is safe in any case
 *
 * Return: 0, -ENOENT or -EISDIR when there is no such file, -EBADMSG with
 * "PATH:LINE: reason" for one that is not sound, or -ENOMEM.
 */
int scenario_load(struct scenario *scenario, const char *path,
		  struct status *st);

/* As scenario_load(), of @size bytes of @text; @path is for messages. */
int scenario_parse(struct scenario *scenario, const char *text, size_t size,
		   const char *path, struct status *st);
void scenario_fini(struct scenario *scenario);

/* Return: its file's name without folders. */
const char *scenario_name(const struct scenario *scenario);

/* Return: requests to memory.reclaim that a reclaim step makes, at least 1. */
uint64_t scenario_requests(const struct scenario_step *step);

/* Return: pages that request @i, from 0, of a reclaim step asks for. */
uint64_t scenario_request_pages(const struct scenario_step *step, uint64_t i);

/* Return: epochs that @step plays: of a chunked reclaim one between any two
 * requests, none if it is frozen.  SCENARIO_ALL for `epochs all`. */
uint64_t scenario_step_epochs(const struct scenario_step *step);

/* Return: the limit that a limit step sets, in pages of the footprint. */
uint64_t scenario_limit_pages(const struct scenario_step *step,
			      uint64_t footprint_pages);

/* XXH3-64 of what the steps say, the same for files that differ only in
 * comments, blanks and line numbers. */
uint64_t scenario_id(const struct scenario *scenario);

/*
 * Can it be played with a trace of epochs, or a stream?  Return: 0, or -EBADMSG
 * when epoch lengths are given for the one or not given for the other.
 */
int scenario_check_kind(const struct scenario *scenario, bool has_epochs,
			struct status *st);

/*
 * Can it be played with a trace of so many epochs and pages?  Return: 0, or
 * -EBADMSG with the line: a sweep behind the footprint, more epochs than there are,
 * a limit of no page.  playback_load() calls both.
 */
int scenario_check_trace(const struct scenario *scenario, uint64_t nr_epochs,
			 uint64_t footprint_pages, struct status *st);

#endif
