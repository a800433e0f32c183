/* SPDX-License-Identifier: MIT */
/* The guest behind dirty-ring and dirty-log; see dirty_guest.h. */
#include "capture/dirty/dirty_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "capture/host/fingerprint.h"
#include "capture/interrupts.h"
#include "capture/recorder.h"

enum {
	SETUP_PATIENCE_MS = 60000, /* without a sign of life */
	SETUP_LOOK_MS = 200,	   /* for the user's wish to end */
	BREATH = 16,		   /* writes, where KVM emulates (vmm.h) */
};

enum sync {
	SYNC_TIME,
	SYNC_ROUND,
};

struct dirty_params {
	uint64_t pages, vcpus, ring, rounds, pace_ns, thp;
	unsigned int sync, backing;
};

_Static_assert(sizeof(struct dirty_params) <= DIRTY_GUEST_VALUES, "");

static const char *const sync_names[] = {"time", "round", NULL};
static const char *const backing_names[] = {"anon", "memfd", NULL};

#define FIELD(name) offsetof(struct dirty_params, name)
const struct param_spec dirty_guest_params[] = {
	{.name = "pages",
	 .type = PARAM_UINT,
	 .offset = FIELD(pages),
	 .preset = 4096,
	 .min = 1,
	 .max = 1 << 28,
	 .unit = "pages",
	 .help = "of the guest's data"},
	{.name = "vcpus",
	 .type = PARAM_UINT,
	 .offset = FIELD(vcpus),
	 .preset = 1,
	 .min = 1,
	 .max = 64,
	 .unit = "",
	 .help = "each runs the program on its share of the pages"},
	{.name = "backing",
	 .type = PARAM_ENUM,
	 .offset = FIELD(backing),
	 .names = backing_names,
	 .unit = "",
	 .help = "of the guest's memory"},
	{.name = "thp",
	 .type = PARAM_UINT,
	 .offset = FIELD(thp),
	 .max = 1,
	 .unit = "",
	 .help = "1: ask for huge pages; logging splits them in KVM"},
	{.name = "ring",
	 .type = PARAM_UINT,
	 .offset = FIELD(ring),
	 .preset = 4096,
	 .min = 256,
	 .max = 65536,
	 .unit = "entries",
	 .help = "of each vCPU's ring, a power of two; for dirty-ring"},
	{.name = "rounds",
	 .type = PARAM_UINT,
	 .offset = FIELD(rounds),
	 .max = 1e15,
	 .unit = "rounds",
	 .help = "of the program, after its setup; 0: endless"},
	{.name = "pace",
	 .type = PARAM_TIME,
	 .offset = FIELD(pace_ns),
	 .max = 1e12,
	 .unit = "ns",
	 .help = "sleep after each round"},
	{.name = "sync",
	 .type = PARAM_ENUM,
	 .offset = FIELD(sync),
	 .names = sync_names,
	 .unit = "",
	 .help = "round: an epoch is one round of the program"},
	{.name = NULL},
};
#undef FIELD

void dirty_guest_probe(enum vmm_logging logging, struct capture_probe *probe)
{
	struct status why = {""};

	if (!vmm_probe(logging, &why)) {
		snprintf(probe->found, sizeof(probe->found), "/dev/kvm with %s",
			 vmm_logging_names[logging]);
		return;
	}
	snprintf(probe->reason, sizeof(probe->reason), "%.255s", why.message);
	snprintf(probe->fix, sizeof(probe->fix),
		 access("/dev/kvm", F_OK)
			 ? "modprobe kvm_intel or kvm_amd, with virtualisation "
			   "switched on in the firmware"
			 : "run as root or in group kvm; the dirty ring needs "
			   "Linux 5.11");
}

/* What of the host decides how the log behaves. */
static int look_at_host(struct dirty_guest *guest, struct status *st)
{
	int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	json_t *system = root < 0 ? NULL : fingerprint_take(root, st);
	json_t *kvm = json_object_get(system, "kvm");
	const char *kind = json_string_value(json_object_get(kvm, "kind"));
	const char *how =
		json_string_value(json_object_get(kvm, "dirty_mechanism"));
	bool is_known = system;

	/* PML buffers are drained newest first before 6.13 (vmx_flush_pml_buffer) */
	guest->is_first_first = how && strcmp(how, "PML");
	if (!kind || !strcmp(kind, "pvm"))
		guest->config.breath = BREATH;
	json_decref(system);
	if (root >= 0)
		close(root);
	return is_known ? 0 : -ENOMEM;
}

