/* SPDX-License-Identifier: MIT */
/*
 * The lock simulator against closed forms, against examples worked by hand, and, event
 * by event, against a twin that looks at every nanosecond.
 */
#include "models/sim.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/test.h"
#include "models/naive_sim.h"

enum {
	NOTES_MAX = 4096,
	CASES = 4000,
	BATCHES = 40,
	CUSTOMERS = 10000, /* per batch */
};

struct notes {
	struct naive_note note[NOTES_MAX];
	size_t n;
};

/* Threads that play the lists of a naive_sim; a job is its number plus one. */
struct player {
	const struct naive_sim *script;
	uint32_t at[NAIVE_THREADS];
	uint32_t nr_done;
	struct notes notes;
};

static void put_note(void *arg, const struct naive_note *note)
{
	struct notes *notes = arg;

	assert_true(notes->n < NOTES_MAX);
	notes->note[notes->n++] = *note;
}

static struct sim_step play(void *arg, struct sim *sim, uint32_t thread)
{
	struct player *p = arg;
	uintptr_t who = (uintptr_t)sim->threads[thread].job - 1;
	const struct sim_step *step = &p->script->steps[who][p->at[who]++];

	p->nr_done += step->op == SIM_DONE;
	return *step;
}

static void note_fast(struct player *p, const struct sim *sim, uint32_t thread,
		      uint32_t lock, bool is_release, uint64_t value)
{
	uintptr_t who = (uintptr_t)sim->threads[thread].job - 1;
	const struct naive_note note = {sim->now_ns, (uint32_t)who, lock,
					is_release, value};

	put_note(&p->notes, &note);
}

static void play_granted(void *arg, struct sim *sim, uint32_t thread,
			 uint32_t lock, uint64_t wait_ns)
{
	note_fast(arg, sim, thread, lock, false, wait_ns);
}

static void play_released(void *arg, struct sim *sim, uint32_t thread,
			  uint32_t lock, uint64_t hold_ns)
{
	note_fast(arg, sim, thread, lock, true, hold_ns);
}

static const struct sim_ops player_ops = {play, play_granted, play_released};

static void run_player(struct player *p, const struct naive_sim *script)
{
	uint32_t pools[NAIVE_THREADS];
	struct sim sim;

	*p = (struct player){.script = script};
	for (uint32_t i = 0; i < script->nr_threads; i++)
		pools[i] = 1;
	assert_int_equal(sim_init(&sim, &player_ops, p, pools,
				  script->nr_threads, NAIVE_LOCKS,
				  script->handover_ns, NULL),
			 0);
	for (uint32_t i = 0; i < script->nr_threads; i++)
		assert_int_equal(sim_submit(&sim, i, (void *)(uintptr_t)(i + 1),
					    NULL),
				 0);
	sim_finish(&sim);
	for (uint32_t l = 0; l < NAIVE_LOCKS; l++) {
		assert_int_equal(sim.locks[l].readers, 0);
		assert_false(sim.locks[l].is_written);
		assert_false(sim_is_contended(&sim, l));
	}
	sim_fini(&sim);
}

static void add(struct sim_step *steps, unsigned int *n, enum sim_op op,
		uint64_t ns, uint32_t lock, enum mmu_lock mode)
{
	steps[(*n)++] = (struct sim_step){op, ns, lock, mode};
}

/* One hold, maybe with yields, maybe of lock 1 or 2 inside one of lock 0. */
static void random_hold(struct sim_step *steps, unsigned int *n,
			struct rng *rng)
{
	uint32_t lock = (uint32_t)rng_below(rng, NAIVE_LOCKS);
	enum mmu_lock mode = rng_below(rng, 3) ? MMU_LOCK_READ : MMU_LOCK_WRITE;
	uint64_t yields = rng_below(rng, 3);

	add(steps, n, SIM_LOCK, 0, lock, mode);
	add(steps, n, SIM_RUN, rng_below(rng, 9), 0, 0);
	if (!lock && !rng_below(rng, 3)) {
		uint32_t inner = 1 + (uint32_t)rng_below(rng, 2);

		add(steps, n, SIM_LOCK, 0, inner, MMU_LOCK_WRITE);
		add(steps, n, SIM_RUN, rng_below(rng, 5), 0, 0);
		add(steps, n, SIM_UNLOCK, 0, inner, 0);
	}
	for (uint64_t i = 0; i < yields; i++) {
		add(steps, n, SIM_YIELD, 0, lock, 0);
		add(steps, n, SIM_RUN, rng_below(rng, 6), 0, 0);
	}
	add(steps, n, SIM_UNLOCK, 0, lock, 0);
}

