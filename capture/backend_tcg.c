/* SPDX-License-Identifier: MIT */
/*
 * Backend tcg: QEMU emulates the guest and our plugin sees every access of its
 * CPUs, in order.  No KVM, no privileges.
 *
 * What it cannot know: real time.  A tick is one retired instruction, summed over
 * the vCPUs, which take turns on one host thread; a halted guest's time stands
 * still.  Device DMA is not seen, so workload and data must live in guest RAM.
 * The details in the trace's header say the rest.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "capture/backend.h"
#include "capture/guest/guest_map.h"
#include "capture/recorder.h"
#include "capture/tcg/qemu.h"
#include "capture/tcg/wire.h"

enum {
	RECORDS = 4096, /* taken per collect */
};

enum span {
	SPAN_ALL,
	SPAN_MARKED,
};

struct tcg_params {
	uint64_t fold_ns;
	unsigned int span;
};

static const char *const span_names[] = {"all", "marked", NULL};

static const struct param_spec tcg_params[] = {
	{.name = "fold",
	 .type = PARAM_TIME,
	 .offset = offsetof(struct tcg_params, fold_ns),
	 .preset = 1e6,
	 .max = 1e12,
	 .unit = "ns",
	 .help = "virtual time in which a page's accesses become one record"},
	{.name = "span",
	 .type = PARAM_ENUM,
	 .offset = offsetof(struct tcg_params, span),
	 .names = span_names,
	 .unit = "",
	 .help = "marked: only between the guest's marks (capture/tcg/insn.h)"},
	{.name = NULL},
};

struct tcg {
	struct qemu qemu;
	struct guest_map map;
	const struct capture_target *target;
	struct tcg_params params;
	struct wire_record records[RECORDS];
	size_t bytes;	    /* received into records, not yet handed over */
	uint64_t last_time; /* of the newest record */
	bool has_ended;	    /* the plugin said so */
};

static void tcg_probe(struct capture_probe *probe)
{
	const char *const command[] = {"qemu-system-x86_64", "-machine", "none",
				       "-display",	     "none",	 NULL};
	struct qemu qemu = {.monitor = -1, .records = -1};
	struct status why = {""};
	int ret = qemu_start(&qemu, command, &why);

	if (!ret)
		snprintf(probe->found, sizeof(probe->found), "QEMU %s",
			 qemu.qmp.version);
	else
		snprintf(probe->reason, sizeof(probe->reason), "%.255s",
			 why.message);
	if (ret == -ENOENT)
		snprintf(probe->fix, sizeof(probe->fix),
			 strstr(why.message, "kage-tcg.so")
				 ? "cmake --build --preset release"
				 : "apt-get install qemu-system-x86");
	else if (ret)
		snprintf(probe->fix, sizeof(probe->fix),
			 "use a QEMU with plugins, API version 1 (7.2)");
	qemu_kill(&qemu);
	qemu_end(&qemu);
}

static int tcg_open(void *state, const struct capture_target *target,
		    struct status *st)
{
	struct tcg *tcg = state;
	int ret;

	tcg->qemu.monitor = tcg->qemu.records = -1;
	tcg->target = target;
	tcg->params = *(const struct tcg_params *)target->values;
	ret = qemu_start(&tcg->qemu, target->command, st);
	return ret ? ret : guest_map_read(&tcg->map, &tcg->qemu.qmp, st);
}

/* The window in which a page is folded: the epoch, or the parameter. */
static uint64_t window_ticks(const struct tcg *tcg)
{
	uint64_t ticks = tcg->target->epoch_ticks;

	if (!ticks)
		ticks = (uint64_t)((double)tcg->params.fold_ns * 1000 /
				   tcg->target->ps_per_tick);
	return ticks;
}

