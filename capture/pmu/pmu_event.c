/* SPDX-License-Identifier: MIT */
/* Spellings of events, and what the machine has; see pmu_event.h. */
#include "capture/pmu/pmu_event.h"

#include <ctype.h>
#include <errno.h>
#include <perfmon/pfmlib_perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/host/sysfile.h"
#include "capture/pmu/pmu_library.h"

#define DEVICES "sys/bus/event_source/devices/"

enum {
	IBS_OP_COUNT_UOPS = 1 << 19, /* IbsOpCntCtl, format/cnt_ctl */
	LDLAT_LEAST = 3, /* cycles; Intel SDM 3B, "PEBS Load Latency" */
};

static int ibs_op_type(int root)
{
	char text[SYSFILE_MAX];

	return sysfile_read(root, DEVICES "ibs_op/type", text) ? atoi(text)
							       : -1;
}

void pmu_cpu_probe(int root, struct pmu_cpu *cpu)
{
	char text[SYSFILE_MAX];
	char *flags = NULL;

	*cpu = (struct pmu_cpu){
		.has_pmu = sysfile_exists(root, DEVICES "cpu") ||
			   sysfile_exists(root, DEVICES "cpu_core"),
		.has_load_latency =
			sysfile_exists(root, DEVICES "cpu/events/mem-loads") ||
			sysfile_exists(root,
				       DEVICES "cpu_core/events/mem-loads"),
		.has_stores =
			sysfile_exists(root, DEVICES "cpu/events/mem-stores") ||
			sysfile_exists(root,
				       DEVICES "cpu_core/events/mem-stores"),
		.ibs_op_type = ibs_op_type(root),
	};
	if (sysfile_read(root, "proc/cpuinfo", text))
		flags = sysfile_key(text, "flags");
	cpu->is_virtual = flags &&
			  sysfile_has_word(sysfile_line(flags), "hypervisor");
	pmu_library_model(cpu->model, sizeof(cpu->model));
}

static const char *no_pmu(const struct pmu_cpu *cpu)
{
	return cpu->is_virtual ? "this is a virtual machine without one"
			       : "the kernel drives none on this CPU";
}

/* perf's "r01c0": hexadecimal to the end. */
static bool parse_perf_raw(const char *text, struct perf_event_attr *attr)
{
	size_t digits = *text == 'r' ? strlen(text + 1) : 0;

	if (!digits || digits > 16 ||
	    strspn(text + 1, "0123456789abcdefABCDEF") != digits)
		return false;
	attr->type = PERF_TYPE_RAW;
	attr->config = strtoull(text + 1, NULL, 16);
	return true;
}

static int bad_raw(const char *text, struct status *st)
{
	return status_fail(
		st, EINVAL,
		"'%s': expected raw:CONFIG[,CONFIG1[,CONFIG2]], each "
		"decimal or 0x...",
		text);
}

static int parse_raw(const char *text, struct perf_event_attr *attr,
		     struct status *st)
{
	const char *at = text + strlen("raw:");
	__u64 configs[3] = {0};
	size_t n = 0;
	char *end;

	do {
		bool is_hex = !strncmp(at, "0x", 2);

		if (n == 3 || !isxdigit((unsigned char)at[is_hex ? 2 : 0]))
			return bad_raw(text, st);
		errno = 0;
		configs[n++] = strtoull(at, &end, is_hex ? 16 : 10);
		if (errno || end == at || (*end && *end != ','))
			return bad_raw(text, st);
		at = end + 1;
	} while (*end);
	attr->type = PERF_TYPE_RAW;
	attr->config = configs[0];
	attr->config1 = configs[1];
	attr->config2 = configs[2];
	return 0;
}

static int encode_ibs(const char *text, const struct pmu_cpu *cpu,
		      struct perf_event_attr *attr, struct status *st)
{
	const char *rest = text + strlen("ibs_op");

	if (*rest && strcmp(rest, ":uops"))
		return status_fail(st, EINVAL,
				   "'%s': expected ibs_op or ibs_op:uops",
				   text);
	if (cpu->ibs_op_type < 0 && cpu->has_pmu)
		return status_fail(st, ENODEV,
				   "'%s': this CPU has no instruction-based "
				   "sampling",
				   text);
	if (cpu->ibs_op_type < 0)
		return status_fail(st, ENODEV, "no hardware PMU for '%s': %s",
				   text, no_pmu(cpu));
	attr->type = (__u32)cpu->ibs_op_type;
	attr->config = *rest ? IBS_OP_COUNT_UOPS : 0;
	return 0;
}

