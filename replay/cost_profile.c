/* SPDX-License-Identifier: MIT */
/* Shipped and own cost profiles; see cost_profile.h. */
#include "replay/cost_profile.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>

#include "models/counters.h"
#include "replay/costs.h"

#define ENTRY(id, name) extern const char cost_text_##id[];
#include "replay/costs/profiles.def"
#undef ENTRY

const struct cost_profile cost_profiles[] = {
#define ENTRY(id, name) {name, cost_text_##id},
#include "replay/costs/profiles.def"
#undef ENTRY
	{NULL, NULL},
};

const struct cost_profile *cost_profile_find(const char *name)
{
	for (const struct cost_profile *p = cost_profiles; p->name; p++)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

static bool is_name(void *arg, const char *name)
{
	(void)arg;
	return costs_is_name(name);
}

int cost_profile_read(struct cost_file *file,
		      const struct cost_profile *profile, struct status *st)
{
	return cost_file_parse(file, profile->name, profile->text,
			       strlen(profile->text), is_name, NULL, st);
}

int cost_profile_load(struct cost_file *file, const char *path,
		      struct status *st)
{
	int ret = cost_file_load(file, path, is_name, NULL, st);

	if (!ret && cost_profile_find(file->profile))
		ret = status_fail(st, EBADMSG,
				  "%.200s: profile '%s' is one that kage has: "
				  "give yours another name",
				  path, file->profile);
	return ret;
}

/* Return: the counter of that name, or NULL. */
static const struct counter_info *find_counter(const char *name)
{
	for (int i = 0; i < NR_COUNTERS; i++)
		if (!strcmp(counter_info[i].name, name))
			return &counter_info[i];
	return NULL;
}

static const struct cost_info *find_info(const char *name)
{
	for (const struct cost_info *c = cost_infos; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

bool cost_is_counter(const char *name)
{
	return find_counter(name);
}

const char *cost_unit(const char *name)
{
	const struct counter_info *counter = find_counter(name);
	const struct cost_info *info = find_info(name);

	return counter ? counter->unit : info ? info->unit : NULL;
}

const char *cost_meaning(const char *name)
{
	const struct counter_info *counter = find_counter(name);
	const struct cost_info *info = find_info(name);

	return counter ? counter->meaning : info ? info->meaning : NULL;
}

uint64_t cost_profile_digest(const struct cost_file *file)
{
	struct outbuf text = {0};
	uint64_t digest;

	cost_file_print(file, &text);
	digest = XXH3_64bits(text.data ? text.data : "", text.used);
	outbuf_fini(&text);
	return digest;
}
