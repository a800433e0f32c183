/* SPDX-License-Identifier: MIT */
/* kage calibrate: what operations cost on this host, as a cost profile. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/outbuf.h"
#include "capture/calibrate/calibration.h"
#include "capture/calibrate/citable.h"
#include "capture/cmd.h"
#include "capture/interrupts.h"
#include "version.h"

struct calibrate_options {
	const char *output, *profile;
	uint64_t rounds;
	bool is_forced;
};

static const struct calibrate_options calibrate_presets = {
	.profile = "this-host", .rounds = CALIBRATE_ROUNDS_MIN};

#define FIELD(name) offsetof(struct calibrate_options, name)
static const struct opt calibrate_opts[] = {
	{"output", 'o', OPT_STRING, FIELD(output), "FILE.costs",
	 "the profile; else standard output"},
	{"profile", 'p', OPT_STRING, FIELD(profile), "NAME",
	 "what to call it (this-host)"},
	{"rounds", 'r', OPT_COUNT, FIELD(rounds), "N",
	 "of each measurement: 15 to 1000 (15)"},
	{"force", 0, OPT_FLAG, FIELD(is_forced), NULL,
	 "measure where times mean nothing; rows are not for citing"},
	{.name = NULL},
};
#undef FIELD

enum {
	SOURCE_TEXT = 512
};

static void make_source(char text[SOURCE_TEXT], const char *host)
{
	time_t now = time(NULL);
	struct tm utc;
	char day[16];

	gmtime_r(&now, &utc);
	strftime(day, sizeof(day), "%Y-%m-%d", &utc);
	snprintf(text, SOURCE_TEXT, "kage calibrate %s, %s, %s", KAGE_VERSION,
		 day, host);
}

static int check_usage(const struct cmd_call *call, struct status *st)
{
	const struct calibrate_options *o = call->values;
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t length = strlen(o->profile);

	if (call->argc)
		return status_fail(st, EINVAL, "calibrate takes no operands");
	if (o->rounds < CALIBRATE_ROUNDS_MIN ||
	    o->rounds > CALIBRATE_ROUNDS_MAX)
		return status_fail(st, EINVAL, "--rounds: %d to %d",
				   CALIBRATE_ROUNDS_MIN, CALIBRATE_ROUNDS_MAX);
	if (!length || length > COST_PROFILE_MAX ||
	    strspn(o->profile, allowed) != length)
		return status_fail(st, EINVAL,
				   "--profile: up to %d letters, digits, . _ -",
				   COST_PROFILE_MAX);
	return 0;
}

/* A hypervisor below that does not emulate is told, not refused. */
static int check_host(const struct calibrate_options *o, int root,
		      const char *hypervisor, enum cost_kind *kind,
		      struct status *st)
{
	struct status why = {""};
	int ret = citable_check(root, hypervisor, &why);

	*kind = COST_MEASURED;
	if (ret && !o->is_forced)
		return status_fail(st, -ret,
				   "%.300s (--force measures all the same)",
				   why.message);
	if (ret) {
		*kind = COST_NOT_FOR_CITING;
		fprintf(stderr, "kage: not for citing: %s\n", why.message);
	} else if (hypervisor[0]) {
		fprintf(stderr,
			"kage: this host is a VM of %s: its times are those of "
			"nested virtualisation\n",
			hypervisor);
	}
	return 0;
}

static int write_profile(const struct calibration *c, const char *path,
			 struct status *st)
{
	struct outbuf out = {0};
	int ret = 0;

	outbuf_printf(&out, "# made by kage calibrate; format: doc/costs.md\n");
	cost_file_print(&c->file, &out);
	if (path)
		ret = outbuf_write_file(&out, path, st);
	else if (out.error)
		ret = status_fail(st, -out.error, "out of memory");
	else
		fwrite(out.data, 1, out.used, stdout);
	outbuf_fini(&out);
	return ret;
}

/* How many rows have a value: who gets none should know. */
static void tell(const struct calibration *c)
{
	size_t known = 0;

	for (size_t i = 0; i < c->file.nr_rows; i++)
		known += c->file.rows[i].kind != COST_MISSING;
	fprintf(stderr, "kage: %zu costs have a value, %zu are missing\n",
		known, c->file.nr_rows - known);
}

static int calibrate_run(const struct cmd_call *call, struct status *st)
{
	const struct calibrate_options *o = call->values;
	char hypervisor[HYPERVISOR_TEXT], host[HOST_TEXT], source[SOURCE_TEXT];
	struct calibration c = {.rounds = (unsigned int)o->rounds,
				.source = source};
	sigset_t ends, before;
	int root, ret = check_usage(call, st);

	if (ret)
		return ret;
	root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	hypervisor_name(hypervisor);
	citable_host(root, hypervisor, host);
	make_source(source, host);
	c.file.profile = o->profile;
	c.file.host = host;
	ret = check_host(o, root, hypervisor, &c.kind, st);
	close(root);
	if (ret)
		return ret;
	interrupts_set(&ends);
	sigprocmask(SIG_BLOCK, &ends, &before);
	ret = calibration_run(&c, st);
	if (!ret)
		ret = write_profile(&c, o->output, st);
	if (!ret)
		tell(&c);
	calibration_fini(&c);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ret;
}

const struct cmd cmd_calibrate = {
	.name = "calibrate",
	.summary = "measure what operations cost on this host",
	.details =
		"Guests of kage's own fault, are unmapped and are aged, in rounds; medians go into\n"
		"a cost profile (kage replay --costs FILE), with intervals.  What this host\n"
		"cannot measure is missing there, with the reason.  As root; about a minute.\n"
		"Refused under QEMU TCG and on the PVM kind of KVM.",
	.opts = calibrate_opts,
	.presets = &calibrate_presets,
	.values_size = sizeof(struct calibrate_options),
	.run = calibrate_run,
};
