/* SPDX-License-Identifier: MIT */
/* What the host has, and what is going on there; see host.h. */
#include "capture/live/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/host/sysfile.h"
#include "capture/live/cgroup.h"
#include "capture/mglru/lru_gen.h"
#include "capture/tracing/hostfs.h"
#include "capture/vmm/vmm.h"

struct missing {
	char text[sizeof(((struct status *)NULL)->message)];
};

static void miss(struct missing *missing, const char *why)
{
	size_t used = strlen(missing->text);

	snprintf(missing->text + used, sizeof(missing->text) - used, "%s%s",
		 used ? "; " : "", why);
}

static void look_at_lru_gen(struct missing *missing)
{
	static const char file[] = "/sys/kernel/mm/lru_gen/enabled";
	struct status why = {""};
	char text[32];
	int mask, debugfs, fd;

	if (hostfs_read(AT_FDCWD, file, text, sizeof(text), NULL) < 0) {
		miss(missing, "the kernel has no MGLRU (CONFIG_LRU_GEN)");
		return;
	}
	mask = lru_gen_enabled(text, &why);
	if (mask < 0)
		miss(missing, why.message);
	else if (~(unsigned int)mask & (LRU_GEN_CORE | LRU_GEN_MM_WALK))
		miss(missing, "MGLRU is off (echo y >/sys/kernel/mm/lru_gen/"
			      "enabled)");
	debugfs = hostfs_open("debugfs", &why);
	fd = debugfs < 0 ? -1 : lru_gen_open(debugfs, &why);
	if (fd < 0)
		miss(missing, why.message);
	if (fd >= 0)
		close(fd);
	if (debugfs >= 0)
		close(debugfs);
}

static void look_at_tracefs(struct missing *missing)
{
	struct status why = {""};
	int tracefs = hostfs_open("tracefs", &why);

	if (tracefs < 0)
		miss(missing, why.message);
	else if (faccessat(tracefs, "events/kvm/kvm_unmap_hva_range", F_OK, 0))
		miss(missing, "no tracepoint kvm:kvm_unmap_hva_range");
	if (tracefs >= 0)
		close(tracefs);
}

/* A line per swap area behind the heading. */
static void look_at_swap(struct missing *missing)
{
	char text[4096];
	const char *line;

	if (hostfs_read(AT_FDCWD, "/proc/swaps", text, sizeof(text), NULL) < 0)
		text[0] = '\0';
	line = strchr(text, '\n');
	if (!line || !line[1])
		miss(missing, "there is no swap, so guest memory cannot be "
			      "evicted (modprobe zram, mkswap, swapon)");
}

int live_host_check(struct status *st)
{
	struct missing missing = {""};
	struct status why = {""};

	if (vmm_probe(VMM_LOG_NONE, &why))
		miss(&missing, why.message);
	if (live_cgroup_probe(&why))
		miss(&missing, why.message);
	look_at_lru_gen(&missing);
	look_at_tracefs(&missing);
	look_at_swap(&missing);
	if (!missing.text[0])
		return 0;
	return status_fail(st, ENODEV, "%s", missing.text);
}

/* A setting that disturbs unless the file is absent or its text is the calm one. */
struct disturber {
	const char *path, *calm;
	const char *what, *fix;
};

static const struct disturber disturbers[] = {
	{"proc/sys/vm/page-cluster", "0", "swap is read ahead",
	 "sysctl vm.page-cluster=0"},
	{"sys/module/damon_stat/parameters/enabled", "N",
	 "DAMON_STAT samples accessed bits",
	 "echo N >/sys/module/damon_stat/parameters/enabled"},
	{"sys/module/damon_reclaim/parameters/enabled", "N",
	 "DAMON_RECLAIM samples accessed bits and evicts",
	 "echo N >/sys/module/damon_reclaim/parameters/enabled"},
	{"sys/module/damon_lru_sort/parameters/enabled", "N",
	 "DAMON_LRU_SORT samples accessed bits and moves pages",
	 "echo N >/sys/module/damon_lru_sort/parameters/enabled"},
	{"sys/kernel/mm/ksm/run", "0", "KSM merges pages",
	 "echo 0 >/sys/kernel/mm/ksm/run"},
	{"proc/sys/kernel/numa_balancing", "0",
	 "NUMA balancing unmaps guest memory",
	 "sysctl kernel.numa_balancing=0"},
	{"proc/sys/vm/compaction_proactiveness", "0",
	 "memory is compacted in the background",
	 "sysctl vm.compaction_proactiveness=0"},
};

static void tell(json_t *list, const char *what, const char *fix)
{
	json_array_append_new(list, json_sprintf("%s: %s", what, fix));
}

/* khugepaged has no switch of its own but a pace. */
static void look_at_khugepaged(json_t *list, int root)
{
	static const char folder[] = "sys/kernel/mm/transparent_hugepage/";
	enum {
		CALM_MS = 10000000
	};
	char path[128], text[SYSFILE_MAX];

	snprintf(path, sizeof(path), "%senabled", folder);
	if (!sysfile_read(root, path, text) || strstr(text, "[never]"))
		return;
	snprintf(path, sizeof(path), "%skhugepaged/scan_sleep_millisecs",
		 folder);
	if (sysfile_read(root, path, text) &&
	    strtoull(text, NULL, 10) < CALM_MS)
		tell(list, "khugepaged looks at accessed bits and merges pages",
		     "echo 4294967295 >/sys/kernel/mm/transparent_hugepage/"
		     "khugepaged/scan_sleep_millisecs");
}

json_t *live_host_disturbers(int root)
{
	json_t *list = json_array();
	char text[SYSFILE_MAX];

	for (size_t i = 0; i < sizeof(disturbers) / sizeof(disturbers[0]);
	     i++) {
		const struct disturber *d = &disturbers[i];

		if (sysfile_read(root, d->path, text) &&
		    strcmp(sysfile_line(text), d->calm))
			tell(list, d->what, d->fix);
	}
	look_at_khugepaged(list, root);
	return list;
}

json_t *live_host_settings(int root)
{
	static const char *const paths[] = {
		"proc/sys/vm/swappiness",
		"proc/sys/vm/page-cluster",
		"sys/kernel/mm/lru_gen/enabled",
		"sys/kernel/mm/lru_gen/min_ttl_ms",
		"sys/kernel/mm/transparent_hugepage/enabled",
		"sys/kernel/mm/transparent_hugepage/shmem_enabled",
		"sys/module/zswap/parameters/enabled",
		"sys/module/kvm/parameters/tdp_mmu",
		"sys/module/kvm_amd/parameters/npt",
		"sys/module/kvm_intel/parameters/ept",
		"sys/module/kvm_intel/parameters/eptad",
	};
	json_t *settings = json_object();
	char text[SYSFILE_MAX];

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (sysfile_read(root, paths[i], text))
			json_object_set_new(settings, paths[i],
					    json_string(sysfile_line(text)));
	return settings;
}