static void random_script(struct naive_sim *script, struct rng *rng)
{
	*script = (struct naive_sim){
		.nr_threads = 1 + (uint32_t)rng_below(rng, NAIVE_THREADS),
		.handover_ns = rng_below(rng, 4),
		.end_ns = 3000,
	};
	for (uint32_t t = 0; t < script->nr_threads; t++) {
		unsigned int n = 0;

		add(script->steps[t], &n, SIM_RUN, rng_below(rng, 30), 0, 0);
		while (n < NAIVE_STEPS - 14) {
			random_hold(script->steps[t], &n, rng);
			add(script->steps[t], &n, SIM_RUN, rng_below(rng, 12),
			    0, 0);
		}
		add(script->steps[t], &n, SIM_DONE, 0, 0, 0);
	}
}

static void assert_same(const struct notes *a, const struct notes *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		assert_int_equal(a->note[i].ns, b->note[i].ns);
		assert_int_equal(a->note[i].thread, b->note[i].thread);
		assert_int_equal(a->note[i].lock, b->note[i].lock);
		assert_int_equal(a->note[i].is_release, b->note[i].is_release);
		assert_int_equal(a->note[i].value, b->note[i].value);
	}
}

static void random_scripts_give_the_same_events(void **state)
{
	struct naive_sim *script = malloc(sizeof(*script));
	struct notes *slow = malloc(sizeof(*slow));
	struct player *fast = malloc(sizeof(*fast));
	struct rng rng = {1};
	size_t waits = 0;

	(void)state;
	for (int i = 0; i < CASES; i++) {
		random_script(script, &rng);
		slow->n = 0;
		script->note = put_note;
		script->arg = slow;
		assert_int_equal(naive_sim_run(script), script->nr_threads);
		run_player(fast, script);
		assert_int_equal(fast->nr_done, script->nr_threads);
		assert_same(&fast->notes, slow);
		for (size_t n = 0; n < slow->n; n++)
			waits += !slow->note[n].is_release &&
				 slow->note[n].value;
	}
	assert_true(waits > 100 * CASES / 10); /* they do meet */
	free(script);
	free(slow);
	free(fast);
}

/* Return: when thread @who was granted its @nth hold of lock 0. */
static uint64_t granted_at(const struct notes *notes, uint32_t who,
			   unsigned int nth)
{
	for (size_t i = 0; i < notes->n; i++)
		if (notes->note[i].thread == who &&
		    !notes->note[i].is_release && !nth--)
			return notes->note[i].ns;
	fail();
	return 0;
}

/* One thread: come at @at, hold lock 0 for @chunk, @chunks times with a yield between. */
static void visitor(struct naive_sim *script, uint64_t at, enum mmu_lock mode,
		    uint64_t chunk, unsigned int chunks)
{
	struct sim_step *steps = script->steps[script->nr_threads++];
	unsigned int n = 0;

	add(steps, &n, SIM_RUN, at, 0, 0);
	add(steps, &n, SIM_LOCK, 0, 0, mode);
	add(steps, &n, SIM_RUN, chunk, 0, 0);
	for (unsigned int i = 1; i < chunks; i++) {
		add(steps, &n, SIM_YIELD, 0, 0, 0);
		add(steps, &n, SIM_RUN, chunk, 0, 0);
	}
	add(steps, &n, SIM_UNLOCK, 0, 0, 0);
	add(steps, &n, SIM_DONE, 0, 0, 0);
}

/*
 * Readers 0 and 1 share [0,10) and [1,6).  Writer 2 comes at 2 and has to wait until 10.
 * Reader 3 comes at 3: alone it would share, but the writer waits, so it goes in when the
 * writer is out, at 15, together with reader 4; writer 5 follows at 25.
 */
