/* SPDX-License-Identifier: MIT */
/*
 * Fingerprints of small trees: an Intel host with PML, an AMD host, a machine with
 * the PVM kind of KVM, an empty one; and of this machine.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/test.h"
#include "capture/host/fingerprint.h"
#include "capture/host/test_tree.h"

#define KVM "sys/module/kvm/parameters/"
#define THP "sys/kernel/mm/transparent_hugepage/"

/* Debian 12 on a two-socket Xeon: kvm_intel is a module. */
static const struct test_file intel[] = {
	{"proc/sys/kernel/osrelease", "6.12.9-amd64\n"},
	{"proc/sys/kernel/version", "#1 SMP PREEMPT_DYNAMIC Debian 6.12.9-1\n"},
	{"proc/sys/kernel/arch", "x86_64\n"},
	{"proc/sys/kernel/hostname", "SECRET\n"},
	{"proc/sys/kernel/numa_balancing", "1\n"},
	{"proc/sys/vm/swappiness", "60\n"},
	{"proc/cpuinfo", "processor\t: 0\n"
			 "vendor_id\t: GenuineIntel\n"
			 "cpu family\t: 6\n"
			 "model\t\t: 106\n"
			 "model name\t: Intel(R) Xeon(R) Gold 6330\n"
			 "stepping\t: 6\n"
			 "microcode\t: 0xd0003f6\n"
			 "flags\t\t: fpu vme vmx ept\n"
			 "vmx flags\t: vnmi ept_ad pml\n\n"
			 "processor\t: 1\n"
			 "stepping\t: 7\n"},
	{"proc/meminfo", "MemTotal:       263831044 kB\nMemFree: 1 kB\n"},
	{"proc/swaps", "Filename\t\tType\t\tSize\tUsed\tPriority\n"
		       "/home/SECRET/swap file\t\n"
		       "/home/SECRET/swap  file\t\t1048572\t0\t-2\n"
		       "/dev/zram0  partition\t4194300\t12\t100\n"},
	{"sys/devices/system/cpu/online", "0-111\n"},
	{"sys/devices/system/node/online", "0-1\n"},
	{"sys/class/misc/kvm/dev", "10:232\n"},
	{"sys/module/kvm_intel/initstate", "live\n"},
	{"sys/module/kvm_intel/parameters/ept", "Y\n"},
	{"sys/module/kvm_intel/parameters/eptad", "Y\n"},
	{"sys/module/kvm_intel/parameters/pml", "Y\n"},
	{"sys/module/kvm_intel/parameters/nested", "Y\n"},
	{KVM "tdp_mmu", "Y\n"},
	{KVM "eager_page_split", "Y\n"},
	{KVM "nx_huge_pages", "N\n"},
	{THP "enabled", "[always] madvise never\n"},
	{THP "defrag", "always defer defer+madvise [madvise] never\n"},
	{THP "hugepages-2048kB/enabled", "always [inherit] madvise never\n"},
	{THP "khugepaged/defrag", "1\n"},
	{THP "khugepaged/pages_to_scan", "4096\n"},
	{"sys/kernel/mm/lru_gen/enabled", "0x0007\n"},
	{"sys/kernel/mm/lru_gen/min_ttl_ms", "0\n"},
	{"sys/kernel/mm/ksm/run", "1\n"},
	{"sys/module/zswap/parameters/enabled", "N\n"},
	{"sys/module/zswap/parameters/compressor", "zstd\n"},
	{"sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n"},
	{"sys/class/dmi/id/sys_vendor", "Dell Inc.\n"},
	{"sys/class/dmi/id/product_name", "PowerEdge R750\n"},
	{"sys/class/dmi/id/product_serial", "SECRET\n"},
	{NULL, NULL},
};

/* Both vendors' KVM built in, as on some distributions; 5.15 has no kernel/arch. */
static const struct test_file amd[] = {
	{"proc/sys/kernel/osrelease", "5.15.0\n"},
	{"proc/cpuinfo", "processor\t: 0\nvendor_id\t: AuthenticAMD\n"
			 "cpu family\t: 25\nflags\t\t: fpu svm hypervisor\n"},
	{"sys/class/misc/kvm/dev", "10:232\n"},
	{"sys/module/kvm_intel/parameters/ept", "Y\n"},
	{"sys/module/kvm_intel/parameters/pml", "Y\n"},
	{"sys/module/kvm_amd/parameters/npt", "Y\n"},
	{"sys/module/kvm_amd/parameters/nested", "1\n"},
	{KVM "tdp_mmu", "N\n"},
	{THP "enabled", "always madvise [never]\n"},
	{"sys/fs/cgroup/memory/memory.usage_in_bytes", "1\n"},
	{"sys/fs/cgroup/unified/cgroup.controllers", "\n"},
	{"proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n"},
	{NULL, NULL},
};

