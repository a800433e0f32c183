/* SPDX-License-Identifier: MIT */
/* A running guest in JSON; see describe.h. */
#include "capture/vmm/describe.h"

#include <errno.h>
#include <unistd.h>

#include "capture/vmm/guest_abi.h"
#include "capture/vmm/truth.h"

enum {
	PARAMS_TEXT = 512,
};

static json_t *runs_of(const uint8_t *touches, uint64_t pages, uint8_t flag)
{
	json_t *runs = json_array();

	for (uint64_t i = 0; i < pages; i++) {
		uint64_t first = i;

		while (i < pages && touches[i] & flag)
			i++;
		if (i > first)
			json_array_append_new(
				runs,
				json_pack("[I,I]",
					  (json_int_t)(GUEST_DATA_GFN + first),
					  (json_int_t)(i - first)));
	}
	return runs;
}

/* Return: NULL without memory. */
static json_t *describe_truth(const struct vmm_config *config, uint64_t rounds,
			      struct status *st)
{
	json_t *list = json_array();
	struct truth *truth;

	if (truth_create(&truth, config->program->program, config->params,
			 config->pages, config->nr_vcpus, st)) {
		json_decref(list);
		return NULL;
	}
	for (uint64_t i = 0; i < rounds && i < config->rounds; i++) {
		const uint8_t *touches = truth_touches(truth);

		truth_round(truth);
		json_array_append_new(
			list,
			json_pack("{s:I, s:o, s:o}", "round", (json_int_t)i,
				  "read",
				  runs_of(touches, config->pages, TRUTH_READ),
				  "written",
				  runs_of(touches, config->pages,
					  TRUTH_WRITTEN)));
	}
	truth_destroy(truth);
	return list;
}

static json_t *describe_slots(const struct vmm *vmm)
{
	const struct trace_slot *slots = vmm_slots(vmm);
	json_t *list = json_array();

	for (unsigned int i = 0; i < VMM_SLOTS; i++)
		json_array_append_new(
			list,
			json_pack("{s:s, s:I, s:I, s:I, s:i, s:i, s:s}", "use",
				  i == VMM_SLOT_DATA ? "data" : "system", "gfn",
				  (json_int_t)slots[i].gfn, "npages",
				  (json_int_t)slots[i].npages, "hva",
				  (json_int_t)slots[i].hva, "page_bytes",
				  (int)slots[i].page_bytes, "node",
				  (int)slots[i].node, "backing",
				  slots[i].backing));
	return list;
}

static json_t *describe_tids(const struct vmm *vmm, unsigned int nr_vcpus)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < nr_vcpus; i++)
		json_array_append_new(list, json_integer(vmm_vcpu_tid(vmm, i)));
	return list;
}

int vmm_describe(json_t **json, const struct vmm *vmm,
		 const struct vmm_config *config, uint64_t truth_rounds,
		 struct status *st)
{
	const struct guest_program *program = config->program->program;
	bool is_steady = program->is_steady &&
			 program->is_steady(config->params);
	bool is_endless = config->rounds == VMM_ENDLESS;
	char params[PARAMS_TEXT];
	int ret = param_format(program->params, config->params, params,
			       sizeof(params));

	*json = NULL;
	if (ret)
		return status_fail(st, -ret, "parameters of %s: too long",
				   config->program->name);
	*json = json_pack(
		"{s:i, s:o, s:s, s:s, s:i, s:I, s:b, s:o, s:I, s:o, s:b, s:o}",
		"pid", (int)getpid(), "tids",
		describe_tids(vmm, config->nr_vcpus), "program",
		config->program->name, "params", params, "vcpus",
		(int)config->nr_vcpus, "pages", (json_int_t)config->pages,
		"thp", (int)config->is_thp, "rounds",
		is_endless ? json_null()
			   : json_integer((json_int_t)config->rounds),
		"pace_ns", (json_int_t)config->pace_ns, "slots",
		describe_slots(vmm), "is_steady", (int)is_steady, "truth",
		describe_truth(config, truth_rounds, st));
	if (!*json)
		return status_fail(st, ENOMEM, "out of memory");
	return 0;
}