static void a_waiting_writer_blocks_new_readers(void **state)
{
	struct naive_sim script = {0};
	struct player *p = malloc(sizeof(*p));

	(void)state;
	visitor(&script, 0, MMU_LOCK_READ, 10, 1);
	visitor(&script, 1, MMU_LOCK_READ, 5, 1);
	visitor(&script, 2, MMU_LOCK_WRITE, 5, 1);
	visitor(&script, 3, MMU_LOCK_READ, 10, 1);
	visitor(&script, 11, MMU_LOCK_READ, 4, 1);
	visitor(&script, 12, MMU_LOCK_WRITE, 1, 1);
	run_player(p, &script);
	assert_int_equal(granted_at(&p->notes, 1, 0), 1);
	assert_int_equal(granted_at(&p->notes, 2, 0), 10);
	assert_int_equal(granted_at(&p->notes, 3, 0), 15);
	assert_int_equal(granted_at(&p->notes, 4, 0), 15);
	assert_int_equal(granted_at(&p->notes, 5, 0), 25);
	free(p);
}

/* The same with 2 ns per hand-over: 12 to 17, 19 and 21 one by one, then 29 + 2. */
static void each_waiter_takes_a_hand_over(void **state)
{
	struct naive_sim script = {.handover_ns = 2};
	struct player *p = malloc(sizeof(*p));

	(void)state;
	visitor(&script, 0, MMU_LOCK_READ, 10, 1);
	visitor(&script, 2, MMU_LOCK_WRITE, 5, 1);
	visitor(&script, 3, MMU_LOCK_READ, 10, 1);
	visitor(&script, 11, MMU_LOCK_READ, 4, 1);
	visitor(&script, 12, MMU_LOCK_WRITE, 1, 1);
	run_player(p, &script);
	assert_int_equal(granted_at(&p->notes, 1, 0), 12);
	assert_int_equal(granted_at(&p->notes, 2, 0), 19);
	assert_int_equal(granted_at(&p->notes, 3, 0), 21);
	assert_int_equal(granted_at(&p->notes, 4, 0), 31);
	free(p);
}

/*
 * A zap of 4 x 10 ns that yields: reader 1 (at 5, for 3) goes in at 10, the zap goes on
 * at 13; nobody waits at 23 and 33.  Aging does not: reader 1 would wait until 40.
 */
static void zaps_yield_and_aging_does_not(void **state)
{
	struct naive_sim zap = {0}, aging = {0};
	struct player *p = malloc(sizeof(*p));

	(void)state;
	visitor(&zap, 0, MMU_LOCK_WRITE, 10, 4);
	visitor(&zap, 5, MMU_LOCK_READ, 3, 1);
	run_player(p, &zap);
	assert_int_equal(granted_at(&p->notes, 1, 0), 10);
	assert_int_equal(granted_at(&p->notes, 0, 1), 13);
	assert_int_equal(p->notes.note[p->notes.n - 1].ns, 43);
	visitor(&aging, 0, MMU_LOCK_WRITE, 40, 1);
	visitor(&aging, 5, MMU_LOCK_READ, 3, 1);
	run_player(p, &aging);
	assert_int_equal(granted_at(&p->notes, 1, 0), 40);
	free(p);
}

/* Customers of one kind, who come by a Poisson process. */
struct queue {
	bool has_lock; /* one server, a lock; else the threads of the pool serve */
	enum mmu_lock mode;
	double mean_gap, mean_service;
	bool is_exponential;
	struct rng rng;
	double *waits; /* of customers in order of arrival; n so far */
	size_t n;
};

struct customer {
	struct queue *queue;
	uint64_t came_ns, service_ns;
	size_t number;
	int at;
};

static uint64_t exponential(struct rng *rng, double mean)
{
	return (uint64_t)llround(-log1p(-rng_unit(rng)) * mean);
}

static void note_wait(struct customer *c, const struct sim *sim)
{
	c->queue->waits[c->number] = (double)(sim->now_ns - c->came_ns);
	c->queue->n++;
}

static struct sim_step serve(void *arg, struct sim *sim, uint32_t thread)
{
	struct customer *c = sim->threads[thread].job;
	struct queue *q = arg;
	int at = c->at++;

	if (!q->has_lock)
		at = at ? 3 : 1; /* its turn has come already */
	if (at == 0)
		return (struct sim_step){.op = SIM_LOCK, .mode = q->mode};
	if (at == 1) {
		note_wait(c, sim);
		return (struct sim_step){.op = SIM_RUN, .ns = c->service_ns};
	}
	return (struct sim_step){.op = at == 2 ? SIM_UNLOCK : SIM_DONE};
}

static const struct sim_ops queue_ops = {.next = serve};

