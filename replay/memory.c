/* SPDX-License-Identifier: MIT */
/* How the host manages memory; see memory.h. */
#include "replay/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "models/mglru.h"

enum {
	TEXT = 256
};

static const char *const swap_names[] = {"zram", "ssd", NULL};

const struct param_spec memory_params[] = {
	{"swappiness", PARAM_UINT, offsetof(struct memory, swappiness),
	 DEF_SWAPPINESS, 0, SWAPPINESS_ANON_ONLY, NULL, "",
	 "0: files only; 1: files first; 200: anon first; 201: anon only (7.2)",
	 "vm_swappiness; get_type_to_scan(), isolate_folios() in mm/vmscan.c"},
	{"min", PARAM_UINT, offsetof(struct memory, min), 0, 0, 1e15, NULL,
	 "bytes", "memory.min of the memcg",
	 "mem_cgroup_below_min(); not against the memcg's own limit"},
	{"low", PARAM_UINT, offsetof(struct memory, low), 0, 0, 1e15, NULL,
	 "bytes", "memory.low of the memcg",
	 "mem_cgroup_below_low(), apply_proportional_protection() (7.2)"},
	{"nested", PARAM_UINT, offsetof(struct memory, nested), 0, 0, 1, NULL,
	 "", "1: limit and memory.reclaim are of the memcg's parent",
	 "mem_cgroup_unprotected(): a memcg is not protected from itself"},
	{"min_ttl", PARAM_TIME, offsetof(struct memory, min_ttl), 0, 0, 1e15,
	 NULL, "ns", "min_ttl_ms of lru_gen: how old kswapd's victims must be",
	 "lru_gen_min_ttl in mm/vmscan.c: 0; only --driver kswapd looks at it"},
	{"swap", PARAM_ENUM, offsetof(struct memory, swap), MEMORY_SWAP_ZRAM, 0,
	 0, swap_names, "",
	 "zram: synchronous; ssd: through the swap cache, with read-ahead",
	 "SWP_SYNCHRONOUS_IO in do_swap_page(); swap_vma_readahead()"},
	{"page_cluster", PARAM_UINT, offsetof(struct memory, page_cluster),
	 PAGE_CLUSTER, 0, PAGE_CLUSTER_MAX, NULL, "log2(pages)",
	 "swap=ssd: the largest window of read-ahead; above 5 as 5",
	 "vm.page-cluster; swap_setup(), SWAP_RA_ORDER_CEILING"},
	{0},
};

static int parse_swappiness(struct memory *memory, const char *text,
			    struct status *st)
{
	struct memory alone;
	int ret;
	char word[TEXT];

	if (!strcmp(text, "max")) {
		memory->swappiness = SWAPPINESS_ANON_ONLY;
		return 0;
	}
	snprintf(word, sizeof(word), "swappiness=%s", text);
	ret = param_parse(memory_params, &alone, "--swappiness", word, st);
	if (!ret) /* the rest of it is presets */
		memory->swappiness = alone.swappiness;
	return ret;
}

int memory_parse(struct memory *memory, const char *text,
		 const char *swappiness, struct status *st)
{
	char words[TEXT] = "";
	int ret;

	if (text && strlen(text) >= sizeof(words))
		return status_fail(st, EINVAL, "--memory: is too long");
	snprintf(words, sizeof(words), "%s", text ? text : "");
	for (char *c = words; *c; c++)
		*c = *c == ':' ? ',' : *c;
	ret = param_parse(memory_params, memory, "--memory", words, st);
	if (ret || !swappiness)
		return ret;
	return parse_swappiness(memory, swappiness, st);
}

struct memory memory_or_default(const struct memory *memory)
{
	struct memory preset;

	if (memory)
		return *memory;
	param_defaults(memory_params, &preset);
	return preset;
}

int memory_check(const struct memory *memory,
		 const struct mglru_version *version, struct status *st)
{
	if (memory->swap != MEMORY_SWAP_SSD &&
	    memory->page_cluster != PAGE_CLUSTER)
		return status_fail(st, EINVAL,
				   "--memory: page_cluster needs swap=ssd: "
				   "zram is not read ahead");
	if (memory->swappiness <= MAX_SWAPPINESS ||
	    version->has_swappiness_anon_only)
		return 0;
	return status_fail(st, EINVAL, "Linux %s has no swappiness beyond %d",
			   version->name, MAX_SWAPPINESS);
}
