/* SPDX-License-Identifier: MIT */
/* Plugin parameters: parse, print, explain; see param.h. */
#include "base/param.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "base/units.h"

enum {
	TOKEN = 128
};

static void store(const struct param_spec *spec, void *values, double number,
		  uint64_t whole)
{
	char *at = (char *)values + spec->offset;
	unsigned int index = (unsigned int)whole;

	switch (spec->type) {
	case PARAM_UINT:
	case PARAM_TIME:
		memcpy(at, &whole, sizeof(whole));
		break;
	case PARAM_REAL:
		memcpy(at, &number, sizeof(number));
		break;
	case PARAM_ENUM:
		memcpy(at, &index, sizeof(index));
		break;
	}
}

void param_defaults(const struct param_spec *specs, void *values)
{
	for (; specs && specs->name; specs++)
		store(specs, values, specs->preset, (uint64_t)specs->preset);
}

static int parse_enum(const struct param_spec *spec, void *values,
		      const char *text, struct status *st)
{
	char known[TOKEN] = "";
	size_t used = 0;

	for (uint64_t i = 0; spec->names[i]; i++) {
		if (!strcmp(spec->names[i], text)) {
			store(spec, values, 0, i);
			return 0;
		}
		if (used < sizeof(known))
			used += (size_t)snprintf(known + used,
						 sizeof(known) - used, " %s",
						 spec->names[i]);
	}
	return status_fail(st, EINVAL, "%s=%s: known are%s", spec->name, text,
			   known);
}

static int parse_value(const struct param_spec *spec, void *values,
		       const char *text, struct status *st)
{
	struct status why = {""};
	uint64_t whole = 0;
	double number = 0;
	int ret = 0;

	if (spec->type == PARAM_ENUM)
		return parse_enum(spec, values, text, st);
	if (spec->type == PARAM_REAL)
		ret = units_parse_real(text, &number, &why);
	else if (spec->type == PARAM_TIME)
		ret = units_parse_time_ns(text, &whole, &why);
	else
		ret = units_parse_size(text, &whole, &why);
	if (ret)
		return status_fail(st, EINVAL, "%s: %s", spec->name,
				   why.message);
	if (spec->type != PARAM_REAL)
		number = (double)whole;
	if (number < spec->min || number > spec->max)
		return status_fail(st, EINVAL, "%s=%s: allowed is %g to %g %s",
				   spec->name, text, spec->min, spec->max,
				   spec->unit);
	store(spec, values, number, whole);
	return 0;
}

static int unknown(const struct param_spec *specs, const char *owner,
		   const char *name, struct status *st)
{
	char known[TOKEN] = "";
	size_t used = 0;

	for (; specs && specs->name; specs++)
		if (used < sizeof(known))
			used += (size_t)snprintf(known + used,
						 sizeof(known) - used, " %s",
						 specs->name);
	return status_fail(st, EINVAL, "%s has no parameter '%s'; known:%s",
			   owner, name, used ? known : " none");
}

static int parse_one(const struct param_spec *specs, void *values,
		     const char *owner, char *token, struct status *st)
{
	char *value = strchr(token, '=');

	if (!value)
		return status_fail(st, EINVAL, "%s: '%s' is not key=value",
				   owner, token);
	*value++ = '\0';
	for (const struct param_spec *s = specs; s && s->name; s++)
		if (!strcmp(s->name, token))
			return parse_value(s, values, value, st);
	return unknown(specs, owner, token, st);
}

int param_parse(const struct param_spec *specs, void *values, const char *owner,
		const char *text, struct status *st)
{
	param_defaults(specs, values);
	while (text && *text) {
		size_t length = strcspn(text, ",");
		char token[TOKEN];
		int ret;

		if (length >= sizeof(token))
			return status_fail(st, EINVAL, "%s: '%s' is too long",
					   owner, text);
		memcpy(token, text, length);
		token[length] = '\0';
		ret = parse_one(specs, values, owner, token, st);
		if (ret)
			return ret;
		text += length + (text[length] == ',');
	}
	return 0;
}