static int configure(struct dirty_guest *guest, const struct dirty_params *p,
		     enum vmm_logging logging, struct status *st)
{
	struct vmm_config *config = &guest->config;

	guest->is_stepped = p->sync == SYNC_ROUND;
	*config = (struct vmm_config){
		.program = config->program,
		.params = guest->program_params,
		.pages = p->pages,
		.rounds = p->rounds ? p->rounds + 1 : VMM_ENDLESS,
		.pace_ns = p->pace_ns,
		.ring_entries = (uint32_t)p->ring,
		.nr_vcpus = (unsigned int)p->vcpus,
		.backing = p->backing ? VMM_MEMFD : VMM_ANON,
		.logging = logging,
		.is_thp = p->thp,
		.is_stepped = guest->is_stepped,
	};
	return logging == VMM_LOG_RING ? look_at_host(guest, st) : 0;
}

int dirty_guest_open(struct dirty_guest *guest,
		     const struct capture_target *target,
		     enum vmm_logging logging, struct status *st)
{
	const char *const *words = target->command;
	const struct program_entry *entry = program_find(words[0], st);
	char owner[64];
	int ret;

	if (!entry)
		return -EINVAL;
	if (words[1] && words[2])
		return status_fail(st, EINVAL,
				   "'%s': a program and its K=V,... are all "
				   "that is expected",
				   words[2]);
	guest->config.program = entry;
	snprintf(owner, sizeof(owner), "program %.40s", entry->name);
	ret = param_parse(entry->program->params, guest->program_params, owner,
			  words[1], st);
	if (!ret)
		ret = configure(guest, target->values, logging, st);
	return ret ? ret : vmm_create(&guest->vmm, &guest->config, st);
}

int dirty_guest_describe(const void *state, struct trace_meta *meta,
			 json_t *details, struct status *st)
{
	const struct dirty_guest *guest = state;
	char params[512];
	int ret = param_format(guest->config.program->program->params,
			       guest->program_params, params, sizeof(params));

	meta->slots = kage_calloc(1, sizeof(*meta->slots), st);
	if (!meta->slots)
		return -ENOMEM;
	meta->slots[0] = vmm_slots(guest->vmm)[VMM_SLOT_DATA];
	meta->nr_slots = 1;
	meta->nr_vcpus = guest->config.nr_vcpus;
	if (ret || json_object_set_new(
			   details, "guest",
			   json_pack("{s:s, s:s, s:s, s:b, s:s}", "program",
				     guest->config.program->name, "params",
				     params, "logging",
				     vmm_logging_names[guest->config.logging],
				     "thp", (int)guest->config.is_thp, "epochs",
				     guest->is_stepped ? "rounds" : "time")))
		return status_fail(st, ENOMEM, "out of memory");
	return 0;
}

static int record_page(void *context, gfn_t gfn, unsigned int vcpu)
{
	struct dirty_guest *guest = context;
	const struct trace_run run = {
		.gfn = gfn, .npages = 1, .flags = TRACE_4K | TRACE_RUN_DIRTY};

	(void)vcpu;
	if (!guest->recorder)
		return 0;
	return recorder_run(guest->recorder, &run, NULL);
}

/* Return: 0, also when KVM overran a ring: then the capture ends with it. */
static int harvest(struct dirty_guest *guest, struct recorder *recorder,
		   struct status *st)
{
	int ret;

	guest->recorder = recorder;
	ret = vmm_harvest(guest->vmm, record_page, guest, st);
	guest->recorder = NULL;
	if (ret != -ENOBUFS || !recorder)
		return ret;
	guest->has_ended = true;
	return recorder_lost(recorder, recorder_time(recorder, clock_ns()), 1,
			     false, st);
}