static int describe_slots(const struct guest_map *map, struct trace_meta *meta,
			  struct status *st)
{
	meta->slots = kage_calloc(map->nr_slots, sizeof(*meta->slots), st);
	if (!meta->slots)
		return -ENOMEM;
	meta->nr_slots = map->nr_slots;
	for (size_t i = 0; i < map->nr_slots; i++)
		meta->slots[i] = (struct trace_slot){
			.gfn = map->slots[i].gfn,
			.npages = map->slots[i].npages,
			.page_bytes = TRACE_PAGE_BYTES,
			.node = -1,
			.backing = "unknown",
		};
	return 0;
}

static int tcg_describe(const void *state, struct trace_meta *meta,
			json_t *details, struct status *st)
{
	const struct tcg *tcg = state;
	struct qemu qemu = tcg->qemu;
	json_t *command = json_array();
	json_t *ours;
	int ret = qemu_nr_vcpus(&qemu, &meta->nr_vcpus, st);

	for (const char *const *word = tcg->target->command; *word; word++)
		json_array_append_new(command, json_string(*word));
	ours = json_pack(
		"{s:s, s:o, s:s, s:s, s:I, s:s, s:s}", "qemu",
		tcg->qemu.qmp.version, "command", command, "clock",
		"instructions retired by all vCPUs, which share one thread",
		"span", span_names[tcg->params.span], "fold_ticks",
		(json_int_t)window_ticks(tcg), "fold",
		tcg->target->epoch_ticks ? "per epoch"
					 : "since the page's first access",
		"dma", "unseen");
	if (!ours || json_object_update(details, ours))
		ret = -ENOMEM;
	json_decref(ours);
	return ret ? ret : describe_slots(&tcg->map, meta, st);
}

static int tcg_start(void *state, struct status *st)
{
	struct tcg *tcg = state;
	const struct wire_setup setup = {
		.magic = WIRE_MAGIC,
		.flags = (tcg->target->epoch_ticks ? WIRE_ALIGNED : 0u) |
			 (tcg->params.span == SPAN_MARKED ? WIRE_MARKED : 0u),
		.ram_offset = tcg->map.ram_offset,
		.ram_host = tcg->map.ram_host,
		.ram_pages = tcg->map.ram_pages,
		.window = window_ticks(tcg),
	};

	if (send(tcg->qemu.records, &setup, sizeof(setup), MSG_NOSIGNAL) !=
	    sizeof(setup))
		return status_fail(st, EPIPE, "QEMU ended before it started");
	return qemu_continue(&tcg->qemu, st);
}

static int tcg_fd(const void *state)
{
	return ((const struct tcg *)state)->qemu.records;
}

static int hand_over_access(struct tcg *tcg, struct recorder *recorder,
			    const struct wire_record *record, struct status *st)
{
	static const uint8_t kinds[] = {
		[WIRE_READ] = TRACE_READ,
		[WIRE_WRITE] = TRACE_WRITE,
		[WIRE_FETCH] = TRACE_FETCH,
	};
	const struct trace_event event = {
		.time = record->time,
		.gfn = guest_map_gfn(&tcg->map, record->page),
		.count = record->count,
		.vcpu = record->vcpu,
		.kind = kinds[record->kind],
	};

	tcg->last_time = record->time;
	return recorder_access(recorder, &event, st);
}

static int note_vcpu(struct recorder *recorder,
		     const struct wire_record *record, struct status *st)
{
	char text[96];

	snprintf(text, sizeof(text), "vCPU %u retired %" PRIu64 " instructions",
		 record->vcpu, record->time);
	return recorder_note(recorder, text, st);
}

static int hand_over(struct tcg *tcg, struct recorder *recorder,
		     const struct wire_record *record, struct status *st)
{
	switch (record->kind) {
	case WIRE_READ:
	case WIRE_WRITE:
	case WIRE_FETCH:
		return hand_over_access(tcg, recorder, record, st);
	case WIRE_VCPU:
		return note_vcpu(recorder, record, st);
	case WIRE_END:
		tcg->last_time = record->time;
		tcg->has_ended = true;
		qemu_quit(&tcg->qemu);
		return 0;
	}
	return status_fail(st, EPROTO, "record of unknown kind %u from QEMU",
			   record->kind);
}