/* What the developers' machine shows. */
static const struct test_file pvm[] = {
	{"proc/cpuinfo", "processor\t: 0\nvendor_id\t: AuthenticAMD\n"
			 "flags\t\t: fpu hypervisor svme xsvm\n"},
	{"sys/class/misc/kvm/dev", "10:232\n"},
	{"sys/module/kvm_pvm/parameters/pvm_native", "Y\n"},
	{KVM "tdp_mmu", "N\n"},
	{"sys/fs/cgroup/cgroup.controllers", "cpu\n"},
	{THP "enabled", "always [madvise] never\n"},
	{THP "hugepages-2048kB/enabled", "always inherit madvise [never]\n"},
	{NULL, NULL},
};

static const struct test_file empty[] = {{NULL, NULL}};

static json_t *take_of(const struct test_file *files)
{
	struct status st = {""};
	char name[TEST_TREE_NAME];
	int root = test_tree_make(files, name);
	json_t *found = fingerprint_take(root, &st);

	test_tree_remove(root, name);
	assert_non_null(found);
	return found;
}

static const json_t *at(const json_t *value, const char *place)
{
	char path[128];
	char *rest = path;
	const char *part;

	snprintf(path, sizeof(path), "%s", place);
	while ((part = strsep(&rest, ".")))
		value = json_object_get(value, part);
	assert_non_null(value);
	return value;
}

struct expected {
	const char *place;
	const char *json;
};

static void expect(const json_t *found, const struct expected *expected)
{
	for (; expected->place; expected++) {
		char *text = json_dumps(at(found, expected->place),
					JSON_ENCODE_ANY | JSON_COMPACT);

		if (strcmp(text, expected->json))
			fail_msg("%s is %s instead of %s", expected->place,
				 text, expected->json);
		free(text);
	}
}

static const struct expected of_intel[] = {
	{"kernel.release", "\"6.12.9-amd64\""},
	{"kernel.version", "\"#1 SMP PREEMPT_DYNAMIC Debian 6.12.9-1\""},
	{"kernel.arch", "\"x86_64\""},
	{"cpu.vendor", "\"GenuineIntel\""},
	{"cpu.family", "6"},
	{"cpu.model", "106"},
	{"cpu.model_name", "\"Intel(R) Xeon(R) Gold 6330\""},
	{"cpu.stepping", "6"},
	{"cpu.microcode", "\"0xd0003f6\""},
	{"cpu.has_vmx", "true"},
	{"cpu.has_svm", "false"},
	{"cpu.online", "\"0-111\""},
	{"numa", "{\"nodes\":\"0-1\",\"balancing\":1}"},
	{"memory.total", "270162989056"},
	{"kvm.kind", "\"vmx\""},
	{"kvm.paging", "\"EPT\""},
	{"kvm.dirty_mechanism", "\"PML\""},
	{"kvm.accessed_mechanism", "\"EPT A/D\""},
	{"kvm.tdp_mmu", "true"},
	{"kvm.modules.kvm_intel", "\"live\""},
	{"kvm.modules.kvm_amd", "null"},
	{"kvm.parameters.intel", "{\"ept\":true,\"eptad\":true,"
				 "\"pml\":true,\"nested\":true}"},
	{"kvm.parameters.amd", "{\"npt\":null,\"nested\":null}"},
	{"kvm.parameters.eager_page_split", "true"},
	{"kvm.parameters.nx_huge_pages", "false"},
	{"thp.enabled", "\"always\""},
	{"thp.defrag", "\"madvise\""},
	{"thp.khugepaged", "true"},
	{"thp.khugepaged_defrag", "true"},
	{"thp.khugepaged_pages_to_scan", "4096"},
	{"thp.shmem_enabled", "null"},
	{"mglru", "{\"enabled\":7,\"min_ttl_ms\":0}"},
	{"ksm.run", "1"},
	{"swap.swappiness", "60"},
	{"swap.zswap", "{\"enabled\":false,\"compressor\":\"zstd\"}"},
	{"swap.devices", "[{\"kind\":\"file\",\"size\":1073737728},"
			 "{\"kind\":\"zram\",\"size\":4294963200}]"},
	{"cgroup.version", "2"},
	{"virtual", "{\"hypervisor\":false,\"vendor\":\"Dell Inc.\","
		    "\"product\":\"PowerEdge R750\"}"},
	{NULL, NULL},
};

