/* SPDX-License-Identifier: MIT */
/*
 * What is said of hosts: a folder of files stands for /sys, one per case.  Whether
 * a kernel does what its files promise, scripts/lab/mglru.sh tests.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"
#include "capture/mglru/mglru_host.h"

#define AMD	"module/kvm_amd/parameters/npt"
#define INTEL	"module/kvm_intel/parameters/ept"
#define EPTAD	"module/kvm_intel/parameters/eptad"
#define PVM	"module/kvm_pvm/refcnt"
#define TDP_MMU "module/kvm/parameters/tdp_mmu"
#define ENABLED "kernel/mm/lru_gen/enabled"

enum {
	FILES_MAX = 5
};

struct file {
	const char *path, *text;
};

static const struct {
	const char *what;
	struct file files[FILES_MAX];
	const char *reason; /* part of it; NULL: none */
	enum spte_format format;
	unsigned int mask;
} hosts[] = {
	{"amd",
	 {{AMD, "1"}, {TDP_MMU, "Y"}, {ENABLED, "0x0007"}},
	 NULL,
	 SPTE_NPT,
	 7},
	{"amd, newer text",
	 {{AMD, "Y"}, {TDP_MMU, "Y"}, {ENABLED, "0x0003"}},
	 NULL,
	 SPTE_NPT,
	 3},
	{"intel",
	 {{INTEL, "Y"}, {EPTAD, "Y"}, {TDP_MMU, "Y"}, {ENABLED, "0x0007"}},
	 NULL,
	 SPTE_EPT,
	 7},
	{"intel without A/D",
	 {{INTEL, "Y"}, {EPTAD, "N"}, {TDP_MMU, "Y"}, {ENABLED, "0x0007"}},
	 NULL,
	 SPTE_EPT_NO_AD,
	 7},
	{"tdp_mmu off",
	 {{AMD, "1"}, {TDP_MMU, "N"}, {ENABLED, "0x0007"}},
	 "TDP MMU is off",
	 SPTE_NPT,
	 7},
	{"no such parameter",
	 {{AMD, "1"}, {ENABLED, "0x0007"}},
	 "TDP MMU is off",
	 SPTE_NPT,
	 7},
	{"npt off",
	 {{AMD, "0"}, {TDP_MMU, "Y"}, {ENABLED, "0x0007"}},
	 "kvm_amd.npt=0",
	 SPTE_NPT,
	 7},
	{"ept off",
	 {{INTEL, "N"}, {TDP_MMU, "Y"}, {ENABLED, "0x0007"}},
	 "kvm_intel.ept=N",
	 SPTE_EPT,
	 7},
	{"no kvm",
	 {{ENABLED, "0x0007"}},
	 "neither kvm_amd nor kvm_intel",
	 SPTE_NPT,
	 7},
	{"pvm", {{PVM, "0"}, {TDP_MMU, "N"}}, "PVM kind", SPTE_NPT, 0},
	{"no mglru", {{AMD, "1"}, {TDP_MMU, "Y"}}, "has no MGLRU", SPTE_NPT, 0},
	{"mglru off",
	 {{AMD, "1"}, {TDP_MMU, "Y"}, {ENABLED, "0x0000"}},
	 "MGLRU is off",
	 SPTE_NPT,
	 0},
	{"mglru without walks",
	 {{AMD, "1"}, {TDP_MMU, "Y"}, {ENABLED, "0x0005"}},
	 "walks no page tables (lru_gen/enabled is 0x0005)",
	 SPTE_NPT,
	 5},
	{"mglru odd",
	 {{AMD, "1"}, {TDP_MMU, "Y"}, {ENABLED, "often"}},
	 "no mask",
	 SPTE_NPT,
	 0},
};

/* Make the folders on the way, then the file. */
static void put(const char *root, const struct file *file)
{
	char path[256];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", root, file->path);
	for (char *at = strchr(path + strlen(root) + 1, '/'); at;
	     at = strchr(at + 1, '/')) {
		*at = '\0';
		mkdir(path, 0700);
		*at = '/';
	}
	out = fopen(path, "we");
	assert_non_null(out);
	fprintf(out, "%s\n", file->text);
	assert_int_equal(fclose(out), 0);
}

