/* SPDX-License-Identifier: MIT */
/* The history of a trace; see details.h. */
#include "datasets/reshape/details.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool is_kept(const char *name, const char *const *keep)
{
	if (!keep || !strcmp(name, "changed"))
		return true;
	for (; *keep; keep++)
		if (!strcmp(name, *keep))
			return true;
	return false;
}

/* What may be said of a change in a trace whose origin is to stay unknown: numbers that
 * fit any guest.  Not the seed of a sample: the blocks that its hash left would tell
 * where they were. */
static const char *const harmless[] = {"share", "block_pages", "pages_in_place",
				       "inputs", NULL};

/* The changes that kage makes; a name in a file of somebody else may say anything. */
static const char *const changes[] = {"sample", "anonymize", "merge", "append",
				      NULL};

static const char *known(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (!strcmp(*names, name))
			return *names;
	return NULL;
}

/* One change, without what it knows of the capture.  Of inputs only their number. */
static json_t *reduced(const char *name, json_t *what)
{
	json_t *kept = json_object();
	const char *key;
	json_t *value;

	if (json_is_array(what))
		json_object_set_new(
			kept, "inputs",
			json_integer((json_int_t)json_array_size(what)));
	json_object_foreach(what, key, value)
	{
		if (known(harmless, key) && json_is_number(value))
			json_object_set(kept, key, value);
	}
	name = known(changes, name);
	return json_pack("{s:o}", name ? name : "other", kept);
}

static void reduce(json_t *changed)
{
	size_t i;
	json_t *entry;

	json_array_foreach(changed, i, entry)
	{
		void *at = json_object_iter(entry);

		json_array_set_new(changed, i,
				   reduced(at ? json_object_iter_key(at) : "",
					   json_object_iter_value(at)));
	}
}

char *details_change(const char *details, const char *const *keep,
		     const char *name, json_t *change, struct status *st)
{
	json_t *all = json_loads(details ? details : "{}", 0, NULL);
	json_t *changed, *member;
	const char *key;
	void *next;
	char *text = NULL;

	json_object_foreach_safe(all, next, key,
				 member) if (!is_kept(key, keep))
		json_object_del(all, key);
	changed = json_object_get(all, "changed");
	if (!json_is_array(changed))
		json_object_set_new(all, "changed", json_array());
	changed = json_object_get(all, "changed");
	if (keep)
		reduce(changed);
	if (changed &&
	    !json_array_append_new(changed, json_pack("{s:o}", name, change)))
		text = json_dumps(all, JSON_COMPACT);
	json_decref(all);
	if (!text)
		status_fail(st, ENOMEM, "out of memory");
	return text;
}
