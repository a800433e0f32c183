/* SPDX-License-Identifier: MIT */
/* The accesses of a pass on tape, for bounds and for mixing; see engine.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "replay/engine_internal.h"

static int grow_tape(struct engine_tape *tape)
{
	size_t capacity = tape->capacity;

	if (tape->wants_ns &&
	    kage_grow(&tape->ns, &capacity, capacity, sizeof(*tape->ns), NULL))
		return -ENOMEM;
	return kage_grow(&tape->page, &tape->capacity, tape->capacity,
			 sizeof(*tape->page), NULL);
}

int engine_record_tape(struct engine *e, const uint32_t *index,
		       const uint64_t *tick, size_t n)
{
	struct engine_tape *tape = e->tape;

	if (!n)
		return 0;
	while (tape->capacity - tape->n < n)
		if (grow_tape(tape))
			return -ENOMEM;
	memcpy(tape->page + tape->n, index, n * sizeof(*index));
	for (size_t i = 0; i < n && tape->wants_ns; i++)
		tape->ns[tape->n + i] = engine_ns(e, tick[i]);
	tape->n += n;
	return 0;
}

void engine_tape_fini(struct engine_tape *tape)
{
	free(tape->page);
	free(tape->ns);
	free(tape->sample_at);
	free(tape->epoch_at);
}
