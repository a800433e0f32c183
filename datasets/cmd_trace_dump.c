/* SPDX-License-Identifier: MIT */
/* `kage trace dump`: records as text, one line each. */
#include <inttypes.h>
#include <stdio.h>

#include "datasets/cmd_trace.h"

struct options {
	uint64_t limit;
	bool partial;
};

static void dump_stream(const struct trace_stream *s, uint64_t *left)
{
	for (size_t i = 0; i < s->n && *left; i++, --*left) {
		printf("%" PRIu64 " %s gfn=%#" PRIx64 " count=%u vcpu=%u",
		       s->time[i], trace_event_names[s->kind[i]], s->gfn[i],
		       s->count[i], s->vcpu[i]);
		if (s->reason[i] != TRACE_REASON_NONE)
			printf(" reason=%s", trace_reason_names[s->reason[i]]);
		putchar('\n');
	}
}

static void dump_header(const struct trace_epoch *e)
{
	printf("epoch %" PRIu64 " (%" PRIu64 ", %" PRIu64 "] scan=%" PRIu64
	       "..%" PRIu64 " pages=%" PRIu64 " order=%s",
	       e->index, e->start, e->end, e->scan_start, e->scan_end,
	       e->npages, e->is_ordered ? "first-touch" : "unknown");
	if (e->has_hits)
		printf(" samples=%u", e->samples);
	putchar('\n');
}

static void dump_epoch(const struct trace_block *part, uint64_t *left)
{
	static const char *const levels[TRACE_NR_LEVELS] = {"4K", "2M", "1G"};
	const struct trace_epoch *e = &part->epoch;

	if (!part->first_rank)
		dump_header(e);
	for (size_t i = 0; i < part->nr_runs && *left; i++, --*left) {
		const struct trace_run *run = &part->runs[i];

		printf("  gfn=%#" PRIx64 " pages=%u level=%s%s%s", run->gfn,
		       run->npages, levels[run->flags & TRACE_RUN_LEVEL_MASK],
		       run->flags & TRACE_RUN_ACCESSED ? " accessed" : "",
		       run->flags & TRACE_RUN_DIRTY ? " dirty" : "");
		if (e->has_hits)
			printf(" hits=%u", run->hits);
		putchar('\n');
	}
}

static int run(const struct cmd_call *call, struct status *st)
{
	const struct options *o = call->values;
	uint64_t left = o->limit ? o->limit : UINT64_MAX;
	struct trace_reader *reader;
	struct trace_block block;
	int ret = cmd_trace_open(&reader, call,
				 o->partial ? TRACE_OPEN_PARTIAL : 0, st);

	while (!ret && left) {
		ret = trace_reader_next(reader, &block, st);
		if (ret <= 0)
			break;
		ret = 0;
		if (block.type == TRACE_BLOCK_STREAM)
			dump_stream(&block.stream, &left);
		else if (block.type == TRACE_BLOCK_EPOCH)
			dump_epoch(&block, &left);
		else
			cmd_trace_print_text("note", 0, block.note);
	}
	if (!ret)
		cmd_trace_warn_partial(reader, call->argv[0]);
	trace_reader_close(reader);
	return ret;
}

static const struct opt opts[] = {
	{"limit", 'n', OPT_COUNT, offsetof(struct options, limit), "N",
	 "stop behind N records or runs"},
	{"partial", 0, OPT_FLAG, offsetof(struct options, partial), NULL,
	 "read an unfinished or damaged file as far as it is whole"},
	{.name = NULL},
};

const struct cmd cmd_trace_dump = {
	.name = "dump",
	.summary = "print the records of a trace",
	.operands = " TRACE",
	.details = "Times are ticks of the trace's clock since its start; "
		   "`kage trace info` says how\nlong one is (\"clock\").  A "
		   "gfn counts guest frames of 4 KiB.",
	.opts = opts,
	.values_size = sizeof(struct options),
	.run = run,
};
