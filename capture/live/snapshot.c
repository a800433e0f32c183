/* SPDX-License-Identifier: MIT */
/*
 * Counters written down.  The kernel adds up what CPUs counted for a cgroup only when
 * it is much, or every two seconds (mm/memcontrol.c, FLUSH_TIME).  Reading cpu.stat
 * made it do so at once until the subsystems got a tree each (Linux 6.16,
 * kernel/cgroup/rstat.c); since then we wait.  The work is deferrable
 * (stats_flush_dwork): a CPU that sleeps does not wake up for it, so we wake it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture/live/kvm_stats.h"
#include "capture/live/refusal.h"
#include "capture/live/run.h"
#include "capture/tracing/hostfs.h"

enum {
	STAT_TEXT = 16384,
	NAP_NS = 50000000,
};

static void settle(uint64_t ns)
{
	for (uint64_t slept = 0; slept < ns; slept += NAP_NS) {
		struct timespec left = {.tv_nsec = NAP_NS};

		while (nanosleep(&left, &left) && errno == EINTR)
			;
	}
}

int live_memory_stat(const struct live_run *run, struct memory_stat *stat,
		     struct status *st)
{
	char text[STAT_TEXT];
	int ret;

	live_cgroup_read(&run->cgroup, "cpu.stat", text, sizeof(text), NULL);
	settle(run->settle_ns);
	ret = live_cgroup_read(&run->cgroup, "memory.stat", text, sizeof(text),
			       st);
	return ret ? host_error(ret) : memory_stat_parse(stat, text, st);
}

/* What the whole host has swapped: kernels before 6.13 do not count it per cgroup. */
enum {
	HOST_SWAP_IN,
	HOST_SWAP_OUT,
	HOST_SWAPS
};

static const struct {
	const char *name, *key;
} host_swaps[HOST_SWAPS] = {
	[HOST_SWAP_IN] = {"host_pswpin", "\npswpin "},
	[HOST_SWAP_OUT] = {"host_pswpout", "\npswpout "},
};

/* UINT64_MAX: not known. */
static void read_host_swaps(uint64_t counts[HOST_SWAPS])
{
	char text[STAT_TEXT];
	int n = hostfs_read(AT_FDCWD, "/proc/vmstat", text, sizeof(text), NULL);

	for (size_t i = 0; i < HOST_SWAPS; i++) {
		const char *at = n < 0 ? NULL : strstr(text, host_swaps[i].key);

		counts[i] =
			at ? strtoull(at + strlen(host_swaps[i].key), NULL, 10)
			   : UINT64_MAX;
	}
}

/* Add what was counted since @base, if that is known. */
static int count(struct scenario_snapshot *snapshot, const char *name,
		 uint64_t now, uint64_t base, struct status *st)
{
	uint64_t value = counted_since(now, base);

	if (value == UINT64_MAX)
		return 0;
	return scenario_snapshot_count(snapshot, name, value, st);
}

static int count_host_swaps(const struct live_run *run,
			    struct scenario_snapshot *snapshot,
			    struct status *st)
{
	uint64_t counts[HOST_SWAPS];
	int ret = 0;

	read_host_swaps(counts);
	for (size_t i = 0; i < HOST_SWAPS && !ret; i++)
		ret = count(snapshot, host_swaps[i].name, counts[i],
			    run->base_swaps[i], st);
	return ret;
}

static json_t *amounts(const struct memory_stat *stat)
{
	json_t *json = json_object();

	for (size_t i = 0; i < stat->n; i++)
		if (!memory_stat_is_event(stat->lines[i].key))
			json_object_set_new(
				json, stat->lines[i].key,
				json_integer((json_int_t)stat->lines[i].value));
	return json;
}

static void note_moment(struct live_run *run, const char *name,
			const struct memory_stat *stat)
{
	json_t *moment = json_pack("{s:o}", "memory", amounts(stat));
	json_t *kvm = kvm_stats_read(run->debugfs, run->vm.pid);

	if (kvm)
		json_object_set_new(moment, "kvm", kvm);
	json_object_set_new(run->moments, name, moment);
}

static int count_events(const struct live_run *run,
			struct scenario_snapshot *snapshot,
			const struct memory_stat *stat, struct status *st)
{
	int ret = 0;

	for (size_t i = 0; i < stat->n && !ret; i++) {
		const struct memory_stat_line *line = &stat->lines[i];

		if (memory_stat_is_event(line->key))
			ret = count(snapshot, line->key, line->value,
				    memory_stat_value(&run->base, line->key),
				    st);
	}
	for (size_t i = 0; live_counters[i].name && !ret; i++)
		ret = count(snapshot, live_counters[i].name,
			    live_counting_value(&run->counting, i),
			    run->base_counts[i], st);
	return ret;
}

/* All nodes as one: the youngest generations of each are together. */
static int note_generations(struct scenario_snapshot *snapshot,
			    const struct lru_gen_memcg *memcg,
			    struct status *st)
{
	size_t most = 0;
	int ret = 0;

	for (size_t i = 0; i < memcg->nr_nodes; i++)
		if (memcg->nodes[i].nr_generations > most)
			most = memcg->nodes[i].nr_generations;
	for (size_t back = most; back > 0 && !ret; back--) {
		struct scenario_generation sum = {0};

		for (size_t i = 0; i < memcg->nr_nodes; i++) {
			const struct lru_gen_node *node = &memcg->nodes[i];
			const struct lru_gen_generation *g;

			if (node->nr_generations < back)
				continue;
			g = &node->generations[node->nr_generations - back];
			sum.age_ms = g->age_ms > sum.age_ms ? g->age_ms
							    : sum.age_ms;
			sum.anon += g->anon;
			sum.file += g->file;
		}
		ret = scenario_snapshot_generation(snapshot, &sum, st);
	}
	return ret;
}

int live_snapshot(struct live_run *run, const struct scenario_step *step,
		  struct status *st)
{
	struct scenario_snapshot *snapshot = scenario_results_snapshot(
		run->results, step->name, run->next_epoch, st);
	struct lru_gen_memcg memcg;
	struct memory_stat stat;
	int ret;

	if (!snapshot)
		return -ENOMEM;
	ret = live_settle_lists(run, st);
	if (!ret)
		ret = live_memory_stat(run, &stat, st);
	if (!ret)
		ret = count_events(run, snapshot, &stat, st);
	if (!ret)
		ret = count_host_swaps(run, snapshot, st);
	if (!ret)
		ret = live_generations(run, &memcg, st);
	if (!ret)
		ret = note_generations(snapshot, &memcg, st);
	if (!ret)
		note_moment(run, step->name, &stat);
	return ret;
}

int live_snapshot_base(struct live_run *run, struct status *st)
{
	read_host_swaps(run->base_swaps);
	for (size_t i = 0; live_counters[i].name; i++)
		run->base_counts[i] = live_counting_value(&run->counting, i);
	return live_memory_stat(run, &run->base, st);
}