static int not_found(const char *text, const struct pmu_cpu *cpu,
		     struct status *st)
{
	const char *nearest = pmu_library_nearest(text);
	const char *mean = nearest ? "; did you mean " : "";

	nearest = nearest ? nearest : "";
	if (pmu_library_is_foreign(text))
		return status_fail(st, ENODEV,
				   "'%s' is an event of another CPU%s%s", text,
				   *cpu->model ? " than this, " : "",
				   cpu->model);
	if (!cpu->has_pmu && !*cpu->model)
		return status_fail(st, ENODEV,
				   "no hardware PMU for '%s': %s%s%s", text,
				   no_pmu(cpu), mean, nearest);
	return status_fail(
		st, ENOENT, "libpfm4 knows no event '%s' on this CPU (%s)%s%s",
		text,
		*cpu->model ? cpu->model : "whose events it does not know",
		mean, nearest);
}

static int refuse(int error, const char *text, const struct pmu_cpu *cpu,
		  struct status *st)
{
	char masks[256] = "";

	if (error == PFM_ERR_NOTFOUND)
		return not_found(text, cpu, st);
	if (error == PFM_ERR_NOMEM)
		return status_fail(st, ENOMEM, "out of memory");
	if (error == PFM_ERR_ATTR || error == PFM_ERR_UMASK)
		pmu_library_masks(text, masks, sizeof(masks));
	return status_fail(st, EINVAL, "'%s': %s%s%s", text,
			   pfm_strerror(error), *masks ? "; it has " : "",
			   masks);
}

static int encode_named(struct pmu_event *event, const char *text,
			const struct pmu_cpu *cpu, struct status *st)
{
	char *full = NULL;
	pfm_perf_encode_arg_t arg = {
		.attr = &event->attr, .fstr = &full, .size = sizeof(arg)};
	int error = pfm_initialize();
	int ret = 0;

	if (error == PFM_SUCCESS)
		error = pfm_get_os_event_encoding(text, PFM_PLM0 | PFM_PLM3,
						  PFM_OS_PERF_EVENT_EXT, &arg);
	if (error != PFM_SUCCESS)
		ret = refuse(error, text, cpu, st);
	else
		snprintf(event->full, sizeof(event->full), "%s", full);
	if (!ret && strstr(event->full, ":ldlat=") &&
	    event->attr.config1 < LDLAT_LEAST)
		ret = status_fail(st, EINVAL,
				  "'%s': ldlat is %llu, and the CPU takes %d "
				  "and more",
				  text, event->attr.config1, LDLAT_LEAST);
	free(full);
	pfm_terminate();
	return ret;
}

int pmu_event_encode(struct pmu_event *event, const char *text,
		     enum pmu_side side, const struct pmu_cpu *cpu,
		     struct status *st)
{
	int ret = 0;

	*event = (struct pmu_event){.attr.size = sizeof(event->attr)};
	if (!*text || strlen(text) >= sizeof(event->name))
		return status_fail(st, EINVAL,
				   "an event's name has 1 to %d characters",
				   PMU_NAME_MAX - 1);
	snprintf(event->name, sizeof(event->name), "%s", text);
	snprintf(event->full, sizeof(event->full), "%s", text);
	if (!strncmp(text, "ibs_op", strlen("ibs_op")))
		return encode_ibs(text, cpu, &event->attr, st);
	if (!strncmp(text, "raw:", strlen("raw:")))
		ret = parse_raw(text, &event->attr, st);
	else if (!parse_perf_raw(text, &event->attr))
		ret = encode_named(event, text, cpu, st);
	event->attr.size = sizeof(event->attr);
	event->attr.exclude_guest = side == PMU_HOST;
	event->attr.exclude_host = side == PMU_GUEST;
	return ret;
}

int pmu_event_check(const struct pmu_event *event, const struct pmu_cpu *cpu,
		    struct status *st)
{
	switch (event->attr.type) {
	case PERF_TYPE_HARDWARE:
	case PERF_TYPE_HW_CACHE:
	case PERF_TYPE_RAW:
		if (!cpu->has_pmu)
			return status_fail(st, ENODEV,
					   "no hardware PMU for '%s': %s",
					   event->name, no_pmu(cpu));
	}
	return 0;
}
