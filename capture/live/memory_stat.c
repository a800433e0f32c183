/* SPDX-License-Identifier: MIT */
/* Lines of memory.stat; see memory_stat.h. */
#include "capture/live/memory_stat.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int parse_line(struct memory_stat_line *line, const char *text)
{
	size_t n = strcspn(text, " \n");
	int end = -1;

	if (!n || n >= sizeof(line->key) || text[n] != ' ' ||
	    sscanf(text + n, " %" SCNu64 "%n", &line->value, &end) != 1 ||
	    text[n + (size_t)end] != '\n')
		return -EPROTO;
	memcpy(line->key, text, n);
	line->key[n] = '\0';
	return 0;
}

int memory_stat_parse(struct memory_stat *stat, const char *text,
		      struct status *st)
{
	*stat = (struct memory_stat){.n = 0};
	while (*text) {
		if (stat->n == MEMORY_STAT_MAX ||
		    parse_line(&stat->lines[stat->n], text))
			return status_fail(st, EPROTO,
					   "memory.stat: line %zu is none that "
					   "is known: '%.40s'",
					   stat->n + 1, text);
		stat->n++;
		text = strchr(text, '\n') + 1;
	}
	return 0;
}

uint64_t memory_stat_value(const struct memory_stat *stat, const char *key)
{
	for (size_t i = 0; i < stat->n; i++)
		if (!strcmp(stat->lines[i].key, key))
			return stat->lines[i].value;
	return UINT64_MAX;
}

/* memcg_vm_event_stat[], and memory_stats[] of what is counted upwards only. */
bool memory_stat_is_event(const char *key)
{
	static const char *const prefixes[] = {
		"pgscan",      "pgsteal",    "pgrefill",     "pgfault",
		"pgmajfault",  "pgactivate", "pgdeactivate", "pglazyfree",
		"pglazyfreed", "pgdemote",   "pgpromote",    "pswp",
		"workingset_", "zswpin",     "zswpout",	     "zswpwb",
		"swpin_",      "swpout_",    "thp_",	     "numa_"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (!strncmp(key, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}
