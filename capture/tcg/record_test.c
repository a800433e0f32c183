/* SPDX-License-Identifier: MIT */
/*
 * Whole captures of two guests of our own (guest/exact.S, guest/smp.S), held
 * against what their sources say they touch.  Skipped without QEMU.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"
#include "datasets/trace/trace.h"

#define TRACE_FILE "record_test.kgt"

enum {
	EVENTS_MAX = 64,
	SKIPPED = 77,
};

struct touched {
	gfn_t gfn;
	enum trace_event_kind kind;
	uint32_t count; /* 0: not compared */
};

/* guest/exact.S, line by line.  HIGH is 4 GiB + 5 pages. */
static const struct touched exact[] = {
	{0x101, TRACE_FETCH, 0},   {0x200, TRACE_WRITE, 1},
	{0x201, TRACE_READ, 1},	   {0x202, TRACE_WRITE, 2},
	{0x203, TRACE_WRITE, 1},   {0x204, TRACE_WRITE, 1},
	{0x102, TRACE_FETCH, 1},   {0x100005, TRACE_WRITE, 1},
	{0x10000c, TRACE_READ, 1}, {0x205, TRACE_WRITE, 1},
	{0x300, TRACE_WRITE, 2},   {0x206, TRACE_READ, 1},
	{0x207, TRACE_WRITE, 1},   {0x208, TRACE_WRITE, 2},
};

struct capture {
	size_t n;
	struct trace_event events[EVENTS_MAX];
	size_t nr_epochs, nr_runs;
	struct trace_run runs[EVENTS_MAX];
	size_t nr_slots;
	struct trace_slot slots[8];
	unsigned int nr_vcpus;
};

static void take_stream(struct capture *c, const struct trace_stream *s)
{
	for (size_t i = 0; i < s->n; i++) {
		assert_true(c->n < EVENTS_MAX);
		c->events[c->n++] = (struct trace_event){
			.time = s->time[i],
			.gfn = s->gfn[i],
			.count = s->count[i],
			.vcpu = s->vcpu[i],
			.kind = s->kind[i],
		};
	}
}

static void take_epoch(struct capture *c, const struct trace_block *block)
{
	assert_true(block->epoch.is_ordered);
	assert_true(c->nr_runs + block->nr_runs <= EVENTS_MAX);
	memcpy(c->runs + c->nr_runs, block->runs,
	       block->nr_runs * sizeof(*block->runs));
	c->nr_runs += block->nr_runs;
	c->nr_epochs += block->is_last_part;
}

static void read_capture(struct capture *c)
{
	struct status st = {""};
	struct trace_reader *reader;
	struct trace_block block;
	const struct trace_meta *meta;
	int ret = trace_reader_open(&reader, TRACE_FILE, 0, &st);

	assert_int_equal(ret, 0);
	meta = trace_reader_meta(reader);
	*c = (struct capture){.nr_vcpus = meta->nr_vcpus,
			      .nr_slots = meta->nr_slots};
	assert_true(meta->nr_slots <= 8);
	memcpy(c->slots, meta->slots, meta->nr_slots * sizeof(*meta->slots));
	while ((ret = trace_reader_next(reader, &block, &st)) > 0) {
		if (block.type == TRACE_BLOCK_STREAM)
			take_stream(c, &block.stream);
		if (block.type == TRACE_BLOCK_EPOCH)
			take_epoch(c, &block);
	}
	assert_int_equal(ret, 0);
	trace_reader_close(reader);
}

