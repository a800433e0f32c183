/* SPDX-License-Identifier: MIT */
/* Traces for tests; see fixture.h.  Aborts instead of returning errors. */
#include "datasets/trace/fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Not assert(): release builds are tested too. */
static void must(bool holds)
{
	if (!holds) {
		perror("fixture");
		abort();
	}
}

static struct trace_slot slots[] = {
	{.gfn = 0, .npages = 0xa0, .page_bytes = 4096, .backing = "anon"},
	{.gfn = 0x100,
	 .npages = 0x7ff00,
	 .hva = 0x7f0000100000,
	 .page_bytes = 2 << 20,
	 .node = -1,
	 .backing = "memfd"},
	{.gfn = 0x100000,
	 .npages = 0x80000,
	 .hva = 0x7f1000000000,
	 .page_bytes = 1 << 30,
	 .node = 1,
	 .backing = "hugetlb"},
};

static char details[] = "{\"kernel\": \"6.12\", \"filter\": [64, true]}";

const struct trace_meta fixture_meta = {
	.clock = {.kind = TRACE_CLOCK_INSN, .ps_per_tick = 500},
	.fidelity = TRACE_EXACT,
	.channels = TRACE_CHANNEL_ACCESSED | TRACE_CHANNEL_DIRTY,
	.nr_vcpus = 4,
	.nr_slots = 3,
	.slots = slots,
	.source = "fixture",
	.details = details,
};

struct trace_event fixture_event(struct rng *rng, uint64_t time)
{
	const struct trace_slot *s = &slots[rng_below(rng, 3)];
	uint64_t page = rng_below(rng, s->npages);
	struct trace_event event = {
		.time = time + rng_below(rng, 1 << rng_below(rng, 12)),
		.gfn = s->gfn + page,
		.count = 1 + (uint32_t)rng_below(rng, 3),
		.vcpu = (uint16_t)rng_below(rng, 4),
		.kind = (uint8_t)rng_below(rng, TRACE_NR_EVENT_KINDS),
	};

	if (event.kind >= TRACE_INVALIDATE && event.kind <= TRACE_UNMAP) {
		event.reason = (uint8_t)rng_below(rng, TRACE_NR_REASONS);
		event.count = 1 + (uint32_t)rng_below(rng, s->npages - page);
	}
	if (event.kind == TRACE_LOST) {
		event.gfn = 0;
		event.reason = rng_below(rng, 2) ? TRACE_REASON_UNKNOWN
						 : TRACE_REASON_NONE;
	}
	return event;
}

static struct trace_run random_run(struct rng *rng, gfn_t from)
{
	unsigned int level = from < 0x100000 ? (unsigned int)rng_below(rng, 2)
					     : (unsigned int)rng_below(rng, 3);
	uint64_t pages = trace_level_pages(level);
	uint64_t gap = level ? rng_below(rng, 2) * pages : rng_below(rng, 9);

	return (struct trace_run){
		.gfn = (from + gap + pages - 1) & ~(pages - 1),
		.npages = (uint32_t)(pages *
				     (1 + (level < 2 ? rng_below(rng, 5) : 0))),
		.flags = (uint8_t)(level | (1 + rng_below(rng, 3)) << 2),
	};
}

/* Fisher and Yates. */
static void shuffle(struct rng *rng, struct trace_run *runs, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t other = rng_below(rng, i);
		struct trace_run run = runs[other];

		runs[other] = runs[i - 1];
		runs[i - 1] = run;
	}
}

size_t fixture_epoch(struct rng *rng, struct trace_epoch *epoch, uint64_t index,
		     uint64_t end, struct trace_run *runs, size_t most)
{
	size_t slot = 0, n = 0;
	gfn_t from = 0;

	*epoch = (struct trace_epoch){.index = index,
				      .start = end + rng_below(rng, 2),
				      .channels = 3,
				      .is_ordered = index % 2};
	epoch->end = epoch->start + 1 + rng_below(rng, 1000);
	epoch->scan_start = epoch->end;
	epoch->scan_end = epoch->end + rng_below(rng, 100);
	while (n < most && slot < 3) {
		struct trace_run run = random_run(rng, from);

		if (run.gfn + run.npages >
		    slots[slot].gfn + slots[slot].npages) {
			if (++slot < 3)
				from = slots[slot].gfn;
			continue;
		}
		from = run.gfn + run.npages;
		runs[n++] = run;
	}
	shuffle(rng, runs, n);
	return n;
}