static int tcg_collect(void *state, struct recorder *recorder,
		       struct status *st)
{
	struct tcg *tcg = state;
	char *buffer = (char *)tcg->records;
	ssize_t n = recv(tcg->qemu.records, buffer + tcg->bytes,
			 sizeof(tcg->records) - tcg->bytes, MSG_DONTWAIT);
	size_t whole, i;
	int ret = 0;

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 1
		       : errno == ECONNRESET
			       ? 0
			       : status_fail(st, errno, "records from QEMU: %s",
					     strerror(errno));
	if (!n)
		return 0;
	tcg->bytes += (size_t)n;
	whole = tcg->bytes / sizeof(tcg->records[0]);
	for (i = 0; !ret && i < whole; i++)
		ret = hand_over(tcg, recorder, &tcg->records[i], st);
	tcg->bytes %= sizeof(tcg->records[0]);
	memmove(buffer, &tcg->records[whole], tcg->bytes);
	return ret ? ret : 1;
}

/* Twice: whoever asks again will not wait for QEMU's manners. */
static void tcg_stop(void *state, unsigned int times)
{
	struct tcg *tcg = state;

	if (times == 1)
		qemu_quit(&tcg->qemu);
	else
		qemu_kill(&tcg->qemu);
}

static int say_how_qemu_ended(int status, uint64_t time, struct status *st)
{
	const char *how = WIFSIGNALED(status) ? "was killed by signal"
					      : "exited with";
	int number = WIFSIGNALED(status) ? WTERMSIG(status)
					 : WEXITSTATUS(status);

	if (!time)
		return status_fail(st, EIO, "QEMU %s %d, nothing was recorded",
				   how, number);
	return status_fail(st, ENOBUFS,
			   "QEMU %s %d: the trace is finished and ends at "
			   "tick %" PRIu64 "; what followed is lost",
			   how, number, time);
}

static int tcg_finish(void *state, struct recorder *recorder, struct status *st)
{
	struct tcg *tcg = state;
	int ret = recorder_end(recorder, tcg->last_time, st);
	int status;

	if (!tcg->has_ended)
		qemu_kill(&tcg->qemu);
	status = qemu_end(&tcg->qemu);
	if (ret)
		return ret;
	if (!tcg->has_ended)
		return say_how_qemu_ended(status, tcg->last_time, st);
	if (!tcg->last_time)
		return status_fail(st, ENODATA,
				   "the guest never executed the start mark");
	return 0;
}

static void tcg_close(void *state)
{
	struct tcg *tcg = state;

	qemu_kill(&tcg->qemu);
	qemu_end(&tcg->qemu);
}

const struct capture_ops backend_tcg = {
	.summary = "every CPU access of an emulated guest, in order (QEMU TCG)",
	.price = "the guest runs emulated, two to four times slower than plain "
		 "TCG",
	.unseen = "device DMA, page-table walks, stack pushes of interrupt "
		  "delivery, second page of an instruction that crosses into "
		  "it",
	.verified_on = "QEMU 7.2.22 of Debian 12, x86_64 guests, 2026-11",
	.params = tcg_params,
	.values_size = sizeof(struct tcg_params),
	.takes_command = true,
	.clock = TRACE_CLOCK_INSN,
	.fidelity = TRACE_EXACT,
	.channels = TRACE_CHANNEL_ACCESSED | TRACE_CHANNEL_DIRTY,
	.state_size = sizeof(struct tcg),
	.probe = tcg_probe,
	.open = tcg_open,
	.describe = tcg_describe,
	.start = tcg_start,
	.fd = tcg_fd,
	.collect = tcg_collect,
	.stop = tcg_stop,
	.finish = tcg_finish,
	.close = tcg_close,
};
