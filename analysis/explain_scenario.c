/* SPDX-License-Identifier: MIT */
/*
 * The scenario of a stored run: the database has its id and the name of its file, not
 * where that is.  Only a file with this id will do, whatever it is called.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analysis/explain.h"
#include "analysis/input_find.h"

/* Return: whether @params of a run, "id=...,file=...", are of a scenario; then its
 * @id and the @name of its file. */
static bool parse_params(const char *params, uint64_t *id, const char **name)
{
	char *end;

	if (strncmp(params, "id=", 3))
		return false;
	*id = strtoull(params + 3, &end, 16);
	if (strncmp(end, ",file=", 6))
		return false;
	*name = end + 6;
	return true;
}

static bool is_scenario(const char *path, uint64_t id)
{
	struct scenario scenario = {0};
	bool is_same = !scenario_load(&scenario, path, NULL) &&
		       scenario_id(&scenario) == id;

	scenario_fini(&scenario);
	return is_same;
}

static bool is_folder(const char *path)
{
	struct stat info;

	return !stat(path, &info) && S_ISDIR(info.st_mode);
}

bool explain_is_of_scenario(const char *given, const char *params)
{
	const char *name;
	uint64_t id;

	if (!given)
		return true;
	return parse_params(params, &id, &name) &&
	       (is_folder(given) || is_scenario(given, id));
}

/* "script:FILE" of the command that made the run, if FILE is still the scenario. */
static bool find_in_command(char path[PATH_MAX], const char *command,
			    uint64_t id)
{
	static const char driver[] = "script:";
	const char *at = command;

	while ((at = strstr(at, driver))) {
		size_t length;

		at += sizeof(driver) - 1;
		length = strcspn(at, " ");
		if (length >= PATH_MAX)
			continue;
		snprintf(path, PATH_MAX, "%.*s", (int)length, at);
		if (is_scenario(path, id))
			return true;
	}
	return false;
}

/* Beside the database, else here. */
static bool find_by_name(char path[PATH_MAX], const char *db, const char *name,
			 uint64_t id)
{
	const char *slash = strrchr(db, '/');
	int folder = slash ? (int)(slash - db + 1) : 0;

	if (snprintf(path, PATH_MAX, "%.*s%s", folder, db, name) < PATH_MAX &&
	    is_scenario(path, id))
		return true;
	return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX &&
	       is_scenario(path, id);
}

int explain_find_scenario(char path[PATH_MAX], const char *given,
			  const char *params, const char *command,
			  const char *db, struct status *st)
{
	struct scenario_results wanted = {0};
	const char *name;
	uint64_t id;

	if (!parse_params(params, &id, &name))
		return status_fail(st, EBADMSG,
				   "%.200s: '%.100s' names no scenario", db,
				   params);
	wanted.scenario_id = id;
	snprintf(wanted.scenario, sizeof(wanted.scenario), "%s", name);
	if (given)
		return input_find_scenario(path, given, &wanted, db, st);
	if (find_in_command(path, command, id) ||
	    find_by_name(path, db, name, id))
		return 0;
	return status_fail(st, ENOENT,
			   "%.200s: scenario '%.90s' (%016" PRIx64
			   ") is not where it was, beside it or here; "
			   "--scenario FILE says where it is",
			   db, name, id);
}