static void intel_host_with_pml(void **state)
{
	json_t *found = take_of(intel);
	char *text = json_dumps(found, 0);

	(void)state;
	expect(found, of_intel);
	assert_null(strstr(text, "SECRET"));
	free(text);
	json_decref(found);
}

static void amd_host_with_both_modules_built_in(void **state)
{
	static const struct expected expected[] = {
		{"kernel.arch", "null"},
		{"cpu.model", "null"},
		{"kvm.kind", "\"svm\""},
		{"kvm.paging", "\"NPT\""},
		{"kvm.dirty_mechanism", "\"write protection\""},
		{"kvm.accessed_mechanism", "\"NPT A/D\""},
		{"kvm.tdp_mmu", "false"},
		{"kvm.modules.kvm_intel", "\"built-in\""},
		{"kvm.parameters.amd", "{\"npt\":true,\"nested\":true}"},
		{"thp.khugepaged", "false"},
		{"mglru", "{\"enabled\":null,\"min_ttl_ms\":null}"},
		{"swap.devices", "[]"},
		{"cgroup.version", "1"},
		{"virtual.hypervisor", "true"},
		{NULL, NULL},
	};
	json_t *found = take_of(amd);

	(void)state;
	expect(found, expected);
	json_decref(found);
}

static void pvm_machine(void **state)
{
	static const struct expected expected[] = {
		{"cpu.has_svm", "false"},
		{"kvm.kind", "\"pvm\""},
		{"kvm.paging", "\"shadow\""},
		{"kvm.dirty_mechanism", "\"write protection\""},
		{"kvm.accessed_mechanism", "null"},
		{"kvm.tdp_mmu", "false"},
		{"thp.khugepaged", "null"},
		{"cgroup.version", "null"},
		{NULL, NULL},
	};
	json_t *found = take_of(pvm);

	(void)state;
	expect(found, expected);
	json_decref(found);
}

static void count_values(json_t *value, size_t *nulls, size_t *others)
{
	const char *key;
	json_t *inner;

	json_object_foreach(value, key, inner)
	{
		if (json_is_object(inner))
			count_values(inner, nulls, others);
		else
			++*(json_is_null(inner) ? nulls : others);
	}
}

static void what_is_missing_is_null(void **state)
{
	json_t *found = take_of(empty);
	size_t nulls = 0, others = 0;

	(void)state;
	count_values(found, &nulls, &others);
	assert_int_equal(others, 1); /* the kind */
	assert_true(nulls > 40);
	assert_string_equal(json_string_value(at(found, "kvm.kind")),
			    "unknown");
	json_decref(found);
}

static void nonsense_is_null(void **state)
{
	static const struct test_file files[] = {
		{"sys/kernel/mm/ksm/run", "1x\n"},
		{"sys/kernel/mm/lru_gen/enabled", "-1\n"},
		{"sys/kernel/mm/lru_gen/min_ttl_ms", "\n"},
		{"proc/meminfo", "MemTotal: 99999999999999999 kB\n"},
		{"proc/sys/kernel/osrelease", ""},
		{"sys/module/kvm_intel/parameters/pml", "maybe\n"},
		{THP "enabled", "always [madvise\n"},
		{"sys/class/misc/fuse/dev", "10:229\n"},
		{NULL, NULL},
	};
	static const struct expected expected[] = {
		{"ksm.run", "null"},
		{"mglru", "{\"enabled\":null,\"min_ttl_ms\":null}"},
		{"memory.total", "null"},
		{"kernel.release", "null"},
		{"kvm.parameters.intel.pml", "null"},
		{"thp.enabled", "null"},
		{"kvm.device", "false"},
		{"kvm.kind", "\"none\""},
		{"kvm.dirty_mechanism", "\"none\""},
		{"kvm.accessed_mechanism", "\"none\""},
		{"kvm.tdp_mmu", "null"},
		{NULL, NULL},
	};
	json_t *found = take_of(files);

	(void)state;
	expect(found, expected);
	json_decref(found);
}

