/* SPDX-License-Identifier: MIT */
/* What the host does to the guest's memory; SCENARIO.md says which file of the kernel
 * each step writes. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/live/refusal.h"
#include "capture/live/run.h"

enum {
	NUMBER_TEXT = 32
};

int live_settle_lists(const struct live_run *run, struct status *st)
{
	live_vm_settle(&run->vm);
	if (pwrite(run->drop_caches, "1", 1, 0) == 1)
		return 0;
	return refuse_host(st, errno, "drop_caches: %s", strerror(errno));
}

int live_generations(const struct live_run *run, struct lru_gen_memcg *memcg,
		     struct status *st)
{
	char *text;
	int ret = lru_gen_read(run->lru_gen, &text, st);

	if (!ret)
		ret = lru_gen_find(text, run->cgroup.path, memcg, st);
	free(text);
	return host_error(ret);
}

/* A command for lru_gen.  Having too many generations for it is no error. */
struct command {
	struct live_run *run;
	char text[LRU_GEN_COMMAND_MAX];
};

static int write_command(void *arg, struct status *st)
{
	const struct command *command = arg;
	int ret = lru_gen_write(command->run->lru_gen, command->text, st);

	return ret == -ERANGE ? 0 : host_error(ret);
}

int live_age(struct live_run *run, const struct scenario_step *step,
	     struct status *st)
{
	struct command command = {.run = run};
	struct lru_gen_memcg before, after;
	int ret = live_generations(run, &before, st);

	for (size_t i = 0; !ret && i < before.nr_nodes; i++) {
		lru_gen_age_command(command.text, before.id, &before.nodes[i],
				    step->is_forced);
		ret = live_host_work(run, write_command, &command,
				     step->is_frozen, st);
	}
	if (!ret)
		ret = live_generations(run, &after, st);
	if (ret)
		return ret;
	run->outcome->passes = lru_gen_has_advanced(&before, &after);
	return 0;
}

struct request {
	struct live_run *run;
	uint64_t pages;
};

static int request_reclaim(void *arg, struct status *st)
{
	const struct request *request = arg;
	char text[NUMBER_TEXT];
	int ret;

	snprintf(text, sizeof(text), "%" PRIu64,
		 request->pages * TRACE_PAGE_BYTES);
	ret = live_cgroup_write(&request->run->cgroup, "memory.reclaim", text,
				st);
	if (ret == -EAGAIN) {
		request->run->short_requests++;
		return 0;
	}
	return ret;
}

int live_reclaim(struct live_run *run, const struct scenario_step *step,
		 struct status *st)
{
	uint64_t nr = scenario_requests(step);
	int ret = 0;

	for (uint64_t i = 0; i < nr && !ret; i++) {
		struct request request = {
			.run = run,
			.pages = scenario_request_pages(step, i),
		};

		if (i && !step->is_frozen)
			ret = live_play_epochs(run, 1, st);
		if (!ret)
			ret = live_host_work(run, request_reclaim, &request,
					     step->is_frozen, st);
		if (!ret)
			ret = live_interrupted(run, st);
		run->outcome->requests++;
	}
	return ret;
}

int live_evict_gen(struct live_run *run, const struct scenario_step *step,
		   struct status *st)
{
	struct command command = {.run = run};
	struct lru_gen_memcg memcg;
	int ret = live_generations(run, &memcg, st);

	for (size_t i = 0; !ret && i < memcg.nr_nodes; i++) {
		const struct lru_gen_node *node = &memcg.nodes[i];

		if (node->max_seq < node->min_seq + step->count)
			continue;
		lru_gen_evict_command(command.text, memcg.id, node->node,
				      node->max_seq - step->count);
		ret = live_host_work(run, write_command, &command,
				     step->is_frozen, st);
	}
	return ret;
}

/* Bytes charged besides the guest's pages.  Not memory.current: it includes what
 * CPUs have taken in advance (mm/memcontrol.c, struct memcg_stock_pcp). */
static int count_others(struct live_run *run, uint64_t *bytes,
			struct status *st)
{
	static const char *const keys[] = {"anon", "file", "kernel"};
	struct memory_stat stat;
	uint64_t present;
	int ret = live_memory_stat(run, &stat, st);

	if (!ret)
		ret = live_count_present(run, &present, st);
	if (ret)
		return ret;
	*bytes = 0;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		uint64_t value = memory_stat_value(&stat, keys[i]);

		*bytes += value == UINT64_MAX ? 0 : value;
	}
	present *= TRACE_PAGE_BYTES;
	*bytes -= present < *bytes ? present : *bytes;
	return 0;
}

struct limit {
	struct live_run *run;
	char text[NUMBER_TEXT];
};

static int write_limit(void *arg, struct status *st)
{
	const struct limit *limit = arg;

	return live_cgroup_write(&limit->run->cgroup, "memory.max", limit->text,
				 st);
}

int live_limit(struct live_run *run, const struct scenario_step *step,
	       struct status *st)
{
	uint64_t pages =
		scenario_limit_pages(step, run->config.playback->nr_pages);
	struct limit limit = {.run = run, .text = "max"};
	uint64_t others;
	int ret;

	if (pages != SCENARIO_NO_LIMIT) {
		ret = count_others(run, &others, st);
		if (ret)
			return ret;
		snprintf(limit.text, sizeof(limit.text), "%" PRIu64,
			 pages * TRACE_PAGE_BYTES + others);
	}
	return live_host_work(run, write_limit, &limit, step->is_frozen, st);
}
