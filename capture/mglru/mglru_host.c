/* SPDX-License-Identifier: MIT */
/* Can MGLRU show a guest's accesses here?  See mglru_host.h. */
#include "capture/mglru/mglru_host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/units.h"
#include "capture/guest/guest.h"
#include "capture/host/fingerprint.h"
#include "capture/mglru/lru_gen.h"
#include "capture/tracing/hostfs.h"

static void append(char text[MGLRU_REASON_BYTES], const char *more)
{
	size_t used = strlen(text);

	snprintf(text + used, MGLRU_REASON_BYTES - used, "%s%s",
		 used ? "; " : "", more);
}

static void refuse(struct mglru_host *host, const char *reason, const char *fix)
{
	append(host->reason, reason);
	append(host->fix, fix);
}

bool mglru_is_old(const char *release)
{
	unsigned int major, minor;

	return sscanf(release, "%u.%u", &major, &minor) == 2 &&
	       (major < 6 || (major == 6 && minor < 12));
}

enum answer {
	ANSWER_ABSENT,
	ANSWER_NO,
	ANSWER_YES,
};

/* A module's parameter of truth: Y, N, 1, 0. */
static enum answer ask(int sysfs, const char *path)
{
	char text[16];

	if (hostfs_read(sysfs, path, text, sizeof(text), NULL) < 0)
		return ANSWER_ABSENT;
	return text[0] == 'Y' || text[0] == '1' ? ANSWER_YES : ANSWER_NO;
}

static void look_at_paging(struct mglru_host *host, int sysfs, const char *kind)
{
	enum answer npt = ask(sysfs, "module/kvm_amd/parameters/npt");
	enum answer ept = ask(sysfs, "module/kvm_intel/parameters/ept");
	bool is_pvm = !faccessat(sysfs, "module/kvm_pvm", F_OK, 0);

	if (!strcmp(kind, "svm"))
		ept = ANSWER_ABSENT;
	if (!strcmp(kind, "vmx"))
		npt = ANSWER_ABSENT;
	host->format = SPTE_NPT;
	if (ept != ANSWER_ABSENT)
		host->format =
			ask(sysfs, "module/kvm_intel/parameters/eptad") ==
					ANSWER_NO
				? SPTE_EPT_NO_AD
				: SPTE_EPT;
	if (ept == ANSWER_NO)
		refuse(host, "kvm_intel.ept=N: there is no TDP MMU",
		       "load kvm_intel with ept=1");
	else if (npt == ANSWER_NO)
		refuse(host, "kvm_amd.npt=0: there is no TDP MMU",
		       "load kvm_amd with npt=1");
	else if (npt == ANSWER_ABSENT && ept == ANSWER_ABSENT)
		refuse(host,
		       is_pvm ? "KVM is of the PVM kind, which has no "
				"two-dimensional paging"
			      : "neither kvm_amd nor kvm_intel is loaded",
		       "modprobe kvm_amd or kvm_intel, on a CPU with SVM or "
		       "VT-x");
}

static void look_at_mask(struct mglru_host *host, int sysfs)
{
	static const char enable[] = "echo y >/sys/kernel/mm/lru_gen/enabled";
	struct status st = {""};
	char text[32], reason[96];
	int mask = 0;

	if (hostfs_read(sysfs, "kernel/mm/lru_gen/enabled", text, sizeof(text),
			NULL) < 0) {
		refuse(host, "the kernel has no MGLRU",
		       "boot one with CONFIG_LRU_GEN=y");
		return;
	}
	mask = lru_gen_enabled(text, &st);
	host->mask = mask > 0 ? (unsigned int)mask : 0;
	snprintf(reason, sizeof(reason), "MGLRU %s (lru_gen/enabled is 0x%04x)",
		 host->mask & LRU_GEN_CORE ? "walks no page tables" : "is off",
		 host->mask);
	if (mask < 0)
		refuse(host, st.message, "none known");
	else if (~host->mask & (LRU_GEN_CORE | LRU_GEN_MM_WALK))
		refuse(host, reason, enable);
}

