/* SPDX-License-Identifier: MIT */
/* The statements of scenario files, one function each; SCENARIO.md explains them. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/units.h"
#include "datasets/scenario/parse_internal.h"
#include "datasets/trace/trace.h"

enum {
	GEN_BACK_MIN = 2, /* MIN_NR_GENS: the youngest are never evicted from */
	GEN_BACK_MAX = 3, /* MAX_NR_GENS - 1 */
};

/* The word at @i, or "" behind the last one. */
static const char *word(const struct parser *p, unsigned int i)
{
	return i < p->nr_words ? p->words[i] : "";
}

static int want_words(struct parser *p, unsigned int least, unsigned int most)
{
	if (p->nr_words < least)
		return parser_fail(p, "'%s' needs more words", p->words[0]);
	if (p->nr_words > most)
		return parser_fail(p, "'%s' is one word too many",
				   p->words[most]);
	return 0;
}

static int parse_number(struct parser *p, const char *text, uint64_t *value)
{
	struct status why = {""};

	if (!units_parse_size(text, value, &why))
		return 0;
	return parser_fail(p, "%s", why.message);
}

static int parse_count(struct parser *p, const char *text, uint64_t *value)
{
	int ret = parse_number(p, text, value);

	if (!ret && !*value)
		return parser_fail(p, "'%s': it must be at least 1", text);
	return ret;
}

/* "N pages" or bytes, from word *@at on, which is set behind it. */
static int parse_pages(struct parser *p, unsigned int *at, uint64_t *pages)
{
	const char *text = word(p, *at);
	bool has_suffix = *text && strchr("KMGT", text[strlen(text) - 1]);
	int ret;

	if (!*text)
		return parser_fail(p, "'%s' needs a size behind it",
				   word(p, *at - 1));
	ret = parse_count(p, text, pages);
	if (ret)
		return ret;
	++*at;
	if (!strcmp(word(p, *at), "pages"))
		++*at;
	else if (!has_suffix)
		return parser_fail(
			p,
			"'%s' of what? write '%s pages', or bytes with K, M or G",
			text, text);
	else if (*pages % SCENARIO_PAGE_BYTES)
		return parser_fail(p, "'%s' is not a whole number of pages",
				   text);
	else
		*pages /= SCENARIO_PAGE_BYTES;
	if (*pages > TRACE_GFN_LIMIT)
		return parser_fail(p, "'%s' is more than a guest can have",
				   text);
	return 0;
}

static int do_epoch(struct parser *p)
{
	uint64_t *ticks = &p->scenario->epoch_ticks;
	struct status why = {""};
	int ret = want_words(p, 2, 2);

	if (ret)
		return ret;
	if (p->has_begun)
		return parser_fail(p, "'epoch' must be the first statement");
	if (units_parse_time_ns(p->words[1], ticks, &why))
		return parser_fail(p, "%s", why.message);
	return *ticks ? 0 : parser_fail(p, "an epoch cannot be 0 long");
}

static int do_populate(struct parser *p)
{
	int ret = want_words(p, 1, 1);

	return ret ? ret
		   : parser_add(p, (struct scenario_step){
					   .word = SCENARIO_POPULATE});
}

static int do_epochs(struct parser *p)
{
	struct scenario_step step = {.word = SCENARIO_EPOCHS,
				     .count = SCENARIO_ALL};
	int ret = want_words(p, 2, 2);

	if (!ret && strcmp(p->words[1], "all"))
		ret = parse_count(p, p->words[1], &step.count);
	return ret ? ret : parser_add(p, step);
}

static int do_sweep(struct parser *p)
{
	struct scenario_step step = {.word = SCENARIO_SWEEP};
	int ret = want_words(p, 2, 2);
	char *dash;

	if (ret)
		return ret;
	dash = strchr(p->words[1], '-');
	if (!dash)
		return parser_fail(p, "'%s' is not FIRST-LAST", p->words[1]);
	*dash = '\0';
	ret = parse_number(p, p->words[1], &step.first);
	if (!ret)
		ret = parse_number(p, dash + 1, &step.last);
	if (!ret && step.first > step.last)
		ret = parser_fail(p, "'%s-%s' ends before it begins",
				  p->words[1], dash + 1);
	return ret ? ret : parser_add(p, step);
}