void fixture_add_hits(struct rng *rng, struct trace_epoch *epoch,
		      struct trace_run *runs, size_t n)
{
	epoch->is_ordered = false;
	epoch->has_hits = true;
	epoch->samples = 1 + (uint32_t)rng_below(rng, 20);
	for (size_t i = 0; i < n; i++) {
		runs[i].hits = (uint32_t)rng_below(rng, epoch->samples + 1);
		runs[i].flags &= TRACE_RUN_LEVEL_MASK;
		runs[i].flags |= runs[i].hits ? TRACE_RUN_ACCESSED : 0;
	}
}

void fixture_write(const char *path, uint64_t seed, size_t events,
		   size_t epochs, size_t hit_epochs, size_t nr_runs)
{
	struct trace_run *runs = calloc(nr_runs + 1, sizeof(*runs));
	struct rng rng = {seed};
	struct trace_writer *writer;
	struct trace_epoch epoch = {0};
	uint64_t time = 0;
	int ret = trace_writer_open(&writer, path, &fixture_meta, NULL);

	must(runs && !ret);
	for (size_t i = 0; i < events; i++) {
		struct trace_event event = fixture_event(&rng, time);

		time = event.time;
		ret |= trace_writer_event(writer, &event, NULL);
	}
	ret |= trace_writer_note(writer, "half of it", NULL);
	for (size_t i = 0; i < epochs + hit_epochs; i++) {
		size_t n = fixture_epoch(&rng, &epoch, i, epoch.end, runs,
					 nr_runs);

		if (i >= epochs)
			fixture_add_hits(&rng, &epoch, runs, n);
		ret |= trace_writer_epoch(writer, &epoch, runs, n, NULL);
	}
	ret |= trace_writer_close(writer, NULL, NULL);
	must(!ret);
	free(runs);
}

struct outbuf fixture_load(const char *path)
{
	struct outbuf out = {0};
	FILE *file = fopen(path, "rb");
	char chunk[4096];
	size_t n;

	must(file);
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		outbuf_put(&out, chunk, n);
	fclose(file);
	must(!out.error);
	return out;
}

void fixture_memfd(char path[64], int *fd, const void *data, size_t bytes)
{
	ssize_t n;

	*fd = memfd_create("trace", MFD_CLOEXEC);
	must(*fd >= 0);
	n = write(*fd, data, bytes);
	must(n == (ssize_t)bytes);
	snprintf(path, 64, "/proc/self/fd/%d", *fd);
}

static void show_stream(const struct trace_stream *s, struct outbuf *text)
{
	for (size_t i = 0; i < s->n; i++)
		outbuf_printf(text,
			      "event %" PRIu64 " %" PRIx64 " %u %u %u %u\n",
			      s->time[i], s->gfn[i], s->count[i], s->vcpu[i],
			      s->kind[i], s->reason[i]);
}

static void show_epoch(const struct trace_block *b, struct outbuf *text)
{
	const struct trace_epoch *e = &b->epoch;

	if (!b->first_rank)
		outbuf_printf(text,
			      "epoch %" PRIu64 " %" PRIu64 " %" PRIu64
			      " %" PRIu64 " %" PRIu64 " %" PRIu64 " %u %d %u\n",
			      e->index, e->start, e->end, e->scan_start,
			      e->scan_end, e->npages, e->channels,
			      e->is_ordered, e->samples);
	for (size_t i = 0; i < b->nr_runs; i++)
		outbuf_printf(text, "run %" PRIx64 " %u %u %u\n",
			      b->runs[i].gfn, b->runs[i].npages,
			      b->runs[i].flags, b->runs[i].hits);
}

static void show(const struct trace_block *block, struct outbuf *text)
{
	if (block->type == TRACE_BLOCK_STREAM)
		show_stream(&block->stream, text);
	else if (block->type == TRACE_BLOCK_EPOCH)
		show_epoch(block, text);
	else
		outbuf_printf(text, "note %s\n", block->note);
}

int fixture_read(const char *path, unsigned int flags, struct outbuf *text,
		 struct trace_totals *totals, struct status *st)
{
	struct trace_reader *reader;
	struct trace_block block;
	int ret = trace_reader_open(&reader, path, flags, st);

	if (ret)
		return ret;
	while ((ret = trace_reader_next(reader, &block, st)) > 0)
		if (text)
			show(&block, text);
	if (!ret && totals)
		*totals = *trace_reader_totals(reader);
	trace_reader_close(reader);
	return ret;
}

void fixture_folder(char path[64])
{
	const char *parent = getenv("TMPDIR");
	char *made;

	snprintf(path, 64, "%s/kage-XXXXXX", parent ? parent : "/tmp");
	made = mkdtemp(path);
	must(made);
}

void fixture_remove(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	must(folder);
	while ((entry = readdir(folder)))
		unlinkat(dirfd(folder), entry->d_name, 0);
	closedir(folder);
	rmdir(path);
}
