/* SPDX-License-Identifier: MIT */
/* Traces against known accesses; see ground_truth.h. */
#include "datasets/ground_truth.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* The flags that scan_epoch() puts beside the truth's. */
enum {
	SEEN = 4,
	SEEN_DIRTY = 8,
};

static int find_data_slot(struct ground_truth *truth, json_t *root)
{
	json_t *slot;
	size_t i;

	json_array_foreach(json_object_get(root, "slots"), i, slot)
	{
		const char *use;
		json_int_t gfn, npages;

		if (json_unpack(slot, "{s:s, s:I, s:I}", "use", &use, "gfn",
				&gfn, "npages", &npages) ||
		    strcmp(use, "data"))
			continue;
		truth->gfn = (gfn_t)gfn;
		truth->npages = (uint64_t)npages;
		return gfn >= 0 && npages > 0 &&
				       (uint64_t)npages <=
					       TRACE_GFN_LIMIT / 1024
			       ? 0
			       : -EBADMSG;
	}
	return -EBADMSG;
}

static int mark_runs(const struct ground_truth *truth, json_t *runs,
		     uint8_t *pages, uint8_t flag)
{
	json_t *run;
	size_t i;

	if (!json_is_array(runs))
		return -EBADMSG;
	json_array_foreach(runs, i, run)
	{
		json_int_t gfn, npages;
		uint64_t first;

		if (json_unpack(run, "[I,I]", &gfn, &npages))
			return -EBADMSG;
		first = (uint64_t)gfn - truth->gfn;
		if (npages < 0 || first > truth->npages ||
		    (uint64_t)npages > truth->npages - first)
			return -EBADMSG;
		for (uint64_t page = first; page < first + (uint64_t)npages;
		     page++)
			pages[page] |= flag;
	}
	return 0;
}

static int load_rounds(struct ground_truth *truth, json_t *rounds,
		       struct status *st)
{
	json_t *round;
	size_t i;
	int ret = 0;

	truth->rounds = kage_calloc(json_array_size(rounds),
				    sizeof(*truth->rounds), st);
	if (!truth->rounds)
		return -ENOMEM;
	json_array_foreach(rounds, i, round)
	{
		uint8_t *pages = kage_calloc(truth->npages, 1, st);

		if (!pages)
			return -ENOMEM;
		truth->rounds[truth->nr_rounds++] = pages;
		ret = mark_runs(truth, json_object_get(round, "read"), pages,
				GROUND_TRUTH_READ);
		if (!ret)
			ret = mark_runs(truth,
					json_object_get(round, "written"),
					pages, GROUND_TRUTH_WRITTEN);
		if (ret)
			return status_fail(st, EBADMSG,
					   "round %zu is not sound", i);
	}
	return 0;
}

int ground_truth_load(struct ground_truth *truth, const char *path,
		      struct status *st)
{
	json_error_t error;
	json_t *root = json_load_file(path, 0, &error), *rounds;
	struct status why = {""};
	int ret;

	*truth = (struct ground_truth){0};
	if (!root)
		return status_fail(st, EBADMSG, "%s: line %d: %s", path,
				   error.line, error.text);
	rounds = json_object_get(root, "truth");
	truth->is_steady = json_is_true(json_object_get(root, "is_steady"));
	if (find_data_slot(truth, root))
		ret = status_fail(st, EBADMSG, "%s: no data slot in it", path);
	else if (json_array_size(rounds) < 2)
		ret = status_fail(st, EBADMSG,
				  "%s: no truth of rounds 0 and 1 in it", path);
	else
		ret = load_rounds(truth, rounds, &why);
	if (ret && why.message[0])
		status_fail(st, -ret, "%s: %.400s", path, why.message);
	json_decref(root);
	if (ret)
		ground_truth_fini(truth);
	return ret;
}

void ground_truth_fini(struct ground_truth *truth)
{
	for (size_t i = 0; i < truth->nr_rounds; i++)
		free(truth->rounds[i]);
	free(truth->rounds);
	*truth = (struct ground_truth){0};
}

