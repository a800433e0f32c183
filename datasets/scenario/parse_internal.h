/* SPDX-License-Identifier: MIT */
/* The parser's state, shared by its lines (parse.c) and its statements (statement.c). */
#ifndef DATASETS_SCENARIO_PARSE_INTERNAL_H
#define DATASETS_SCENARIO_PARSE_INTERNAL_H

#include "datasets/scenario/scenario.h"

enum block_kind {
	BLOCK_REPEAT,
	BLOCK_FROZEN
};

/* A repeat or frozen whose end has not come yet. */
struct block {
	enum block_kind kind;
	unsigned int line;
	uint64_t rounds;
	size_t first_step;
};

struct parser {
	struct scenario *scenario;
	unsigned int line;
	char words[SCENARIO_WORDS_MAX][80]; /* of the line */
	unsigned int nr_words;
	bool has_begun; /* a statement came before this one */
	struct block blocks[SCENARIO_DEPTH_MAX];
	unsigned int depth;
	uint64_t nr_requests; /* of all steps so far, beyond one each */
	struct status *st;
};

/* Return: -EBADMSG, with "PATH:LINE: reason" in the status. */
int parser_fail(struct parser *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int parser_fail_at(struct parser *p, unsigned int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Obey the words of one line.  Return: 0, -EBADMSG or -ENOMEM. */
int parser_statement(struct parser *p);

/* Append a step of the current line.  Return: 0, -EBADMSG or -ENOMEM. */
int parser_add(struct parser *p, struct scenario_step step);

#endif