/* @text is JSON with ' for ". */
static json_t *from_quoted(const char *text)
{
	char json[512];
	json_t *value;

	snprintf(json, sizeof(json), "%s", text);
	for (char *quote = json; (quote = strchr(quote, '\''));)
		*quote = '"';
	value = json_loads(json, 0, NULL);
	assert_non_null(value);
	return value;
}

/* kind, dirty and accessed mechanism, tdp_mmu of what a table row says. */
static void kvm_rules(void **state)
{
	static const struct {
		const char *cpu, *kvm, *kind, *dirty, *accessed, *tdp_mmu;
	} rows[] = {
		{"{'has_vmx': true}",
		 "{'modules': {'kvm_intel': 'built-in'}, 'parameters':"
		 " {'tdp_mmu': true, 'intel':"
		 " {'ept': true, 'eptad': false, 'pml': false}}}",
		 "\"vmx\"", "\"write protection\"", "\"access tracking\"",
		 "true"},
		{"{'has_vmx': true}",
		 "{'modules': {'kvm_intel': 'live'}, 'parameters':"
		 " {'tdp_mmu': true, 'intel':"
		 " {'ept': false, 'eptad': false, 'pml': false}}}",
		 "\"vmx\"", "\"write protection\"", "\"shadow page table A/D\"",
		 "false"},
		{"{'has_vmx': true}", "{'modules': {'kvm_intel': 'live'}}",
		 "\"vmx\"", "null", "null", "null"},
		{"{'has_svm': true}",
		 "{'modules': {'kvm_amd': 'live', 'kvm_intel': 'built-in'},"
		 " 'parameters': {'tdp_mmu': true, 'amd': {'npt': false}}}",
		 "\"svm\"", "\"write protection\"", "\"shadow page table A/D\"",
		 "false"},
		{"{'has_svm': true}",
		 "{'modules': {'kvm_amd': 'built-in', 'kvm_pvm': 'built-in'},"
		 " 'parameters': {'tdp_mmu': true, 'amd': {'npt': true}}}",
		 "\"unknown\"", "null", "null", "null"},
		{"{}", "{'modules': {'kvm_intel': 'built-in'}}", "\"unknown\"",
		 "null", "null", "null"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct expected expected[] = {
			{"kvm.kind", rows[i].kind},
			{"kvm.dirty_mechanism", rows[i].dirty},
			{"kvm.accessed_mechanism", rows[i].accessed},
			{"kvm.tdp_mmu", rows[i].tdp_mmu},
			{NULL, NULL},
		};
		json_t *found = json_object();
		json_t *kvm;

		json_object_set_new(found, "cpu", from_quoted(rows[i].cpu));
		kvm = from_quoted(rows[i].kvm);
		json_object_set_new(kvm, "device", json_true());
		json_object_set_new(found, "kvm", kvm);
		assert_int_equal(fingerprint_kvm(found, NULL), 0);
		expect(found, expected);
		json_decref(found);
	}
}

static void this_machine_agrees_with_uname(void **state)
{
	struct utsname names;
	struct status st = {""};
	int root = open("/", O_RDONLY | O_DIRECTORY);
	json_t *found = fingerprint_take(root, &st);

	(void)state;
	close(root);
	assert_non_null(found);
	assert_int_equal(uname(&names), 0);
	assert_string_equal(json_string_value(at(found, "kernel.release")),
			    names.release);
	assert_string_equal(json_string_value(at(found, "kernel.version")),
			    names.version);
	assert_true(json_integer_value(at(found, "memory.total")) >=
		    sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
	json_decref(found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intel_host_with_pml),
		cmocka_unit_test(amd_host_with_both_modules_built_in),
		cmocka_unit_test(pvm_machine),
		cmocka_unit_test(what_is_missing_is_null),
		cmocka_unit_test(nonsense_is_null),
		cmocka_unit_test(kvm_rules),
		cmocka_unit_test(this_machine_agrees_with_uname),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