static void format_value(const struct param_spec *spec, const void *values,
			 char *buf, size_t size)
{
	const char *at = (const char *)values + spec->offset;
	unsigned int index;
	uint64_t whole;
	double number;

	switch (spec->type) {
	case PARAM_UINT:
	case PARAM_TIME:
		memcpy(&whole, at, sizeof(whole));
		snprintf(buf, size, "%" PRIu64, whole);
		break;
	case PARAM_REAL:
		memcpy(&number, at, sizeof(number));
		snprintf(buf, size, "%.17g", number);
		break;
	case PARAM_ENUM:
		memcpy(&index, at, sizeof(index));
		snprintf(buf, size, "%s", spec->names[index]);
		break;
	}
}

int param_format(const struct param_spec *specs, const void *values, char *buf,
		 size_t size)
{
	size_t used = 0;

	if (!size)
		return -ENOSPC;
	buf[0] = '\0';
	for (const struct param_spec *s = specs; s && s->name; s++) {
		char value[64];
		int n;

		format_value(s, values, value, sizeof(value));
		n = snprintf(buf + used, size - used, "%s%s=%s",
			     used ? "," : "", s->name, value);
		used += (size_t)n;
		if (used >= size)
			return -ENOSPC;
	}
	return 0;
}

/* As people would type it: the largest unit that leaves a whole number. */
static void print_time(double ns, FILE *out)
{
	static const struct {
		const char *suffix;
		uint64_t ns;
	} units[] = {{"s", 1000000000}, {"ms", 1000000}, {"us", 1000}};
	uint64_t whole = (uint64_t)ns;

	for (size_t i = 0; whole && i < sizeof(units) / sizeof(units[0]); i++) {
		if (whole % units[i].ns)
			continue;
		fprintf(out, "%" PRIu64 "%s", whole / units[i].ns,
			units[i].suffix);
		return;
	}
	fprintf(out, "%" PRIu64 "%s", whole, whole ? "ns" : "");
}

static void print_number(const struct param_spec *spec, double number,
			 FILE *out)
{
	if (spec->type == PARAM_TIME)
		print_time(number, out);
	else
		fprintf(out, spec->type == PARAM_UINT ? "%.15g" : "%g", number);
}

static void print_range(const struct param_spec *spec, FILE *out)
{
	print_number(spec, spec->preset, out);
	fputs(" (", out);
	print_number(spec, spec->min, out);
	fputs(" to ", out);
	print_number(spec, spec->max, out);
	if (*spec->unit && spec->type != PARAM_TIME)
		fprintf(out, " %s", spec->unit);
	putc(')', out);
}

void param_help(const struct param_spec *specs, FILE *out)
{
	for (const struct param_spec *s = specs; s && s->name; s++) {
		if (s->type == PARAM_ENUM) {
			fprintf(out, "    %s=%s", s->name,
				s->names[(unsigned int)s->preset]);
			for (size_t i = 0; s->names[i]; i++)
				fprintf(out, "%s%s", i ? "|" : " (",
					s->names[i]);
			fprintf(out, ")  %s\n", s->help);
		} else {
			fprintf(out, "    %s=", s->name);
			print_range(s, out);
			fprintf(out, "  %s\n", s->help);
		}
	}
}

static const char *or_none(const char *text)
{
	return text && *text ? text : "-";
}

static void explain_values(const struct param_spec *spec, FILE *out)
{
	fputs("      default  ", out);
	if (spec->type == PARAM_ENUM)
		fputs(spec->names[(unsigned int)spec->preset], out);
	else
		print_number(spec, spec->preset, out);
	fputs("\n      range    ", out);
	if (spec->type == PARAM_ENUM) {
		for (size_t i = 0; spec->names[i]; i++)
			fprintf(out, "%s%s", i ? ", " : "", spec->names[i]);
	} else {
		print_number(spec, spec->min, out);
		fputs(" to ", out);
		print_number(spec, spec->max, out);
	}
	putc('\n', out);
}

void param_explain(const struct param_spec *specs, FILE *out)
{
	for (const struct param_spec *s = specs; s && s->name; s++) {
		fprintf(out, "    %-10s %s\n", s->name, or_none(s->help));
		fprintf(out, "      unit     %s\n", or_none(s->unit));
		explain_values(s, out);
		fprintf(out, "      source   %s\n", or_none(s->source));
	}
}