static int do_age(struct parser *p)
{
	struct scenario_step step = {.word = SCENARIO_AGE,
				     .is_forced = p->nr_words > 1};
	int ret = want_words(p, 1, 2);

	if (!ret && step.is_forced && strcmp(p->words[1], "force"))
		ret = parser_fail(p,
				  "'age %s' is unknown; known: age, age force",
				  p->words[1]);
	return ret ? ret : parser_add(p, step);
}

static int do_reclaim(struct parser *p)
{
	struct scenario_step step = {.word = SCENARIO_RECLAIM};
	unsigned int at = 1;
	int ret = parse_pages(p, &at, &step.pages);

	if (!ret && !strcmp(word(p, at), "chunk")) {
		at++;
		ret = parse_pages(p, &at, &step.chunk);
	}
	if (!ret)
		ret = want_words(p, 2, at);
	return ret ? ret : parser_add(p, step);
}

static int do_evict_gen(struct parser *p)
{
	struct scenario_step step = {.word = SCENARIO_EVICT_GEN};
	int ret = want_words(p, 2, 2);

	if (!ret)
		ret = parse_count(p, p->words[1], &step.count);
	if (!ret && (step.count < GEN_BACK_MIN || step.count > GEN_BACK_MAX))
		ret = parser_fail(
			p,
			"'evict-gen %s': only generations %d or %d older than the youngest can be evicted",
			p->words[1], GEN_BACK_MIN, GEN_BACK_MAX);
	return ret ? ret : parser_add(p, step);
}

static int parse_share(struct parser *p, char *text, double *share)
{
	struct status why = {""};

	text[strlen(text) - 1] = '\0';
	if (units_parse_real(text, share, &why))
		return parser_fail(p, "%s", why.message);
	*share /= 100;
	if (*share <= 0 || *share > 100)
		return parser_fail(p, "'%s%%' is no share: above 0 to 10000",
				   text);
	return 0;
}

static int do_limit(struct parser *p)
{
	struct scenario_step step = {.word = SCENARIO_LIMIT};
	const char *text = word(p, 1);
	unsigned int at = 2;
	int ret;

	if (!strcmp(text, "none")) {
		step.pages = SCENARIO_NO_LIMIT;
		ret = 0;
	} else if (*text && text[strlen(text) - 1] == '%') {
		ret = parse_share(p, p->words[1], &step.share);
	} else {
		at = 1;
		ret = parse_pages(p, &at, &step.pages);
	}
	if (!ret)
		ret = want_words(p, 2, at);
	return ret ? ret : parser_add(p, step);
}

static int do_snapshot(struct parser *p)
{
	struct scenario_step step = {.word = SCENARIO_SNAPSHOT};
	int ret = want_words(p, 2, 2);
	size_t length;

	if (ret)
		return ret;
	length = strlen(p->words[1]);
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)p->words[1][i]) &&
		    !strchr("_-", p->words[1][i]))
			return parser_fail(
				p, "'%s' is no name: letters, digits, _ and -",
				p->words[1]);
	if (length > SCENARIO_NAME_MAX)
		return parser_fail(p, "'%s' is longer than %d characters",
				   p->words[1], SCENARIO_NAME_MAX);
	memcpy(step.name, p->words[1], length);
	return parser_add(p, step);
}

static bool is_frozen(const struct parser *p)
{
	for (unsigned int i = 0; i < p->depth; i++)
		if (p->blocks[i].kind == BLOCK_FROZEN)
			return true;
	return false;
}

static int begin_block(struct parser *p, enum block_kind kind, uint64_t rounds)
{
	if (p->depth == SCENARIO_DEPTH_MAX)
		return parser_fail(p, "'%s' is nested deeper than %d",
				   p->words[0], SCENARIO_DEPTH_MAX);
	p->blocks[p->depth++] = (struct block){
		.kind = kind,
		.line = p->line,
		.rounds = rounds,
		.first_step = p->scenario->nr_steps,
	};
	return 0;
}

