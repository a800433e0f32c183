/* SPDX-License-Identifier: MIT */
/* See naive_sim.h. */
#include "models/naive_sim.h"

#include <string.h>

struct holder {
	uint32_t thread;
	bool is_writer;
	uint64_t since;
};

struct lock {
	struct holder holders[NAIVE_THREADS];
	uint32_t nr_holders;
	uint32_t waiting[NAIVE_THREADS]; /* the first one came first */
	bool wants_write[NAIVE_THREADS];
	uint64_t came[NAIVE_THREADS];
	uint32_t nr_waiting;
	bool has_promise; /* to waiting[0], at promised_ns */
	uint64_t promised_ns;
};

/* Threads that are to be looked at, in the order in which that was decided. */
struct agenda {
	uint64_t ns[4 * NAIVE_THREADS];
	uint32_t thread[4 * NAIVE_THREADS];
	uint32_t n;
};

struct state {
	const struct naive_sim *script;
	struct lock locks[NAIVE_LOCKS];
	struct agenda agenda;
	uint32_t at[NAIVE_THREADS];
	uint64_t now;
	uint32_t nr_done;
};

static void plan(struct state *s, uint32_t thread, uint64_t ns)
{
	s->agenda.ns[s->agenda.n] = ns;
	s->agenda.thread[s->agenda.n++] = thread;
}

static void note(struct state *s, uint32_t thread, uint32_t lock,
		 bool is_release, uint64_t value)
{
	const struct naive_note n = {s->now, thread, lock, is_release, value};

	s->script->note(s->script->arg, &n);
}

static bool would_fit(const struct lock *l, bool wants_write)
{
	for (uint32_t i = 0; i < l->nr_holders; i++)
		if (wants_write || l->holders[i].is_writer)
			return false;
	return true;
}

static void hold(struct state *s, uint32_t thread, uint32_t number,
		 bool is_writer, uint64_t came)
{
	struct lock *l = &s->locks[number];

	l->holders[l->nr_holders++] =
		(struct holder){thread, is_writer, s->now};
	note(s, thread, number, false, s->now - came);
}

static void wait(struct state *s, uint32_t thread, uint32_t number,
		 bool wants_write)
{
	struct lock *l = &s->locks[number];

	l->waiting[l->nr_waiting] = thread;
	l->wants_write[l->nr_waiting] = wants_write;
	l->came[l->nr_waiting++] = s->now;
}

static void admit_first(struct state *s, uint32_t number)
{
	struct lock *l = &s->locks[number];
	uint32_t thread = l->waiting[0];
	bool wants_write = l->wants_write[0];
	uint64_t came = l->came[0];

	l->nr_waiting--;
	memmove(l->waiting, l->waiting + 1,
		l->nr_waiting * sizeof(l->waiting[0]));
	memmove(l->wants_write, l->wants_write + 1,
		l->nr_waiting * sizeof(l->wants_write[0]));
	memmove(l->came, l->came + 1, l->nr_waiting * sizeof(l->came[0]));
	hold(s, thread, number, wants_write, came);
}

/* Those who wait at the front and fit get the lock, after a hand-over if that takes
 * time. */
static void serve(struct state *s, uint32_t number)
{
	struct lock *l = &s->locks[number];

	while (l->nr_waiting && !l->has_promise &&
	       would_fit(l, l->wants_write[0])) {
		uint32_t first = l->waiting[0];

		if (s->script->handover_ns) {
			l->has_promise = true;
			l->promised_ns = s->now + s->script->handover_ns;
			plan(s, first, l->promised_ns);
		} else {
			admit_first(s, number);
			plan(s, first, s->now);
		}
	}
}

/* Return: whether it was held for write. */
static bool give_back(struct state *s, uint32_t thread, uint32_t number)
{
	struct lock *l = &s->locks[number];
	uint32_t i = 0;
	struct holder h;

	while (l->holders[i].thread != thread)
		i++;
	h = l->holders[i];
	l->holders[i] = l->holders[--l->nr_holders];
	note(s, thread, number, true, s->now - h.since);
	return h.is_writer;
}

/* Return: whether the thread may go on at once. */
static bool step(struct state *s, uint32_t thread)
{
	const struct sim_step *p = &s->script->steps[thread][s->at[thread]++];
	struct lock *l = &s->locks[p->lock];
	bool writes = p->mode == MMU_LOCK_WRITE;

	switch (p->op) {
	case SIM_RUN:
		if (p->ns)
			plan(s, thread, s->now + p->ns);
		return !p->ns;
	case SIM_LOCK:
		if (!l->nr_waiting && would_fit(l, writes)) {
			hold(s, thread, p->lock, writes, s->now);
			return true;
		}
		wait(s, thread, p->lock, writes);
		return false;
	case SIM_UNLOCK:
		give_back(s, thread, p->lock);
		serve(s, p->lock);
		return true;
	case SIM_YIELD:
		if (!l->nr_waiting)
			return true;
		writes = give_back(s, thread, p->lock);
		wait(s, thread, p->lock, writes);
		serve(s, p->lock);
		return false;
	case SIM_DONE:
		break;
	}
	s->nr_done++;
	return false;
}

/* If it was promised a lock, here it is. */
static void keep_promises(struct state *s, uint32_t thread)
{
	for (uint32_t i = 0; i < NAIVE_LOCKS; i++) {
		struct lock *l = &s->locks[i];

		if (!l->has_promise || l->waiting[0] != thread)
			continue;
		l->has_promise = false;
		admit_first(s, i);
		serve(s, i);
	}
}

static void look_at(struct state *s, uint32_t item)
{
	uint32_t thread = s->agenda.thread[item];

	s->agenda.n--;
	memmove(s->agenda.ns + item, s->agenda.ns + item + 1,
		(s->agenda.n - item) * sizeof(s->agenda.ns[0]));
	memmove(s->agenda.thread + item, s->agenda.thread + item + 1,
		(s->agenda.n - item) * sizeof(s->agenda.thread[0]));
	keep_promises(s, thread);
	while (step(s, thread))
		;
}

uint32_t naive_sim_run(const struct naive_sim *script)
{
	struct state s = {.script = script};

	/* as threads that are submitted one after the other */
	for (uint32_t t = 0; t < script->nr_threads; t++)
		plan(&s, t, script->start_ns[t]);
	for (s.now = 0; s.now <= script->end_ns; s.now++)
		for (uint32_t i = 0; i < s.agenda.n;)
			if (s.agenda.ns[i] == s.now) {
				look_at(&s, i);
				i = 0;
			} else {
				i++;
			}
	return s.nr_done;
}
