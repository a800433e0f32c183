/* SPDX-License-Identifier: MIT */
/*
 * What `valgrind --tool=lackey --trace-mem=yes --log-file=FILE` writes: " L addr,size"
 * for a load, " S" for a store, " M" for both, "I  " for an instruction (Valgrind's
 * manual, 15.2; lackey/lk_main.c of 3.19).  Valgrind's own lines begin with "==".
 *
 * One process, its virtual addresses: no kernel, no other process, no page tables, so
 * it is no guest, although its pages are numbered as if it were one.
 */
#include <errno.h>
#include <string.h>

#include "datasets/convert/lines.h"

static const char *const lackey_lost[] = {
	"addresses within a page, and sizes",
	"which thread it was",
	"accesses in a row to one page are one record",
	NULL,
};

struct lackey {
	struct import_job *job;
	uint64_t instructions, accesses;
	struct trace_event event; /* being folded; count 0: none yet */
	bool counts_accesses;	  /* no instruction is in the file */
};

static int flush(struct lackey *k, struct status *st)
{
	int ret = k->event.count ? import_event(k->job, &k->event, st) : 0;

	k->event.count = 0;
	return ret;
}

/* A fold is a write if any access of it was, a fetch if all were. */
static enum trace_event_kind fold_kinds(unsigned int a, unsigned int b)
{
	if (a == TRACE_WRITE || b == TRACE_WRITE)
		return TRACE_WRITE;
	return a == TRACE_FETCH && b == TRACE_FETCH ? TRACE_FETCH : TRACE_READ;
}

static int touch(struct lackey *k, gfn_t gfn, enum trace_event_kind kind,
		 struct status *st)
{
	struct trace_event *event = &k->event;
	int ret;

	if (event->count && event->gfn == gfn && event->count < UINT32_MAX) {
		event->kind = (uint8_t)fold_kinds(event->kind, kind);
		event->count++;
		return 0;
	}
	ret = flush(k, st);
	*event = (struct trace_event){
		.time = k->counts_accesses ? k->accesses : k->instructions,
		.gfn = gfn,
		.count = 1,
		.kind = (uint8_t)kind};
	return ret;
}

static int one_access(struct lackey *k, const char *text,
		      enum trace_event_kind kind, struct status *st)
{
	uint64_t address, size, last;
	int ret;

	if (!lines_number(&text, 16, &address) || !lines_word(&text, ",") ||
	    !lines_number(&text, 10, &size) || *text || !size ||
	    size > TRACE_PAGE_BYTES ||
	    __builtin_add_overflow(address, size - 1, &last))
		return import_bad(k->job, st, "not ADDRESS,SIZE");
	k->accesses++;
	ret = touch(k, address / TRACE_PAGE_BYTES, kind, st);
	if (!ret && last / TRACE_PAGE_BYTES != address / TRACE_PAGE_BYTES)
		ret = touch(k, last / TRACE_PAGE_BYTES, kind, st);
	return ret;
}

static int one_line(struct lackey *k, const char *text, struct status *st)
{
	if (lines_word(&text, "I  ")) {
		k->instructions++;
		return one_access(k, text, TRACE_FETCH, st);
	}
	if (lines_word(&text, " L "))
		return one_access(k, text, TRACE_READ, st);
	if (lines_word(&text, " S ") || lines_word(&text, " M "))
		return one_access(k, text, TRACE_WRITE, st);
	if (!*text || lines_word(&text, "==") || lines_word(&text, "--"))
		return 0;
	return import_bad(k->job, st,
			  "not a line of lackey's; use --log-file, so that "
			  "nothing else is among them");
}

static int read_lackey(struct import_job *job, struct status *st)
{
	struct lackey k = {.job = job};
	struct lines lines = {.job = job};
	int step, ret = 0;

	job->meta.clock = (struct trace_clock){TRACE_CLOCK_INSN, 500};
	job->meta.fidelity = TRACE_EXACT;
	job->meta.channels = TRACE_CHANNEL_ACCESSED | TRACE_CHANNEL_DIRTY;
	k.counts_accesses = !job->is_survey &&
			    json_object_get(job->details, "time");
	while (!ret && (step = lines_next(&lines, st)) > 0)
		ret = one_line(&k, lines.text, st);
	if (!ret && step)
		ret = step;
	if (!ret)
		ret = flush(&k, st);
	if (!ret && !k.instructions)
		import_tell(job, "time",
			    json_string("accesses: no instruction is in the "
					"file"));
	import_tell(job, "memory",
		    json_string("one process, virtual addresses: not a guest"));
	return ret;
}

const struct importer importer_lackey = {
	.name = "lackey",
	.summary = "valgrind --tool=lackey --trace-mem=yes --log-file=FILE",
	.lost = lackey_lost,
	.read = read_lackey,
};
