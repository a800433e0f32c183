/* SPDX-License-Identifier: MIT */
/* Order and look of policies; see style.h. */
#include "analysis/style.h"

#include <stddef.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct known {
	const char *policy;
	struct style style;
};

static const struct known policies[] = {
	{"none", {"#d55e00", 5, 1}},
	{"rmap", {"#0072b2", 7, 1}},
	{"batched", {"#009e73", 9, 1}},
	{"fast-only", {"#cc79a7", 11, 1}},
};

static const struct known bounds[] = {
	{"abit-oracle", {"#aaaaaa", 8, 3}},
	{"lru", {"#888888", 6, 2}},
	{"opt", {"#444444", 4, 4}},
};

/* For all others, in turn; solid first, then dashed. */
static const struct style spare[] = {
	{"#e69f00", 13, 1}, {"#56b4e9", 15, 1}, {"#a08000", 2, 1},
	{"#000000", 1, 1},  {"#e69f00", 12, 5}, {"#56b4e9", 14, 5},
	{"#a08000", 3, 5},  {"#000000", 8, 5},
};

static const struct style other_bound = {"#bbbbbb", 10, 6};

static size_t find(const struct known *list, size_t count, const char *policy)
{
	size_t i = 0;

	while (i < count && strcmp(list[i].policy, policy))
		i++;
	return i;
}

int style_rank(const char *policy, bool is_bound)
{
	if (!is_bound)
		return (int)find(policies, COUNT(policies), policy);
	/* Bounds that are not known go before those that are. */
	return (int)(COUNT(policies) + 1 +
		     (find(bounds, COUNT(bounds), policy) + 1) %
			     (COUNT(bounds) + 1));
}

struct style style_of(const char *label, bool is_bound, unsigned int *others)
{
	size_t i;

	if (is_bound) {
		i = find(bounds, COUNT(bounds), label);
		return i < COUNT(bounds) ? bounds[i].style : other_bound;
	}
	i = find(policies, COUNT(policies), label);
	return i < COUNT(policies) ? policies[i].style
				   : spare[(*others)++ % COUNT(spare)];
}
