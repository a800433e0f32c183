/* SPDX-License-Identifier: MIT */
/* Aging a cgroup and listening to KVM; see mglru_pass.h. */
#include "capture/mglru/mglru_pass.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/tracing/tracer.h"

enum {
	TRIES = 3, /* to make a generation while others make one too */
};

static int take_change(void *arg, const struct tracer_event *event,
		       struct status *st)
{
	const struct spte_change change = {event->field[0], event->field[1],
					   event->field[2], event->field[3]};
	struct mglru_pass *pass = arg;
	struct trace_run run;

	pass->ager->events++;
	if (!spte_was_aged(pass->ager->format, &change))
		return 0;
	pass->ager->aged++;
	if (!pass->recorder)
		return 0;
	run = spte_run(&change);
	return recorder_run(pass->recorder, &run, st);
}

static void *drain(void *arg)
{
	struct mglru_pass *pass = arg;
	struct pollfd fds[2] = {
		{.fd = tracer_fd(pass->ager->changes), .events = POLLIN},
		{.fd = pass->ager->over, .events = POLLIN},
	};
	uint64_t lost;

	while (pass->drained >= 0 && !fds[1].revents) {
		if (poll(fds, 2, -1) < 0 || !fds[0].revents)
			continue;
		pass->drained = tracer_drain(pass->ager->changes, take_change,
					     pass, &lost, &pass->why);
		pass->lost += lost;
	}
	return NULL;
}

static int read_memcg(struct mglru_ager *ager, struct status *st)
{
	struct lru_gen_memcg memcg;
	char *text;
	int ret = lru_gen_read(ager->lru_gen, &text, st);

	if (!ret)
		ret = lru_gen_find(text, ager->memcg.path, &memcg, st);
	free(text);
	if (!ret)
		ager->memcg = memcg;
	if (ret != -ENOENT)
		return ret;
	return status_fail(st, ENOBUFS,
			   "the cgroup %s is gone: the trace is complete up to "
			   "the epoch before",
			   ager->memcg.path);
}

/* Make one generation on the node with this index.  Who else makes one at the same
 * time takes accessed bits that we do not see; so ours is made as well. */
static int age_node(struct mglru_pass *pass, size_t i, struct status *st)
{
	struct lru_gen_memcg *memcg = &pass->ager->memcg;
	int ret = 0;

	for (unsigned int try = 0; try < TRIES && i < memcg->nr_nodes; try++) {
		uint64_t max_seq = memcg->nodes[i].max_seq;
		int error;

		ret = lru_gen_age(pass->ager->lru_gen, memcg->id,
				  &memcg->nodes[i], st);
		if (ret && ret != -EEXIST && ret != -EINVAL)
			return ret;
		error = read_memcg(pass->ager, st);
		if (error)
			return error;
		if (!ret && i < memcg->nr_nodes &&
		    memcg->nodes[i].max_seq == max_seq + 1)
			return 0;
		pass->is_disturbed = true;
	}
	return ret == -EINVAL ? ret : 0;
}

/* Return: whether the cgroup's generations are not those that we left. */
static bool is_changed(const struct lru_gen_memcg *was,
		       const struct lru_gen_memcg *is)
{
	bool changed = was->id != is->id || was->nr_nodes != is->nr_nodes;

	for (size_t i = 0; i < is->nr_nodes && !changed; i++)
		changed = was->nodes[i].max_seq != is->nodes[i].max_seq;
	return changed;
}

static int age_nodes(struct mglru_pass *pass, struct status *st)
{
	struct mglru_ager *ager = pass->ager;
	const struct lru_gen_memcg was = ager->memcg;
	int ret = read_memcg(ager, st);

	if (!ret && ager->nr_passes)
		pass->is_disturbed = is_changed(&was, &ager->memcg);
	for (size_t i = 0; i < ager->memcg.nr_nodes && !ret; i++)
		ret = age_node(pass, i, st);
	ager->nr_passes++;
	ager->nr_disturbed += pass->is_disturbed;
	return ret;
}

/* Set or take the sign that the pass is over. */
static int signal_over(int over, bool is_over, struct status *st)
{
	uint64_t one = 1;
	ssize_t n = is_over ? write(over, &one, sizeof(one))
			    : read(over, &one, sizeof(one));

	return n == sizeof(one)
		       ? 0
		       : status_fail(st, errno, "eventfd: %s", strerror(errno));
}

static int age_and_drain(struct mglru_pass *pass, struct status *st)
{
	pthread_t drainer;
	int ret = pthread_create(&drainer, NULL, drain, pass);
	int error;

	if (ret)
		return status_fail(st, ret, "starting a thread: %s",
				   strerror(ret));
	ret = age_nodes(pass, st);
	error = signal_over(pass->ager->over, true, ret ? NULL : st);
	pthread_join(drainer, NULL);
	if (!error)
		error = signal_over(pass->ager->over, false, ret ? NULL : st);
	if (!ret && !error && pass->drained < 0)
		error = status_fail(st, -pass->drained, "%s",
				    pass->why.message);
	return ret ? ret : error;
}

int mglru_pass_run(struct mglru_pass *pass, struct status *st)
{
	struct tracer *changes = pass->ager->changes;
	uint64_t start = clock_ns(), lost = 0;
	int ret = tracer_enable(changes, st);
	int finished;

	if (!ret)
		ret = age_and_drain(pass, st);
	finished = tracer_finish(changes, take_change, pass, &lost,
				 ret ? NULL : st);
	pass->lost += lost;
	pass->ns = clock_ns() - start;
	return ret ? ret : finished < 0 ? finished : 0;
}
