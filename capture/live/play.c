/* SPDX-License-Identifier: MIT */
/* What the guest does: pages of the footprint as orders. */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "capture/live/run.h"

static int compare_gfns(const void *a, const void *b)
{
	gfn_t x = *(const gfn_t *)a, y = *(const gfn_t *)b;

	return x < y ? -1 : x > y;
}

uint64_t live_page_of(const struct playback *playback, gfn_t gfn)
{
	const gfn_t *at = bsearch(&gfn, playback->footprint, playback->nr_pages,
				  sizeof(gfn), compare_gfns);

	return playback->place[at - playback->footprint];
}

/* Room for @n orders. */
static int reserve(struct live_run *run, size_t n, struct status *st)
{
	if (n <= run->orders_capacity)
		return 0;
	free(run->orders);
	run->orders = kage_calloc(n, sizeof(*run->orders), st);
	run->orders_capacity = run->orders ? n : 0;
	return run->orders ? 0 : -ENOMEM;
}

/* Under a limit the guest's own faults evict: look at that batch by batch. */
static int follow(struct live_run *run, size_t n, struct status *st)
{
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i += LIVE_VM_BATCH) {
		size_t left = n - i;

		ret = live_vm_play(&run->vm, run->orders + i,
				   left < LIVE_VM_BATCH ? left : LIVE_VM_BATCH,
				   st);
		if (!ret)
			ret = evictions_drain(&run->evictions, st);
		if (!ret)
			ret = live_interrupted(run, st);
	}
	return ret;
}

static int order_epoch(struct live_run *run, const struct playback_epoch *epoch,
		       struct status *st)
{
	const struct playback *playback = run->config.playback;
	int ret = reserve(run, epoch->n, st);

	for (size_t i = 0; i < epoch->n && !ret; i++) {
		const struct playback_touch *touch =
			&playback->touches[epoch->first + i];

		run->orders[i] = vmm_make_order(
			live_page_of(playback, touch->gfn), touch->is_write);
	}
	return ret;
}

static int play_epoch(struct live_run *run, struct status *st)
{
	const struct playback_epoch *epoch =
		&run->config.playback->epochs[run->next_epoch];
	int ret = order_epoch(run, epoch, st);

	run->next_epoch++;
	run->outcome->epochs++;
	return ret ? ret : follow(run, epoch->n, st);
}

ssize_t live_last_epoch(struct live_run *run, struct status *st)
{
	const struct playback_epoch *epoch;
	int ret;

	if (!run->next_epoch)
		return 0;
	epoch = &run->config.playback->epochs[run->next_epoch - 1];
	ret = order_epoch(run, epoch, st);
	return ret ? ret : (ssize_t)epoch->n;
}

int live_play_epochs(struct live_run *run, uint64_t n, struct status *st)
{
	int ret = 0;

	for (; n && run->next_epoch < run->config.playback->nr_epochs && !ret;
	     n--)
		ret = play_epoch(run, st);
	return ret;
}

static int touch_range(struct live_run *run, uint64_t first, uint64_t last,
		       bool is_write, struct status *st)
{
	size_t n = last - first + 1;
	int ret = reserve(run, n, st);

	for (size_t i = 0; i < n && !ret; i++)
		run->orders[i] = vmm_make_order(
			run->config.playback->place[first + i], is_write);
	return ret ? ret : follow(run, n, st);
}

int live_populate(struct live_run *run, struct status *st)
{
	return touch_range(run, 0, run->config.playback->nr_pages - 1, true,
			   st);
}

int live_sweep(struct live_run *run, const struct scenario_step *step,
	       struct status *st)
{
	return touch_range(run, step->first, step->last, false, st);
}
