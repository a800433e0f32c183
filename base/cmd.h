/* SPDX-License-Identifier: MIT */
/*
 * Subcommands and their options as tables: parsing, --help and exit codes in one
 * place.  A command is a struct cmd; its options fill a struct of its own.
 */
#ifndef BASE_CMD_H
#define BASE_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

enum opt_type {
	OPT_FLAG,   /* bool */
	OPT_STRING, /* const char *: points into argv */
	OPT_COUNT,  /* uint64_t; K, M, G, T allowed */
	OPT_TIME,   /* uint64_t ns */
	OPT_REAL,   /* double */
};

struct opt {
	const char *name; /* long name; NULL ends a table */
	char letter;	  /* short name or 0 */
	enum opt_type type;
	size_t offset;	 /* of the value in the command's struct */
	const char *arg; /* placeholder in --help; NULL for a flag */
	const char *help;
};

struct cmd_call {
	const struct cmd *cmd;
	const void *values; /* the command's option struct */
	int argc;	    /* operands left over */
	char **argv;
	char *const *
		words; /* the command's name, options and operands; NULL ends */
};

struct cmd {
	const char *name;
	const char *summary;  /* one line for the list */
	const char *operands; /* after the options in the usage line */
	const char *details;  /* paragraphs under --help, or NULL */
	const struct opt *opts;
	const void *presets; /* initial option struct, values_size bytes */
	size_t values_size;  /* at most CMD_VALUES_MAX */
	/* Return: an exit code >= 0, or a negative errno with @st set. */
	int (*run)(const struct cmd_call *call, struct status *st);
	const struct cmd *const *subs; /* NULL-terminated; then run is NULL */
	bool is_raw; /* every word is an operand, even --help; no opts */
};

enum {
	CMD_VALUES_MAX = 512
};

/**
 * cmd_main - run the command that argv names
 * @prefix: what precedes argv[0] in usage lines, "" for the program itself
 *
 * Messages go to stderr as "kage: ...", --help to stdout.
 * Return: the process's exit code.
 */
int cmd_main(const struct cmd *cmd, const char *prefix, int argc, char **argv);

#endif
