/* SPDX-License-Identifier: MIT */
/* Subcommand tables over getopt_long; see cmd.h. */
#include "base/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

enum {
	OPTIONS_MAX = 40,
	HELP_VALUE = 256
};

static void print_option(const struct opt *o)
{
	char left[64];

	if (o->letter)
		snprintf(left, sizeof(left), "-%c, --%s%s%s", o->letter,
			 o->name, o->arg ? " " : "", o->arg ? o->arg : "");
	else
		snprintf(left, sizeof(left), "    --%s%s%s", o->name,
			 o->arg ? " " : "", o->arg ? o->arg : "");
	printf("  %-26s %s\n", left, o->help);
}

static void print_help(const struct cmd *cmd, const char *prefix)
{
	printf("usage: %s%s%s%s%s\n\n%s\n", prefix, cmd->name,
	       cmd->opts ? " [options]" : "", cmd->subs ? " COMMAND" : "",
	       cmd->operands ? cmd->operands : "", cmd->summary);
	if (cmd->details)
		printf("\n%s\n", cmd->details);
	if (cmd->subs)
		printf("\ncommands:\n");
	for (size_t i = 0; cmd->subs && cmd->subs[i]; i++)
		printf("  %-10s %s\n", cmd->subs[i]->name,
		       cmd->subs[i]->summary);
	if (cmd->opts)
		printf("\noptions:\n");
	for (const struct opt *o = cmd->opts; o && o->name; o++)
		print_option(o);
}

static int set_option(const struct opt *o, void *values, const char *text,
		      struct status *st)
{
	void *at = (char *)values + o->offset;
	struct status why = {""};
	int ret = 0;

	switch (o->type) {
	case OPT_FLAG:
		*(bool *)at = true;
		break;
	case OPT_STRING:
		*(const char **)at = text;
		break;
	case OPT_COUNT:
		ret = units_parse_size(text, at, &why);
		break;
	case OPT_TIME:
		ret = units_parse_time_ns(text, at, &why);
		break;
	case OPT_REAL:
		ret = units_parse_real(text, at, &why);
		break;
	}
	return ret ? status_fail(st, EINVAL, "--%s: %s", o->name, why.message)
		   : 0;
}

static size_t to_getopt(const struct opt *opts, struct option *longs,
			char *shorts)
{
	size_t n = 0;

	*shorts++ = ':';
	*shorts++ = 'h';
	for (; opts && opts[n].name && n < OPTIONS_MAX - 2; n++) {
		longs[n] = (struct option){opts[n].name,
					   opts[n].arg ? required_argument
						       : no_argument,
					   NULL, HELP_VALUE + 1 + (int)n};
		if (opts[n].letter)
			*shorts++ = opts[n].letter;
		if (opts[n].letter && opts[n].arg)
			*shorts++ = ':';
	}
	*shorts = '\0';
	longs[n] = (struct option){"help", no_argument, NULL, HELP_VALUE};
	longs[n + 1] = (struct option){0};
	return n;
}

static const struct opt *found(const struct opt *opts, size_t n, int c)
{
	if (c > HELP_VALUE)
		return &opts[c - HELP_VALUE - 1];
	for (size_t i = 0; i < n; i++)
		if (opts[i].letter == c)
			return &opts[i];
	return NULL;
}

/* Return: 0 with *first the index of the operands, 1 for --help, or -EINVAL. */
static int parse(const struct cmd *cmd, void *values, int argc, char **argv,
		 int *first, struct status *st)
{
	struct option longs[OPTIONS_MAX];
	char shorts[2 * OPTIONS_MAX + 3];
	size_t n = to_getopt(cmd->opts, longs, shorts);
	int c, ret;

	opterr = 0;
	optind = 0;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (c == HELP_VALUE || c == 'h')
			return 1;
		if (c == ':')
			return status_fail(st, EINVAL, "%s: %s needs a value",
					   cmd->name, argv[optind - 1]);
		if (c == '?')
			return status_fail(st, EINVAL,
					   "%s: unknown option %s (see --help)",
					   cmd->name, argv[optind - 1]);
		ret = set_option(found(cmd->opts, n, c), values, optarg, st);
		if (ret)
			return ret;
	}
	*first = optind;
	return 0;
}

static int run_leaf(const struct cmd *cmd, const char *prefix, int argc,
		    char **argv)
{
	_Alignas(max_align_t) char values[CMD_VALUES_MAX] = {0};
	struct status st = {""};
	struct cmd_call call = {.cmd = cmd, .values = values, .words = argv};
	int first = 1, ret = 0;

	if (cmd->presets)
		memcpy(values, cmd->presets, cmd->values_size);
	if (!cmd->is_raw)
		ret = parse(cmd, values, argc, argv, &first, &st);
	if (ret > 0) {
		print_help(cmd, prefix);
		return KAGE_EXIT_OK;
	}
	if (!ret) {
		call.argc = argc - first;
		call.argv = argv + first;
		ret = cmd->run(&call, &st);
	}
	if (ret < 0 && !st.message[0])
		status_fail(&st, -ret, "%s: %s", cmd->name, strerror(-ret));
	if (st.message[0])
		fprintf(stderr, "kage: %s\n", st.message);
	return ret < 0 ? (int)status_exit_code(ret) : ret;
}

static int run_group(const struct cmd *cmd, const char *prefix, int argc,
		     char **argv)
{
	char longer[128];

	if (argc < 2) {
		fprintf(stderr, "kage: %s needs a command:", cmd->name);
		for (size_t i = 0; cmd->subs[i]; i++)
			fprintf(stderr, " %s", cmd->subs[i]->name);
		fputs(" (see --help)\n", stderr);
		return KAGE_EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_help(cmd, prefix);
		return KAGE_EXIT_OK;
	}
	snprintf(longer, sizeof(longer), "%s%s ", prefix, cmd->name);
	for (size_t i = 0; cmd->subs[i]; i++)
		if (!strcmp(cmd->subs[i]->name, argv[1]))
			return cmd_main(cmd->subs[i], longer, argc - 1,
					argv + 1);
	fprintf(stderr, "kage: %s has no command '%s' (see --help)\n",
		cmd->name, argv[1]);
	return KAGE_EXIT_USAGE;
}

int cmd_main(const struct cmd *cmd, const char *prefix, int argc, char **argv)
{
	if (cmd->subs)
		return run_group(cmd, prefix, argc, argv);
	return run_leaf(cmd, prefix, argc, argv);
}