void mglru_host_look(struct mglru_host *host, int sysfs, const char *kind)
{
	look_at_paging(host, sysfs, kind);
	if (ask(sysfs, "module/kvm/parameters/tdp_mmu") != ANSWER_YES)
		refuse(host, "KVM's TDP MMU is off (kvm.tdp_mmu)",
		       "load kvm with tdp_mmu=1");
	look_at_mask(host, sysfs);
}

static void look_at_debugfs(struct mglru_host *host)
{
	struct status st = {""};
	int debugfs = hostfs_open("debugfs", &st);
	int fd = debugfs < 0 ? -1 : lru_gen_open(debugfs, &st);

	if (fd < 0)
		refuse(host, st.message,
		       "run as root, on a kernel with CONFIG_DEBUG_FS");
	if (fd >= 0)
		close(fd);
	if (debugfs >= 0)
		close(debugfs);
}

static void look_at_tracefs(struct mglru_host *host)
{
	static const char event[] = "events/" MGLRU_SYSTEM "/" MGLRU_EVENT;
	struct status st = {""};
	int tracefs = hostfs_open("tracefs", &st);

	if (tracefs < 0)
		refuse(host, st.message,
		       "run as root, on a kernel with CONFIG_TRACING");
	else if (faccessat(tracefs, event, F_OK, 0))
		refuse(host, "no tracepoint " MGLRU_SYSTEM ":" MGLRU_EVENT,
		       "load the kvm module of a kernel with "
		       "CONFIG_TRACEPOINTS");
	if (tracefs >= 0)
		close(tracefs);
}

void mglru_host_check(struct mglru_host *host)
{
	int sysfs = open("/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char kind[FINGERPRINT_WORD];
	struct utsname name;

	*host = (struct mglru_host){.format = SPTE_NPT};
	if (!uname(&name))
		snprintf(host->release, sizeof(host->release), "%s",
			 name.release);
	fingerprint_kvm_word(-1, "kind", kind);
	mglru_host_look(host, sysfs, kind);
	if (host->mask)
		look_at_debugfs(host);
	look_at_tracefs(host);
	if (sysfs >= 0)
		close(sysfs);
}

int mglru_period_check(uint64_t period_ns, uint64_t pass_ns, struct status *st)
{
	char a[UNITS_TEXT], b[UNITS_TEXT], c[UNITS_TEXT];

	if (pass_ns <= period_ns / 2)
		return 0;
	return status_fail(st, EINVAL,
			   "--epoch %s is too short: one pass over the cgroup "
			   "took %s; give at least %s",
			   units_time(a, period_ns), units_time(b, pass_ns),
			   units_time(c, 2 * pass_ns + pass_ns / 10));
}

/* Whether the memory of process @pid is charged to the cgroup @path. */
static bool is_charged_to(uint64_t pid, const char *text, const char *path)
{
	const struct guest_words words = {.pid = pid};
	struct lru_gen_memcg memcg;
	struct guest guest;
	bool is_so = !guest_open(&guest, &words, 0, NULL) &&
		     !lru_gen_find_near(text, guest.cgroup, &memcg, NULL) &&
		     !strcmp(memcg.path, path);

	guest_close(&guest);
	return is_so;
}

int mglru_count_vms(int debugfs, const char *text, const char *path,
		    struct status *st)
{
	int fd = openat(debugfs, "kvm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	unsigned int vm;
	uint64_t pid;
	int n = 0;

	if (!folder) {
		if (fd >= 0)
			close(fd);
		return status_fail(st, ENOENT, "debugfs has no folder kvm");
	}
	while ((entry = readdir(folder)))
		if (sscanf(entry->d_name, "%" SCNu64 "-%u", &pid, &vm) == 2 &&
		    is_charged_to(pid, text, path))
			n++;
	closedir(folder);
	return n;
}
