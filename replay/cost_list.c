/* SPDX-License-Identifier: MIT */
/* Listing profiles; see cost_list.h. */
#include "replay/cost_list.h"

#include <stdio.h>

static void show_row(const struct cost_row *row)
{
	if (row->kind == COST_MISSING)
		printf("    %-18s missing", row->name);
	else
		printf("    %-18s %.6g ns, %s", row->name, row->value_ns,
		       cost_kind_names[row->kind]);
	if (row->has_range)
		printf(", %.6g to %.6g ns", row->low_ns, row->high_ns);
	putchar('\n');
}

static void show_facts(const struct cost_row *row)
{
	printf("      of       %s\n      unit     %s%s\n",
	       cost_meaning(row->name),
	       cost_is_counter(row->name) ? "ns for one of the counted " : "",
	       cost_unit(row->name));
	printf("      source   %s\n      how      %s\n", row->source, row->how);
}

void cost_list(const struct cost_file *file, bool has_rows, bool has_facts)
{
	printf("  %-16s %s\n", file->profile, file->host);
	for (size_t i = 0; i < file->nr_rows && has_rows; i++) {
		show_row(&file->rows[i]);
		if (has_facts)
			show_facts(&file->rows[i]);
	}
}

void cost_list_shipped(bool has_rows, bool has_facts)
{
	for (const struct cost_profile *p = cost_profiles; p->name; p++) {
		struct cost_file file;

		if (!cost_profile_read(&file, p, NULL))
			cost_list(&file, has_rows, has_facts);
		cost_file_fini(&file);
	}
}