static int do_frozen(struct parser *p)
{
	int ret = want_words(p, 1, 1);

	if (!ret && is_frozen(p))
		ret = parser_fail(p, "'frozen' inside frozen");
	return ret ? ret : begin_block(p, BLOCK_FROZEN, 1);
}

static int do_repeat(struct parser *p)
{
	uint64_t rounds;
	int ret = want_words(p, 2, 2);

	if (!ret)
		ret = parse_count(p, p->words[1], &rounds);
	return ret ? ret : begin_block(p, BLOCK_REPEAT, rounds);
}

/* The name of round @round of a step whose name has those of inner repeats. */
static void number_name(char name[SCENARIO_NAME_TEXT], uint64_t round)
{
	size_t base = strcspn(name, ".");
	char inner[SCENARIO_NAME_TEXT];

	memcpy(inner, name + base, strlen(name + base) + 1);
	snprintf(name + base, SCENARIO_NAME_TEXT - base, ".%llu%s",
		 (unsigned long long)round, inner);
}

/* Write the steps [@first, @end) out for each round; @end is behind the last step. */
static int write_out(struct parser *p, const struct block *block)
{
	struct scenario *s = p->scenario;
	size_t first = block->first_step, end = s->nr_steps;
	unsigned int line = p->line;
	int ret = 0;

	for (uint64_t round = 2; round <= block->rounds && !ret; round++) {
		for (size_t i = first; i < end && !ret; i++) {
			struct scenario_step step = s->steps[i];

			p->line = step.line;
			if (step.word == SCENARIO_SNAPSHOT)
				number_name(step.name, round);
			ret = parser_add(p, step);
		}
	}
	for (size_t i = first; i < end; i++)
		if (s->steps[i].word == SCENARIO_SNAPSHOT)
			number_name(s->steps[i].name, 1);
	p->line = line;
	return ret;
}

static int do_end(struct parser *p)
{
	const struct block *block;
	int ret = want_words(p, 1, 1);

	if (ret)
		return ret;
	if (!p->depth)
		return parser_fail(p, "'end' without repeat or frozen");
	block = &p->blocks[p->depth - 1];
	if (block->first_step == p->scenario->nr_steps)
		return parser_fail_at(p, block->line, "nothing is inside");
	ret = block->kind == BLOCK_REPEAT ? write_out(p, block) : 0;
	p->depth--;
	return ret;
}

int parser_add(struct parser *p, struct scenario_step step)
{
	struct scenario *s = p->scenario;

	step.line = p->line;
	step.is_frozen |= is_frozen(p);
	if (step.is_frozen && scenario_word_is_guest(step.word))
		return parser_fail(p,
				   "'%s' inside frozen: the guest stands still",
				   scenario_words[step.word]);
	if (step.word == SCENARIO_RECLAIM)
		p->nr_requests += scenario_requests(&step) - 1;
	if (s->nr_steps + p->nr_requests >= SCENARIO_STEPS_MAX)
		return parser_fail(
			p,
			"more than %d steps once repeats and chunks are written out",
			SCENARIO_STEPS_MAX);
	if (kage_grow(&s->steps, &s->capacity, s->nr_steps, sizeof(step),
		      p->st))
		return -ENOMEM;
	s->steps[s->nr_steps++] = step;
	return 0;
}

static const struct {
	const char *name;
	int (*obey)(struct parser *p);
} statements[] = {
	{"epoch", do_epoch},
	{"populate", do_populate},
	{"epochs", do_epochs},
	{"sweep", do_sweep},
	{"age", do_age},
	{"reclaim", do_reclaim},
	{"evict-gen", do_evict_gen},
	{"limit", do_limit},
	{"snapshot", do_snapshot},
	{"frozen", do_frozen},
	{"repeat", do_repeat},
	{"end", do_end},
};

int parser_statement(struct parser *p)
{
	size_t n = sizeof(statements) / sizeof(statements[0]);
	char known[128] = "";
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(statements[i].name, p->words[0]))
			return statements[i].obey(p);
		used += (size_t)snprintf(known + used, sizeof(known) - used,
					 " %s", statements[i].name);
	}
	return parser_fail(p, "unknown word '%s'; known:%s", p->words[0],
			   known);
}