/* Let BATCHES * CUSTOMERS come.  @threads: that serve, or wait for the lock. */
static void run_queue(struct queue *q, uint32_t threads)
{
	size_t total = (size_t)BATCHES * CUSTOMERS;
	struct customer *customers = calloc(total, sizeof(*customers));
	uint64_t ns = 0;
	struct sim sim;

	q->waits = calloc(total, sizeof(*q->waits));
	assert_int_equal(sim_init(&sim, &queue_ops, q, &threads, 1, 1, 0, NULL),
			 0);
	for (size_t i = 0; i < total; i++) {
		ns += exponential(&q->rng, q->mean_gap);
		customers[i] = (struct customer){
			.queue = q,
			.came_ns = ns,
			.number = i,
			.service_ns =
				q->is_exponential
					? exponential(&q->rng, q->mean_service)
					: (uint64_t)llround(q->mean_service),
		};
		sim_run(&sim, ns);
		assert_int_equal(sim_submit(&sim, 0, &customers[i], NULL), 0);
	}
	sim_finish(&sim);
	assert_int_equal(q->n, total);
	sim_fini(&sim);
	free(customers);
}

/* The mean over batches behind the first one, with a 99.9 % interval by Student's t of
 * 38 degrees of freedom (3.566). */
static void assert_mean(const struct queue *q, double expected)
{
	double sum = 0, squares = 0, n = BATCHES - 1, mean, half;

	for (int b = 1; b < BATCHES; b++) {
		double batch = 0;

		for (int i = 0; i < CUSTOMERS; i++)
			batch += q->waits[b * CUSTOMERS + i] / CUSTOMERS;
		sum += batch;
		squares += batch * batch;
	}
	mean = sum / n;
	half = 3.566 * sqrt((squares - sum * sum / n) / (n - 1) / n);
	assert_true(half < 0.12 * expected); /* it says something */
	assert_true(fabs(mean - expected) < half);
}

static void waits_of_m_d_1(void **state)
{
	(void)state;
	for (double rho = 0.3; rho < 0.85; rho += 0.25) {
		struct queue q = {.has_lock = true,
				  .mode = MMU_LOCK_WRITE,
				  .mean_gap = 1e6 / rho,
				  .mean_service = 1e6,
				  .rng = {11}};

		run_queue(&q, 400);
		assert_mean(&q, 1e6 * rho / 2 / (1 - rho));
		free(q.waits);
	}
}

/* Erlang's C: the chance to wait with @c servers and @a of them busy. */
static double erlang_c(int c, double a)
{
	double term = 1, sum = 0;

	for (int k = 0; k < c; k++) {
		sum += term;
		term *= a / (k + 1);
	}
	term *= c / (c - a);
	return term / (sum + term);
}

static void waits_of_m_m_c(void **state)
{
	static const int servers[] = {1, 2, 4, 16};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		int c = servers[i];
		double a = 0.75 * c;
		struct queue q = {.mean_gap = 1e6 / a,
				  .mean_service = 1e6,
				  .is_exponential = true,
				  .rng = {12}};

		run_queue(&q, (uint32_t)c);
		assert_mean(&q, erlang_c(c, a) * 1e6 / (c - a));
		free(q.waits);
	}
}

/* One server is a lock, too. */
static void waits_of_m_m_1(void **state)
{
	struct queue q = {.has_lock = true,
			  .mode = MMU_LOCK_WRITE,
			  .mean_gap = 2e6,
			  .mean_service = 1e6,
			  .is_exponential = true,
			  .rng = {13}};

	(void)state;
	run_queue(&q, 400);
	assert_mean(&q, 1e6);
	free(q.waits);
}

static void readers_do_not_wait_for_readers(void **state)
{
	struct queue q = {.has_lock = true,
			  .mode = MMU_LOCK_READ,
			  .mean_gap = 1e4,
			  .mean_service = 1e6,
			  .is_exponential = true,
			  .rng = {14}};

	(void)state;
	run_queue(&q, 1000);
	for (size_t i = 0; i < q.n; i++)
		assert_true(q.waits[i] == 0);
	free(q.waits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_waiting_writer_blocks_new_readers),
		cmocka_unit_test(each_waiter_takes_a_hand_over),
		cmocka_unit_test(zaps_yield_and_aging_does_not),
		cmocka_unit_test(random_scripts_give_the_same_events),
		cmocka_unit_test(readers_do_not_wait_for_readers),
		cmocka_unit_test(waits_of_m_d_1),
		cmocka_unit_test(waits_of_m_m_1),
		cmocka_unit_test(waits_of_m_m_c),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
