/* SPDX-License-Identifier: MIT */
/* Hosts on which times mean nothing are recognised by what the kernel and CPUID say. */
#include "capture/calibrate/citable.h"

#include <errno.h>
#include <string.h>

#include "base/test.h"
#include "capture/host/test_tree.h"

#define MODEL "model name\t: A\tCPU\n"

static const struct test_file amd[] = {
	{"proc/sys/kernel/osrelease", "6.12.1\n"},
	{"proc/cpuinfo", MODEL},
	{"sys/class/misc/kvm/dev", "10:232\n"},
	{"sys/module/kvm_amd/initstate", "live\n"},
	{NULL, NULL},
};

static const struct test_file pvm[] = {
	{"proc/cpuinfo", MODEL},
	{"sys/class/misc/kvm/dev", "10:232\n"},
	{"sys/module/kvm_pvm/initstate", "live\n"},
	{NULL, NULL},
};

static void expect(const struct test_file *files, const char *hypervisor,
		   const char *reason)
{
	struct status st = {""};
	char name[TEST_TREE_NAME];
	int root = test_tree_make(files, name);

	assert_int_equal(citable_check(root, hypervisor, &st),
			 reason ? -ENOTSUP : 0);
	if (reason && !strstr(st.message, reason))
		fail_msg("'%s' has no '%s'", st.message, reason);
	test_tree_remove(root, name);
}

static void emulated_hosts_are_refused(void **state)
{
	(void)state;
	expect(amd, "", NULL);
	expect(amd, "KVMKVMKVM", NULL);
	expect(amd, "TCGTCGTCGTCG", "QEMU TCG");
}

static void the_pvm_kind_is_refused(void **state)
{
	(void)state;
	expect(pvm, "", "kvm_pvm");
	expect(pvm, "KVMKVMKVM", "kvm_pvm");
}

static void hosts_are_described_without_their_name(void **state)
{
	char text[HOST_TEXT], name[TEST_TREE_NAME];
	int root = test_tree_make(amd, name);

	(void)state;
	citable_host(root, "KVMKVMKVM", text);
	assert_non_null(strstr(text, "Linux 6.12.1, A?CPU, KVM svm"));
	assert_non_null(strstr(text, "in a VM of KVMKVMKVM"));
	citable_host(root, "", text);
	assert_non_null(strstr(text, ", bare"));
	test_tree_remove(root, name);
}

static void cpuid_names_this_hypervisor_or_none(void **state)
{
	char name[HYPERVISOR_TEXT];

	(void)state;
	hypervisor_name(name);
	assert_true(strlen(name) < HYPERVISOR_TEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(emulated_hosts_are_refused),
		cmocka_unit_test(the_pvm_kind_is_refused),
		cmocka_unit_test(hosts_are_described_without_their_name),
		cmocka_unit_test(cpuid_names_this_hypervisor_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
