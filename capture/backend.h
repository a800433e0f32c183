/* SPDX-License-Identifier: MIT */
/*
 * A capture backend: one way to learn which pages a guest touches.  The session
 * (session.h) owns the loop, the clock and the file; a backend arms its source
 * and hands over what it found.
 *
 * There are two styles.  A source of events has @fd and @collect and hands over
 * single accesses with their times.  A sampler has @scan and @epoch_ns: the
 * session calls it at the end of each epoch, and it hands over the pages that
 * were touched since the last call.  A sampler may have @fd and @collect too, to
 * empty its buffers in between.
 *
 * To add one: backend_NAME.c with `const struct capture_ops backend_NAME`, and
 * ENTRY(NAME, "name") in backends.def.  The string is the name on the command
 * line and in the trace.
 */
#ifndef CAPTURE_BACKEND_H
#define CAPTURE_BACKEND_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/param.h"
#include "base/status.h"
#include "capture/guest/guest.h"
#include "capture/host/guard.h"
#include "datasets/trace/trace.h"

struct recorder;

/* What to capture.  Everything is borrowed from the caller. */
struct capture_target {
	const char *const *command; /* NULL-terminated; what kage is to run */
	struct guest *guest;	    /* as far as the backend @needs it */
	const char *event;	    /* --event, or NULL */
	uint64_t epoch_ticks;	    /* 0: a stream */
	uint32_t ps_per_tick;
	const void *values;  /* the backend's parameters */
	struct guard *guard; /* restores what the backend changes of the host */
};

struct capture_probe {
	char reason[256]; /* why it cannot be used here; "" if it can */
	char fix[256];	  /* the command or step that mends it */
	char found[128];  /* what was found: versions */
};

/**
 * struct capture_ops - a backend; const, without state of its own
 *
 * @summary: one line for lists: what it sees
 * @price: one line: what it costs and what it disturbs
 * @unseen: one line: which accesses it never sees
 * @empty_means: why all its epochs, or its stream, may be empty, for the warning;
 *	NULL: the guest did nothing
 * @verified_on: machine and date of the last whole test, or "never run on
 *	hardware"
 * @values_size: bytes of the struct that @params fill
 * @needs: GUEST_* (guest.h), what must be known of a running guest
 * @takes_command: the words after -- are for it to run
 * @takes_event: --event is for it
 * @clock: what a tick of its traces is
 * @epoch_ns: a sampler's preset; 0 if it records a stream unless told otherwise
 * @writes_epochs: a sampler whose source has a clock of its own (DAMON): @scan
 *	is called as often as other samplers', but what it finds is as many epochs
 *	as the source has finished since, maybe none, with the source's own times;
 *	it writes them with recorder_sample()
 * @state_size: the session allocates that many zeroed bytes per capture and
 *	passes them to every hook from @open on
 *
 * @probe: can it work on this machine, now?  No side effect that outlives the
 *	call.  Fills @probe.
 * @open: prepare everything, open every file that needs privileges: they are
 *	gone afterwards.  What it changes of the host is registered with the guard
 *	(guard.h) first.  On failure @close is called too, and must cope.
 * @describe: called once after @open: fill slots (allocated, owned by @meta) and
 *	nr_vcpus, and add to @details what a reader must know to judge the trace.
 *	May lower @meta's channels.  Optional for a backend that needs GUEST_SLOTS:
 *	the guest's are taken.
 * @start: let it begin; a sampler forgets what was before.  The trace's time
 *	starts when this returns.
 * @fd: readable when @collect has something to do.
 * @collect: hand over what there is, in time order, without waiting.  Called when
 *	@fd is readable, and when it was not for a second.  Return: 1, 0 when the source has ended, or an error.
 * @scan: hand over the pages of the epoch that ends now, with recorder_page().
 *	Return: 1, 0 when the source has ended (the epoch is written), or an error.
 * @stop: the user wants to end: make the source end soon, keep what it has seen.
 *	@times counts the requests from 1; from 2 on, do not be patient.  NULL: it
 *	can be left at any time.
 * @finish: called once after the loop ended.  Return: 0, or -ENOBUFS with @st
 *	saying what is missing, -ESRCH or -EPIPE if the guest or the way to it
 *	broke off and the trace is good up to then, or an error that makes the
 *	trace useless.
 *	Optional.
 * @close: release everything; called exactly once.
 */
struct capture_ops {
	const char *summary;
	const char *price;
	const char *unseen;
	const char *empty_means;
	const char *verified_on;
	const struct param_spec *params;
	size_t values_size;
	unsigned int needs;
	bool takes_command;
	bool takes_event;
	enum trace_clock_kind clock;
	enum trace_fidelity fidelity;
	unsigned int channels;
	uint64_t epoch_ns;
	bool writes_epochs;
	size_t state_size;

	void (*probe)(struct capture_probe *probe);
	int (*open)(void *state, const struct capture_target *target,
		    struct status *st);
	int (*describe)(const void *state, struct trace_meta *meta,
			json_t *details, struct status *st);
	int (*start)(void *state, struct status *st);
	int (*fd)(const void *state);
	int (*collect)(void *state, struct recorder *recorder,
		       struct status *st);
	int (*scan)(void *state, struct recorder *recorder, struct status *st);
	void (*stop)(void *state, unsigned int times);
	int (*finish)(void *state, struct recorder *recorder,
		      struct status *st);
	void (*close)(void *state);
};

struct capture_backend {
	const char *name;
	const struct capture_ops *ops;
};

/* All backends; a NULL name ends the table. */
extern const struct capture_backend capture_backends[];

/* Return: the backend called @name, or NULL with @st naming those that exist. */
const struct capture_backend *capture_backend_find(const char *name,
						   struct status *st);

#endif
