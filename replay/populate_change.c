/* SPDX-License-Identifier: MIT */
/* Before and after a change of a lock; see populate_change.h. */
#include "replay/populate_change.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/populate.h"
#include "replay/populate_lines.h"

enum {
	SCALE = 128, /* of the pages so few are played */
	ROUNDS = 6
};

const double populate_holds_ns[] = {25, 100, 400, 1000, 0};
const double populate_handovers_ns[] = {25, 100, 400, 0};

static bool parse_lock(const char *text, enum mmu_lock *lock)
{
	static const char *const names[] = {"none", "read", "write"};

	for (int i = 0; i < 3; i++) {
		if (strcmp(text, names[i]))
			continue;
		*lock = (enum mmu_lock)i;
		return true;
	}
	return false;
}

/* "-" is 0: not published. */
static bool parse_time(const char *text, double *value)
{
	char *end;

	*value = strcmp(text, "-") ? strtod(text, &end) : 0;
	return !strcmp(text, "-") || (!*end && *value > 0);
}

static int parse_change(void *arg, const char *line, const char *path,
			int number, struct status *st)
{
	struct populate_changes *changes = arg;
	struct populate_change *c = &changes->rows[changes->n];
	char lock[3][8], time[4][16];

	if (sscanf(line, "%31s %u %7s %7s %7s %15s %15s %15s %15s", c->name,
		   &c->vcpus, lock[0], lock[1], lock[2], time[0], time[1],
		   time[2], time[3]) != 9 ||
	    !c->vcpus || c->vcpus > 1024 ||
	    !parse_lock(lock[0], &c->fault_lock) ||
	    !parse_lock(lock[1], &c->before) ||
	    !parse_lock(lock[2], &c->after) ||
	    !parse_time(time[0], &c->before_vcpu_s) ||
	    !parse_time(time[1], &c->before_pass_s) ||
	    !parse_time(time[2], &c->after_vcpu_s) ||
	    !parse_time(time[3], &c->after_pass_s) ||
	    c->fault_lock == MMU_LOCK_NONE || !(c->after_vcpu_s > 0) ||
	    !(c->after_pass_s > 0))
		return status_fail(st, EBADMSG,
				   "%s:%d: no change of a lock: name, vCPUs, "
				   "three locks, and four times",
				   path, number);
	changes->n++;
	return 0;
}

int populate_changes_load(struct populate_changes *changes, const char *path,
			  struct status *st)
{
	*changes = (struct populate_changes){0};
	return populate_lines(path, POPULATE_CHANGES_MAX, parse_change, changes,
			      st);
}

static int play(struct populate *p, double *vcpu_s, double *pass_s,
		uint64_t *passes, struct status *st)
{
	struct populate_result result;
	int ret = populate_run(p, &result, st);

	*vcpu_s = (double)result.vcpu_ns * SCALE / 1e9;
	*pass_s = result.pass_ns * SCALE / 1e9;
	*passes = result.passes;
	return ret;
}

/* The fault time with which vCPUs alone take as long as was published. */
static int fit_fault(struct populate *p, const struct populate_change *c,
		     bool *is_possible, struct status *st)
{
	double vcpu_s = 0, pass_s;
	uint64_t passes;
	int ret = 0;

	p->fault_ns = c->after_vcpu_s * 1e9 / POPULATE_PAGES;
	for (int i = 0; i < ROUNDS && !ret; i++) {
		ret = play(p, &vcpu_s, &pass_s, &passes, st);
		p->fault_ns *= c->after_vcpu_s / vcpu_s;
		if (p->fault_ns < p->fault_hold_ns)
			p->fault_ns = p->fault_hold_ns;
	}
	*is_possible = vcpu_s < 1.1 * c->after_vcpu_s;
	return ret;
}

static int fit_young(struct populate *p, const struct populate_change *c,
		     double share, struct populate_outcome *o,
		     struct status *st)
{
	int ret = 0;

	for (int i = 0; i < ROUNDS && !ret; i++) {
		p->young_hold_ns = share * p->young_ns;
		ret = play(p, &o->after_vcpu_s, &o->after_pass_s,
			   &o->after_passes, st);
		if (i + 1 < ROUNDS)
			p->young_ns *= c->after_pass_s / o->after_pass_s;
	}
	return ret;
}

int populate_change_predict(const struct populate_change *change,
			    const struct populate_options *options,
			    struct populate_outcome *o, struct status *st)
{
	struct populate p = {
		.vcpus = change->vcpus,
		.pages = POPULATE_PAGES / SCALE,
		.seed = options->seed,
		.fault_lock = change->fault_lock,
		.fault_hold_ns = o->fault_hold_ns,
		.handover_ns = o->handover_ns,
		.young_ns = 80, /* to begin with */
		.start_share = options->start_share,
	};
	int ret = fit_fault(&p, change, &o->is_possible, st);

	if (ret || !o->is_possible)
		return ret;
	p.has_ager = true;
	p.young_lock = change->after;
	ret = fit_young(&p, change, options->hold_share, o, st);
	if (ret)
		return ret;
	o->fault_ns = p.fault_ns;
	o->young_ns = p.young_ns;
	p.young_lock = change->before;
	return play(&p, &o->before_vcpu_s, &o->before_pass_s, &o->before_passes,
		    st);
}