/* Return: kage's exit code. */
static int record(const char *guest, const char *options, const char *machine)
{
	char line[1024];
	int status;

	snprintf(
		line, sizeof(line),
		"%s record -b tcg -o %s %s -- qemu-system-x86_64 %s "
		"-nodefaults -display none -device "
		"isa-debug-exit,iobase=0xf4 -kernel %s/%s.elf 2>record_test.log",
		KAGE_PROGRAM, TRACE_FILE, options, machine, GUESTS, guest);
	unlink(TRACE_FILE);
	unlink(TRACE_FILE ".part");
	status = system(line);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void expect_exact(const struct capture *c)
{
	assert_int_equal(c->n, sizeof(exact) / sizeof(exact[0]));
	for (size_t i = 0; i < c->n; i++) {
		assert_int_equal(c->events[i].gfn, exact[i].gfn);
		assert_int_equal(c->events[i].kind, exact[i].kind);
		if (exact[i].count)
			assert_int_equal(c->events[i].count, exact[i].count);
		assert_true(i == 0 ||
			    c->events[i].time >= c->events[i - 1].time);
	}
}

static void record_exact(const char *machine, gfn_t hole)
{
	struct capture c;

	assert_int_equal(
		record("exact", "--params span=marked,fold=1s", machine), 0);
	read_capture(&c);
	expect_exact(&c);
	assert_int_equal(c.nr_slots, 2);
	assert_int_equal(c.slots[0].npages, hole);
	assert_int_equal(c.slots[1].gfn, 0x100000);
	assert_int_equal(c.slots[1].npages, 0x140000 - hole);
}

static void pc_guest_is_recorded_exactly(void **state)
{
	(void)state;
	record_exact("-machine pc -m 5G", 0xc0000);
}

static void q35_guest_is_recorded_exactly(void **state)
{
	(void)state;
	record_exact("-machine q35 -m 5G", 0x80000);
}

static void named_backend_is_recorded_exactly(void **state)
{
	(void)state;
	record_exact("-machine q35,memory-backend=ram -m 5G "
		     "-object memory-backend-ram,id=ram,size=5G",
		     0x80000);
}

/* Without folding, every access has a record of its own. */
static void unfolded_capture_has_every_access(void **state)
{
	struct capture c;
	size_t data = 0, wanted = 0;

	(void)state;
	assert_int_equal(
		record("exact", "--params span=marked,fold=0", "-m 5G"), 0);
	read_capture(&c);
	for (size_t i = 0; i < c.n; i++)
		data += c.events[i].kind != TRACE_FETCH;
	for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++)
		wanted += exact[i].kind == TRACE_FETCH ? 0 : exact[i].count;
	for (size_t i = 0; i < c.n; i++)
		assert_int_equal(c.events[i].count, 1);
	assert_int_equal(data, wanted);
}

/* One epoch holds the same pages in the same order; neighbours share a run. */
static void epoch_holds_the_same_pages_in_order(void **state)
{
	struct capture c;
	size_t at = 0;

	(void)state;
	assert_int_equal(
		record("exact", "--params span=marked --epoch 1s", "-m 5G"), 0);
	read_capture(&c);
	assert_int_equal(c.nr_epochs, 1);
	for (size_t i = 0; i < c.nr_runs; i++)
		for (uint32_t page = 0; page < c.runs[i].npages; page++, at++) {
			assert_int_equal(c.runs[i].gfn + page, exact[at].gfn);
			assert_int_equal(!!(c.runs[i].flags & TRACE_RUN_DIRTY),
					 exact[at].kind == TRACE_WRITE);
		}
	assert_int_equal(at, sizeof(exact) / sizeof(exact[0]));
}

static const struct trace_event *find_event(const struct capture *c, gfn_t gfn)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->events[i].gfn == gfn)
			return &c->events[i];
	return NULL;
}

static void second_vcpu_is_told_apart(void **state)
{
	struct capture c;
	const struct trace_event *code, *own, *answer;

	(void)state;
	assert_int_equal(record("smp", "--params span=marked,fold=1s",
				"-smp 2 -m 64M"),
			 0);
	read_capture(&c);
	assert_int_equal(c.nr_vcpus, 2);
	code = find_event(&c, 0x8);
	own = find_event(&c, 0x9);
	answer = find_event(&c, 0xa);
	assert_non_null(code);
	assert_non_null(own);
	assert_non_null(answer);
	assert_int_equal(code->vcpu, 1);
	assert_int_equal(code->kind, TRACE_FETCH);
	assert_int_equal(own->vcpu, 1);
	assert_int_equal(own->kind, TRACE_WRITE);
	assert_int_equal(own->count, 1);
	assert_int_equal(answer->vcpu, 0);
	assert_int_equal(answer->kind, TRACE_WRITE);
	for (size_t i = 1; i < c.n; i++)
		assert_true(c.events[i].time >= c.events[i - 1].time);
}

static void guest_without_a_mark_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(record("unmarked", "--params span=marked", "-m 64M"),
			 KAGE_EXIT_IMPOSSIBLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pc_guest_is_recorded_exactly),
		cmocka_unit_test(q35_guest_is_recorded_exactly),
		cmocka_unit_test(named_backend_is_recorded_exactly),
		cmocka_unit_test(unfolded_capture_has_every_access),
		cmocka_unit_test(epoch_holds_the_same_pages_in_order),
		cmocka_unit_test(second_vcpu_is_told_apart),
		cmocka_unit_test(guest_without_a_mark_is_an_error),
	};

	if (system("qemu-system-x86_64 --version >record_test.log 2>&1")) {
		puts("skipped: qemu-system-x86_64 is not installed");
		return SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
