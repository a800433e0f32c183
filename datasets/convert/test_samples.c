/* SPDX-License-Identifier: MIT */
/* Valid files, by hand; see test_samples.h. */
#include "datasets/convert/test_samples.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/convert/oracle_general.h"

static void save(const char *path, const void *data, size_t bytes)
{
	FILE *file = fopen(path, "wb");

	if (!file || fwrite(data, 1, bytes, file) != bytes || fclose(file)) {
		perror(path);
		abort();
	}
}

static void save_text(const char *path, const char *text)
{
	save(path, text, strlen(text));
}

static void save_beside(const char *folder, const char *name, const void *data,
			size_t bytes)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	save(path, data, bytes);
}

static void make_csv(const char *folder, const char *path)
{
	(void)folder;
	save_text(path, "time_ns,gfn,kind,extra\r\n"
			"10,0x20,read,a\n"
			"10,33,\"write\",b\n");
}

static void make_damo(const char *folder, const char *path)
{
	(void)folder;
	save_text(path, "[{\"intervals\": {\"sample_us\": \"5000\", "
			"\"aggr_us\": \"100,000\"}, "
			"\"target_id\": 18446623438842320000,\n"
			"\"snapshots\": [{\"start_time\": \"1,000\", "
			"\"end_time\": 2000, \"regions\": [\n"
			"{\"start\": \"4096\", \"end\": \"12288\", "
			"\"nr_accesses\": {\"samples\": \"7\"}},\n"
			"{\"start\": \"12288\", \"end\": \"16384\", "
			"\"nr_accesses\": {\"samples\": null, "
			"\"percent\": 100}}]}]}]\n");
}

static void make_dirty_log(const char *folder, const char *path)
{
	static const uint64_t small = UINT64_C(1) << 3;
	static const uint64_t large[2] = {UINT64_C(3) << 62, 1};

	save_beside(folder, "small", &small, sizeof(small));
	save_beside(folder, "large", large, sizeof(large));
	save_text(path, "# two slots\nslot 7 0x100 65\nslot 2 0 4\n"
			"epoch 0 1000\nbitmap 7 large\nbitmap 2 small\n"
			"epoch 1000 2000\n");
}

static void make_lackey(const char *folder, const char *path)
{
	(void)folder;
	save_text(path, "==12== Lackey, an example Valgrind tool\n"
			"I  00401ffe,4\n S 1ffeffffff,1\n L 1ffeffff00,8\n"
			" M 00002ff8,16\n==12== \n");
}

static void make_oracle_general(const char *folder, const char *path)
{
	static const struct oracle_general requests[] = {
		{1, 5, 4096, 2}, {1, 6, 100, -1}, {2, 5, 4096, -1}};

	(void)folder;
	save(path, requests, sizeof(requests));
}

#define PRESENT (UINT64_C(1) << 63)

/* Frame 64 was accessed, 65 was not, 66 could not be marked; a page has no frame. */
static void make_page_idle(const char *folder, const char *path)
{
	static const uint64_t pagemap[] = {PRESENT | 65, 0, PRESENT | 64,
					   PRESENT | 66};
	static const uint64_t marked[] = {0, 3}, idle[] = {0, 2};

	save_beside(folder, "pagemap", pagemap, sizeof(pagemap));
	save_beside(folder, "marked", marked, sizeof(marked));
	save_beside(folder, "idle", idle, sizeof(idle));
	save_text(path, "slot 0x200 4 pagemap\nepoch 5 10\nmarked marked\n"
			"idle idle\n");
}

static void make_perf_script(const char *folder, const char *path)
{
	(void)folder;
	save_text(path,
		  "  CPU 0/KVM 77 [001] 5.000000001: kvm:kvm_page_fault: vcpu "
		  "0 rip 0x1 address 0x3000 error_code 0x7\n"
		  "  CPU 1/KVM 78 5.000000002: kvm:kvm_entry: vcpu 1\n"
		  "\n"
		  "  CPU 1/KVM 78 5.000000102: kvm:kvm_page_fault: "
		  "address 4000 error_code 4\n"
		  "  perf 9 5.000000103: PERF_RECORD_LOST lost 3\n");
}

const struct sample samples[] = {
	{"csv", make_csv,
	 "event 10 20 1 0 0 0\n"
	 "event 10 21 1 0 1 0\n",
	 false},
	{"damo", make_damo,
	 "epoch 0 0 1000 0 1000 3 1 0 20\n"
	 "run 1 2 4 7\n"
	 "run 3 1 4 20\n",
	 false},
	{"dirty-log", make_dirty_log,
	 "epoch 0 0 1000 1000 1000 4 2 0 0\n"
	 "run 3 1 8 0\n"
	 "run 13e 3 8 0\n"
	 "epoch 1 1000 2000 2000 2000 0 2 0 0\n",
	 false},
	{"lackey", make_lackey,
	 "event 1 401 1 0 2 0\n"
	 "event 1 402 1 0 2 0\n"
	 "event 1 1ffefff 2 0 1 0\n"
	 "event 1 2 1 0 1 0\n"
	 "event 1 3 1 0 1 0\n",
	 false},
	{"oracleGeneral", make_oracle_general,
	 "event 1000000000 5 1 0 0 0\n"
	 "event 1000000000 6 1 0 0 0\n"
	 "event 2000000000 5 1 0 0 0\n",
	 false},
	{"page-idle", make_page_idle,
	 "epoch 0 5 10 10 10 1 1 0 0\n"
	 "run 202 1 4 0\n",
	 false},
	{"perf-data", NULL, NULL, true},
	{"perf-script", make_perf_script,
	 "event 0 3 1 0 1 0\n"
	 "event 101 4 1 1 0 0\n"
	 "event 102 0 3 0 8 0\n",
	 false},
	{"trace-dat", NULL, NULL, true},
};

const size_t nr_samples = sizeof(samples) / sizeof(samples[0]);

const struct sample *sample_of(const char *format)
{
	for (size_t i = 0; i < nr_samples; i++)
		if (!strcmp(samples[i].format, format))
			return &samples[i];
	return NULL;
}
