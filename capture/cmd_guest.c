/* SPDX-License-Identifier: MIT */
/* kage guest: a guest with known accesses, for others to look at. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/outbuf.h"
#include "base/param.h"
#include "capture/cmd.h"
#include "capture/vmm/describe.h"

struct guest_options {
	const char *params;
	const char *backing;
	const char *describe;
	uint64_t pages, vcpus, rounds, pace_ns, truth_rounds;
	bool is_thp, is_list;
};

static const struct guest_options guest_presets = {
	.backing = "anon",
	.pages = 4096,
	.vcpus = 1,
	.rounds = VMM_ENDLESS,
	.truth_rounds = 2,
};

#define FIELD(name) offsetof(struct guest_options, name)
static const struct opt guest_opts[] = {
	{"list", 0, OPT_FLAG, FIELD(is_list), NULL,
	 "the programs and their parameters"},
	{"params", 'p', OPT_STRING, FIELD(params), "K=V,...",
	 "parameters of the program"},
	{"pages", 0, OPT_COUNT, FIELD(pages), "N",
	 "of 4 KiB, shared out among the vCPUs (4K)"},
	{"vcpus", 0, OPT_COUNT, FIELD(vcpus), "N", "vCPUs (1)"},
	{"backing", 0, OPT_STRING, FIELD(backing), "KIND",
	 "of the pages: anon or memfd (anon)"},
	{"thp", 0, OPT_FLAG, FIELD(is_thp), NULL,
	 "ask for huge pages; else they are refused"},
	{"rounds", 0, OPT_COUNT, FIELD(rounds), "N",
	 "then end; round 0 fills the memory (endless)"},
	{"pace", 0, OPT_TIME, FIELD(pace_ns), "TIME",
	 "sleep after each round (0)"},
	{"describe", 0, OPT_STRING, FIELD(describe), "FILE",
	 "written as JSON once round 0 is done"},
	{"truth", 0, OPT_COUNT, FIELD(truth_rounds), "N",
	 "rounds whose pages FILE lists, found by running them here (2)"},
	{.name = NULL},
};
#undef FIELD

static int list_programs(void)
{
	for (const struct program_entry *e = guest_programs; e->name; e++) {
		printf("%-12s %s\n", e->name, e->program->summary);
		param_help(e->program->params, stdout);
	}
	return KAGE_EXIT_OK;
}

/* @values: PROGRAM_PARAMS_MAX bytes, for the program's parameters. */
static int to_config(const struct cmd_call *call, void *values,
		     struct vmm_config *config, struct status *st)
{
	const struct guest_options *o = call->values;
	int ret;

	if (call->argc != 1)
		return status_fail(st, EINVAL,
				   "guest takes one program (see --list)");
	if (!o->rounds || o->vcpus > UINT32_MAX)
		return status_fail(st, EINVAL, "--%s is out of range",
				   o->rounds ? "vcpus" : "rounds");
	config->program = program_find(call->argv[0], st);
	if (!config->program)
		return -EINVAL;
	ret = param_parse(config->program->program->params, values,
			  config->program->name, o->params, st);
	config->params = values;
	config->pages = o->pages;
	config->nr_vcpus = (unsigned int)o->vcpus;
	config->rounds = o->rounds;
	config->pace_ns = o->pace_ns;
	config->is_thp = o->is_thp;
	return ret ? ret : vmm_find_backing(o->backing, &config->backing, st);
}

static int write_description(const struct vmm *vmm,
			     const struct vmm_config *config,
			     const struct guest_options *o, struct status *st)
{
	json_t *json;
	char *text;
	int ret = vmm_describe(&json, vmm, config, o->truth_rounds, st);

	if (ret)
		return ret;
	text = json_dumps(json, JSON_INDENT(1));
	json_decref(json);
	if (!text)
		return status_fail(st, ENOMEM, "out of memory");
	ret = outbuf_replace_file(o->describe, text, strlen(text), st);
	free(text);
	return ret;
}

/* Until the guest ends or a signal comes.  Return: an exit code or an error. */
static int watch(struct vmm *vmm, const struct vmm_config *config,
		 const struct guest_options *o, int signals, struct status *st)
{
	struct pollfd fds[] = {{.fd = signals, .events = POLLIN},
			       {.fd = vmm_fd(vmm), .events = POLLIN}};
	int ret;

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return status_fail(st, errno, "poll: %s",
					   strerror(errno));
		if (fds[0].revents)
			return KAGE_EXIT_INTERRUPT;
		ret = vmm_wait(vmm, 0, st);
		if (ret == VMM_ROUND && o->describe)
			ret = write_description(vmm, config, o, st);
		if (ret < 0)
			return ret;
		if (ret == VMM_ENDED)
			return KAGE_EXIT_OK;
	}
}

static int run_guest(const struct vmm_config *config,
		     const struct guest_options *o, int signals,
		     struct status *st)
{
	struct vmm_counts counts;
	struct vmm *vmm;
	int ret = vmm_create(&vmm, config, st);

	if (ret)
		return ret;
	ret = vmm_start(vmm, st);
	if (!ret)
		ret = watch(vmm, config, o, signals, st);
	vmm_stop(vmm);
	vmm_counts(vmm, &counts);
	if (ret >= 0)
		fprintf(stderr, "kage: guest %s: %" PRIu64 " rounds\n",
			config->program->name, counts.rounds);
	vmm_destroy(vmm);
	return ret;
}

/* What was taken note of must not end the process later. */
static void forget_signals(int signals)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == sizeof(info))
		;
}

static int guest_run(const struct cmd_call *call, struct status *st)
{
	const struct guest_options *o = call->values;
	_Alignas(max_align_t) char values[PROGRAM_PARAMS_MAX] = {0};
	struct vmm_config config = {.logging = VMM_LOG_NONE};
	sigset_t ends, before;
	int signals, ret;

	if (o->is_list)
		return list_programs();
	ret = to_config(call, values, &config, st);
	if (ret)
		return ret;
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		return status_fail(st, errno, "signalfd: %s", strerror(errno));
	sigprocmask(SIG_BLOCK, &ends, &before);
	ret = run_guest(&config, o, signals, st);
	forget_signals(signals);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(signals);
	return ret;
}

const struct cmd cmd_guest = {
	.name = "guest",
	.summary = "run a guest with known accesses, for others to look at",
	.operands = " PROGRAM",
	.details =
		"The guest runs in a VMM of kage's own on /dev/kvm and is not captured:\n"
		"  kage guest hotcold --pages 64K --pace 100ms --describe guest.json\n"
		"SIGINT and SIGTERM end it (exit code 130).",
	.opts = guest_opts,
	.presets = &guest_presets,
	.values_size = sizeof(struct guest_options),
	.run = guest_run,
};
