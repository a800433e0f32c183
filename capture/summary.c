/* SPDX-License-Identifier: MIT */
/* The end of a capture in words; see summary.h. */
#include "capture/summary.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/units.h"

static void print_what(const struct session_plan *plan,
		       const struct session_report *report, FILE *out)
{
	const struct trace_totals *totals = &report->totals;
	char a[UNITS_TEXT], b[UNITS_TEXT];

	fprintf(out, "kage: %s:",
		strcmp(plan->output, "-") ? plan->output : "standard output");
	if (totals->epochs)
		fprintf(out, " %" PRIu64 " epochs, %s pages%s", totals->epochs,
			units_count(a, report->stats.pages),
			totals->events ? "," : "");
	if (totals->events || !totals->epochs)
		fprintf(out, " %s records of %s accesses",
			units_count(a, totals->events),
			units_count(b, totals->accesses));
	putc('\n', out);
}

static void print_price(const struct session_report *report, FILE *out)
{
	char a[UNITS_TEXT], b[UNITS_TEXT], c[UNITS_TEXT];

	fprintf(out, "  took      %s, %s of CPU time, %s written\n",
		units_time(a, report->wall_ns), units_time(b, report->cpu_ns),
		units_bytes(c, report->bytes));
}

static void print_epochs(const struct session_report *report, FILE *out)
{
	const struct recorder_stats *stats = &report->stats;
	char a[UNITS_TEXT], b[UNITS_TEXT], c[UNITS_TEXT];

	if (!stats->epochs)
		return;
	fprintf(out, "  epochs    %s to %s pages, %s on average\n",
		units_count(a, stats->least), units_count(b, stats->most),
		units_count(c, stats->pages / stats->epochs));
	if (report->scans)
		fprintf(out, "  scans     %s each on average, %s at most\n",
			units_time(a, report->scan_ns / report->scans),
			units_time(b, report->longest_scan_ns));
}

static void print_loss(const struct recorder_stats *stats, FILE *out)
{
	char a[UNITS_TEXT];

	fprintf(out, "  lost      %s%s events\n",
		stats->is_lost_unknown ? "an unknown number of, at least " : "",
		units_count(a, stats->lost));
}

static void warn_of_epochs(const struct session_plan *plan,
			   const struct session_report *report, FILE *out)
{
	const struct recorder_stats *stats = &report->stats;
	char a[UNITS_TEXT];

	if (!stats->epochs)
		return;
	if (stats->empty_epochs == stats->epochs)
		fprintf(out, "  warning: every epoch is empty: %s\n",
			plan->backend->ops->empty_means
				? plan->backend->ops->empty_means
				: "the guest did nothing");
	if (stats->full_epochs == stats->epochs)
		fprintf(out,
			"  warning: every epoch holds every page: the epochs "
			"are too long to tell pages apart, or all of the guest "
			"is scanned by somebody\n");
	if (stats->huge_pages)
		fprintf(out,
			"  warning: %s pages were seen through 2M or 1G leaves, "
			"which have one bit for all their pages\n",
			units_count(a, stats->huge_pages));
	if (report->late_scans)
		fprintf(out,
			"  warning: %s epochs were skipped because a scan took "
			"longer than an epoch\n",
			units_count(a, report->late_scans));
}

static void warn_of_empty_stream(const struct session_plan *plan,
				 const struct session_report *report, FILE *out)
{
	const struct capture_ops *ops = plan->backend->ops;

	if (!report->stats.epochs && !report->totals.events)
		fprintf(out, "  warning: nothing was recorded: %s\n",
			ops->empty_means ? ops->empty_means
					 : "the guest did nothing");
}

static void warn_of_outside(const struct recorder_stats *stats, FILE *out)
{
	char a[UNITS_TEXT];

	if (stats->outside)
		fprintf(out,
			"  warning: %s pages or events lie in no slot and are "
			"left out: is the memory map right?\n",
			units_count(a, stats->outside));
}

void summary_print(const struct session_plan *plan,
		   const struct session_report *report, FILE *out)
{
	print_what(plan, report, out);
	print_price(report, out);
	print_epochs(report, out);
	print_loss(&report->stats, out);
	warn_of_epochs(plan, report, out);
	warn_of_empty_stream(plan, report, out);
	warn_of_outside(&report->stats, out);
	fprintf(out, "  not seen: %s\n", plan->backend->ops->unseen);
}