/* Until round 0, the setup, is done; full rings are emptied meanwhile. */
static int wait_for_setup(struct dirty_guest *guest, struct status *st)
{
	int event, waited = 0, ret = 0;

	do {
		event = vmm_wait(guest->vmm, SETUP_LOOK_MS, st);
		waited = event == VMM_TIMEOUT ? waited + SETUP_LOOK_MS : 0;
		if (event == VMM_RING_FULL)
			ret = harvest(guest, NULL, st);
		if (!ret)
			ret = interrupts_check(st);
	} while (!ret && waited < SETUP_PATIENCE_MS &&
		 (event == VMM_RING_FULL || event == VMM_TIMEOUT));
	if (ret || event < 0)
		return ret ? ret : event;
	if (event == VMM_TIMEOUT)
		return status_fail(st, ETIMEDOUT,
				   "the guest did not fill its memory in %d s",
				   SETUP_PATIENCE_MS / 1000);
	return 0;
}

int dirty_guest_start(void *state, struct status *st)
{
	struct dirty_guest *guest = state;
	int ret = vmm_start(guest->vmm, st);

	if (!ret && guest->is_stepped)
		vmm_go(guest->vmm);
	if (!ret)
		ret = wait_for_setup(guest, st);
	if (!ret)
		ret = harvest(guest, NULL, st); /* forget it */
	if (!ret && guest->is_stepped)
		vmm_go(guest->vmm);
	return ret;
}

/* The epoch ends here, with what was written since the one before. */
static int end_epoch(struct dirty_guest *guest, struct recorder *recorder,
		     struct status *st)
{
	struct trace_epoch epoch = {.channels = TRACE_CHANNEL_DIRTY,
				    .start = guest->epoch_start,
				    .end = recorder_time(recorder, clock_ns())};
	int ret = harvest(guest, recorder, st);

	epoch.is_ordered = guest->is_first_first && guest->config.nr_vcpus == 1;
	epoch.scan_start = guest->epoch_start = epoch.end;
	epoch.scan_end = recorder_time(recorder, clock_ns());
	guest->epochs++;
	return ret ? ret : recorder_sample(recorder, &epoch, st);
}

int dirty_guest_fd(const void *state)
{
	return vmm_fd(((const struct dirty_guest *)state)->vmm);
}

/* Stepped, the ends of rounds are those of epochs; else the scans are. */
static int take_event(struct dirty_guest *guest, int event,
		      struct recorder *recorder, struct status *st)
{
	int ret = 0;

	switch (event) {
	case VMM_RING_FULL:
		return harvest(guest, recorder, st);
	case VMM_ROUND:
		if (!guest->is_stepped)
			return 0;
		ret = end_epoch(guest, recorder, st);
		vmm_go(guest->vmm);
		return ret;
	case VMM_ENDED:
		guest->has_ended = true;
		return guest->is_stepped ? 0 : end_epoch(guest, recorder, st);
	default:
		return 0;
	}
}

int dirty_guest_collect(void *state, struct recorder *recorder,
			struct status *st)
{
	struct dirty_guest *guest = state;
	int event = vmm_wait(guest->vmm, 0, st);
	int ret = event < 0 ? event : take_event(guest, event, recorder, st);

	return ret ? ret : !guest->has_ended;
}

int dirty_guest_scan(void *state, struct recorder *recorder, struct status *st)
{
	struct dirty_guest *guest = state;
	int ret = guest->is_stepped ? 0 : end_epoch(guest, recorder, st);

	return ret ? ret : !guest->has_ended;
}

int dirty_guest_finish(void *state, struct recorder *recorder,
		       struct status *st)
{
	struct dirty_guest *guest = state;
	struct vmm_counts counts;
	char text[160];

	vmm_counts(guest->vmm, &counts);
	snprintf(text, sizeof(text),
		 "%s: %" PRIu64 " rounds in %" PRIu64
		 " epochs; a full ring held a vCPU %" PRIu64 " times",
		 guest->config.program->name, counts.rounds, guest->epochs,
		 counts.ring_full);
	return recorder_note(recorder, text, st);
}

void dirty_guest_close(void *state)
{
	struct dirty_guest *guest = state;

	vmm_destroy(guest->vmm);
}