static void mark_seen(const struct ground_truth *truth,
		      const struct trace_run *run, uint8_t *pages)
{
	uint8_t flags = 0;

	if (run->flags & (TRACE_RUN_ACCESSED | TRACE_RUN_DIRTY))
		flags |= SEEN;
	if (run->flags & TRACE_RUN_DIRTY)
		flags |= SEEN_DIRTY;
	for (uint32_t i = 0; i < run->npages; i++)
		if (run->gfn + i - truth->gfn < truth->npages)
			pages[run->gfn + i - truth->gfn] |= flags;
}

static struct truth_score score_pages(const uint8_t *pages, uint64_t npages,
				      const uint8_t *round, uint8_t wanted)
{
	struct truth_score score = {0};

	for (uint64_t i = 0; i < npages; i++) {
		bool is_seen = pages[i] & SEEN, is_true = round[i] & wanted;

		score.seen += is_seen;
		score.expected += is_true;
		score.both += is_seen && is_true;
		score.false_dirty += pages[i] & SEEN_DIRTY &&
				     !(round[i] & GROUND_TRUTH_WRITTEN);
	}
	return score;
}

static const uint8_t *find_round(const struct ground_truth *truth,
				 uint64_t epoch, bool by_round,
				 struct status *st)
{
	if (!by_round)
		return truth->rounds[1];
	if (epoch + 1 < truth->nr_rounds)
		return truth->rounds[epoch + 1];
	status_fail(st, EINVAL,
		    "epoch %" PRIu64 " is round %" PRIu64
		    ", and the truth has %zu rounds (kage guest --truth)",
		    epoch, epoch + 1, truth->nr_rounds);
	return NULL;
}

/* The state of ground_truth_judge(). */
struct judge {
	const struct ground_truth *truth;
	uint8_t *pages; /* of the epoch that is being read */
	struct truth_score *scores;
	size_t nr, capacity;
};

static int finish_epoch(struct judge *judge, const struct trace_epoch *epoch,
			bool by_round, struct status *st)
{
	const struct ground_truth *truth = judge->truth;
	uint8_t wanted = epoch->channels & TRACE_CHANNEL_ACCESSED
				 ? GROUND_TRUTH_READ | GROUND_TRUTH_WRITTEN
				 : GROUND_TRUTH_WRITTEN;
	const uint8_t *round = find_round(truth, epoch->index, by_round, st);
	int ret = round ? kage_grow(&judge->scores, &judge->capacity, judge->nr,
				    sizeof(*judge->scores), st)
			: -EINVAL;

	if (ret)
		return ret;
	judge->scores[judge->nr++] =
		score_pages(judge->pages, truth->npages, round, wanted);
	memset(judge->pages, 0, truth->npages);
	return 0;
}

static int read_epochs(struct judge *judge, struct trace_reader *reader,
		       bool by_round, struct status *st)
{
	struct trace_block block;
	int ret;

	while ((ret = trace_reader_next(reader, &block, st)) > 0) {
		if (block.type != TRACE_BLOCK_EPOCH)
			continue;
		for (size_t i = 0; i < block.nr_runs; i++)
			mark_seen(judge->truth, &block.runs[i], judge->pages);
		if (block.is_last_part)
			ret = finish_epoch(judge, &block.epoch, by_round, st);
		if (ret < 0)
			break;
	}
	return ret;
}

int ground_truth_judge(const struct ground_truth *truth,
		       struct trace_reader *reader, bool by_round,
		       struct truth_score **scores, size_t *nr,
		       struct status *st)
{
	struct judge judge = {.truth = truth};
	int ret;

	*scores = NULL;
	*nr = 0;
	if (!by_round && !truth->is_steady)
		return status_fail(
			st, EINVAL,
			"the program's rounds differ: only a capture "
			"with one epoch per round can be judged");
	judge.pages = kage_calloc(truth->npages, 1, st);
	if (!judge.pages)
		return -ENOMEM;
	ret = read_epochs(&judge, reader, by_round, st);
	free(judge.pages);
	if (!ret && !judge.nr)
		ret = status_fail(st, EINVAL, "the trace has no epochs");
	if (ret) {
		free(judge.scores);
		return ret;
	}
	*scores = judge.scores;
	*nr = judge.nr;
	return 0;
}

double ground_truth_precision(const struct truth_score *score)
{
	return score->seen ? (double)score->both / (double)score->seen : 1;
}

double ground_truth_recall(const struct truth_score *score)
{
	return score->expected ? (double)score->both / (double)score->expected
			       : 1;
}
