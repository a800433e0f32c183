/* SPDX-License-Identifier: MIT */
/* The second trace of a pass; see mix.h. */
#include "replay/mix.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "replay/engine_internal.h"

static const char suffix[] = ":file";

static void name_it(struct mix *mix, const char *path,
		    const struct engine_trace *trace)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char id[TRACE_ID_TEXT];

	trace_id_text(id, trace->totals.id);
	snprintf(mix->text, sizeof(mix->text), "file:%.90s:%s", name, id);
}

int mix_load(struct mix *mix, const char *arg,
	     const struct engine_options *options, struct status *st)
{
	struct engine_options plain = {
		.seed = options->seed,
		.ps_per_tick = options->ps_per_tick,
		.nr_samples = 1,
		.writes_as_accesses = options->writes_as_accesses,
		.holds_epochs = options->holds_epochs,
		.expand = options->expand,
	};
	size_t length = strlen(arg), tail = strlen(suffix);
	struct engine_trace trace;
	struct lane none;
	char path[4096];
	int ret;

	*mix = (struct mix){.tape = {.wants_ns = true}};
	if (length <= tail || strcmp(arg + length - tail, suffix) != 0 ||
	    length - tail >= sizeof(path))
		return status_fail(st, EINVAL, "--mix: '%s' is not TRACE:file",
				   arg);
	memcpy(path, arg, length - tail);
	path[length - tail] = '\0';
	ret = engine_run(path, &plain, NULL, 0, &none, &mix->tape, &trace, st);
	if (!ret)
		name_it(mix, path, &trace);
	return ret;
}

void mix_fini(struct mix *mix)
{
	engine_tape_fini(&mix->tape);
}

static uint64_t tick_of(const struct engine *e, uint64_t ns)
{
	return e->first_tick +
	       (uint64_t)((unsigned __int128)ns * 1000 / e->ps_per_tick);
}

/* One access: as those of the guest, but that no page of it ever gets quiet. */
static void access_file(struct engine *e, uint32_t page, uint64_t ns)
{
	uint64_t tick = tick_of(e, ns);

	if (e->truth.last)
		truth_begin(&e->truth, page, tick);
	e->pages.word[page] |= e->accessed_mask;
	engine_access_slow(e, page, ~e->pages.word[page] & e->slow_mask, ns,
			   false);
	if (e->truth.last)
		truth_end(&e->truth);
	if (e->tape && engine_record_tape(e, &page, &tick, 1))
		e->error = -ENOMEM;
}

void engine_mix(struct engine *e, uint64_t now_ns)
{
	const struct engine_tape *tape = &e->options->mix->tape;

	while (engine_mix_ns(e) <= now_ns) {
		size_t i = e->mixed++;

		access_file(e, e->map.npages + tape->page[i], tape->ns[i]);
	}
}
