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
	if (changed &&
	    !json_array_append_new(changed, json_pack("{s:o}", name, change)))
		text = json_dumps(all, JSON_COMPACT);
	json_decref(all);
	if (!text)
		status_fail(st, ENOMEM, "out of memory");
	return text;
}
