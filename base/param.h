/* SPDX-License-Identifier: MIT */
/*
 * Typed parameters of a plugin (policy, MMU kind, driver, generator).  The plugin
 * declares a table beside its code; this module parses "key=value,key=value" into
 * the plugin's own struct, refuses what the table does not know (naming what it
 * does), and prints the effective values in one canonical form that is stored
 * with every run.
 */
#ifndef BASE_PARAM_H
#define BASE_PARAM_H

#include <stddef.h>
#include <stdio.h>

#include "base/status.h"

enum param_type {
	PARAM_UINT, /* uint64_t; sizes may carry K, M, G, T */
	PARAM_TIME, /* uint64_t nanoseconds */
	PARAM_REAL, /* double */
	PARAM_ENUM, /* unsigned int: index into names[] */
};

struct param_spec {
	const char *name; /* NULL ends a table */
	enum param_type type;
	size_t offset; /* of the value in the plugin's parameter struct */
	double preset;
	double min, max;	  /* inclusive; for PARAM_ENUM derived */
	const char *const *names; /* PARAM_ENUM: NULL-terminated */
	const char *unit;	  /* "pages", "ns"; "" for a pure number */
	const char *help;	  /* one line */
	/* Where the preset and the meaning come from: kernel function, mail, or why
	 * kage chose it.  NULL: not told. */
	const char *source;
};

/* Set every value of @values to its preset; @specs may be NULL. */
void param_defaults(const struct param_spec *specs, void *values);

/**
 * param_parse - presets, then the assignments in @text
 * @owner: what the parameters belong to, for messages: "policy batched"
 * @text: "key=value,key=value"; NULL or "" leaves the presets
 *
 * Return: 0 or -EINVAL.
 */
int param_parse(const struct param_spec *specs, void *values, const char *owner,
		const char *text, struct status *st);

/* Canonical "key=value,..." of all parameters; "" without any.
 * Return: 0, or -ENOSPC when @size is too small. */
int param_format(const struct param_spec *specs, const void *values, char *buf,
		 size_t size);

/* The table as shown by `kage list`: name, preset, range, unit, help. */
void param_help(const struct param_spec *specs, FILE *out);

/* The same with a line for each of unit, default, range and source; "-" for none. */
void param_explain(const struct param_spec *specs, FILE *out);

#endif