static int delete (const char *path, const struct stat *info, int kind,
		   struct FTW *ftw)
{
	(void)info;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void delete_tree(const char *root)
{
	assert_int_equal(nftw(root, delete, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void look(const struct file files[FILES_MAX], const char *kind,
		 struct mglru_host *host)
{
	char root[64];
	int fd;

	snprintf(root, sizeof(root), "sys-XXXXXX");
	assert_non_null(mkdtemp(root));
	for (size_t j = 0; j < FILES_MAX && files[j].path; j++)
		put(root, &files[j]);
	fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	*host = (struct mglru_host){.release = "test"};
	mglru_host_look(host, fd, kind);
	close(fd);
	delete_tree(root);
}

static void every_lack_has_its_reason_and_fix(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct mglru_host host;

		look(hosts[i].files, "unknown", &host);
		if (!hosts[i].reason && host.reason[0])
			fail_msg("%s: %s", hosts[i].what, host.reason);
		if (hosts[i].reason && !strstr(host.reason, hosts[i].reason))
			fail_msg("%s: '%s'", hosts[i].what, host.reason);
		assert_int_equal(!host.reason[0], !host.fix[0]);
		assert_int_equal(host.format, hosts[i].format);
		assert_int_equal(host.mask, hosts[i].mask);
	}
}

/* Both have their parameters then, whatever the CPU is. */
static void of_two_built_in_modules_one_counts(void **state)
{
	static const struct {
		const char *kind, *npt, *ept, *reason;
		enum spte_format format;
	} cases[] = {
		{"svm", "1", "Y", "", SPTE_NPT},
		{"svm", "0", "Y", "kvm_amd.npt=0", SPTE_NPT},
		{"vmx", "0", "Y", "", SPTE_EPT},
		{"vmx", "1", "N", "kvm_intel.ept=N", SPTE_EPT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct file files[FILES_MAX] = {{AMD, cases[i].npt},
						      {INTEL, cases[i].ept},
						      {EPTAD, "Y"},
						      {TDP_MMU, "Y"},
						      {ENABLED, "0x0007"}};
		struct mglru_host host;

		look(files, cases[i].kind, &host);
		assert_int_equal(host.format, cases[i].format);
		assert_int_equal(!host.reason[0], !cases[i].reason[0]);
		assert_non_null(strstr(host.reason, cases[i].reason));
	}
}

static void several_reasons_are_all_told(void **state)
{
	struct mglru_host host = {.release = "test"};
	char root[] = "sys-XXXXXX";
	int fd;

	(void)state;
	assert_non_null(mkdtemp(root));
	fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mglru_host_look(&host, fd, "none");
	close(fd);
	delete_tree(root);
	assert_non_null(strstr(host.reason, "neither kvm_amd"));
	assert_non_null(strstr(host.reason, "TDP MMU"));
	assert_non_null(strstr(host.reason, "no MGLRU"));
	assert_non_null(strstr(host.fix, "CONFIG_LRU_GEN"));
}

static void versions_before_6_12_are_old(void **state)
{
	static const struct {
		const char *release;
		bool is_old;
	} cases[] = {
		{"6.1.0-56-cloud-amd64", true},
		{"5.15.0", true},
		{"6.11.11", true},
		{"6.12.117+deb12-cloud-amd64", false},
		{"6.18.44", false},
		{"7.2.13+deb14-cloud-amd64", false},
		{"10.0", false},
		{"", false},
		{"custom", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(mglru_is_old(cases[i].release),
				 cases[i].is_old);
}

static void a_period_has_room_for_two_passes(void **state)
{
	struct status st = {""};

	(void)state;
	assert_int_equal(mglru_period_check(1000, 500, &st), 0);
	assert_int_equal(mglru_period_check(1001, 500, &st), 0);
	assert_int_equal(mglru_period_check(UINT64_MAX, 1, &st), 0);
	assert_int_equal(mglru_period_check(1000000, 0, &st), 0);
	assert_int_equal(mglru_period_check(3000000000, 1500000001, &st),
			 -EINVAL);
	assert_non_null(strstr(st.message, "--epoch 3"));
	assert_int_equal(mglru_period_check(0, 1, &st), -EINVAL);
}

/* Folders PID-FD of this process and of none stand for VMs. */
static void vms_of_the_cgroup_are_counted(void **state)
{
	static const char text[] = "memcg     1 /\n"
				   " node     0\n"
				   "          0       1000          0     0 \n"
				   "          1       1000          1     0 \n";
	char root[] = "debug-XXXXXX", path[64];
	struct status st = {""};
	int fd;

	(void)state;
	assert_non_null(mkdtemp(root));
	fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mglru_count_vms(fd, text, "/", &st), -ENOENT);
	snprintf(path, sizeof(path), "%s/kvm", root);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(mglru_count_vms(fd, text, "/", &st), 0);
	snprintf(path, sizeof(path), "%s/kvm/%d-12", root, getpid());
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/kvm/2147483647-3", root);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(mglru_count_vms(fd, text, "/", &st), 1);
	snprintf(path, sizeof(path), "%s/kvm/%d-13", root, getpid());
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(mglru_count_vms(fd, text, "/", &st), 2);
	assert_int_equal(mglru_count_vms(fd, text, "/other", &st), 0);
	close(fd);
	delete_tree(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_lack_has_its_reason_and_fix),
		cmocka_unit_test(of_two_built_in_modules_one_counts),
		cmocka_unit_test(several_reasons_are_all_told),
		cmocka_unit_test(versions_before_6_12_are_old),
		cmocka_unit_test(a_period_has_room_for_two_passes),
		cmocka_unit_test(vms_of_the_cgroup_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
