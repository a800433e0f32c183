/* SPDX-License-Identifier: MIT */
/* kage probe: which backends work on this machine, why not, and what to do. */
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/backend.h"
#include "capture/cmd.h"

struct probe_options {
	bool is_json;
};

static const struct opt probe_opts[] = {
	{"json", 0, OPT_FLAG, offsetof(struct probe_options, is_json), NULL,
	 "print one JSON document"},
	{.name = NULL},
};

static void print_text(const struct capture_backend *backend,
		       const struct capture_probe *probe)
{
	printf("%s: %s%s%s\n", backend->name,
	       probe->reason[0] ? "not here" : "usable",
	       probe->found[0] ? ", " : "", probe->found);
	printf("  sees:     %s\n", backend->ops->summary);
	printf("  price:    %s\n", backend->ops->price);
	printf("  verified: %s\n", backend->ops->verified_on);
	if (probe->reason[0])
		printf("  because:  %s\n  fix:      %s\n", probe->reason,
		       probe->fix);
	else
		param_help(backend->ops->params, stdout);
}

static json_t *to_json(const struct capture_backend *backend,
		       const struct capture_probe *probe)
{
	bool is_usable = !probe->reason[0];

	return json_pack("{s:s, s:b, s:s?, s:s?, s:s, s:s, s:s, s:s, s:s}",
			 "backend", backend->name, "usable", is_usable,
			 "reason", is_usable ? NULL : probe->reason, "fix",
			 is_usable ? NULL : probe->fix, "found", probe->found,
			 "sees", backend->ops->summary, "price",
			 backend->ops->price, "verified_on",
			 backend->ops->verified_on, "fidelity",
			 trace_fidelity_names[backend->ops->fidelity]);
}

static int print_json(json_t *list, struct status *st)
{
	char *text = json_dumps(list, JSON_INDENT(2));

	if (!text)
		return status_fail(st, ENOMEM, "out of memory");
	puts(text);
	free(text);
	return 0;
}

static bool is_asked_for(const char *name, const struct cmd_call *call)
{
	for (int i = 0; i < call->argc; i++)
		if (!strcmp(call->argv[i], name))
			return true;
	return !call->argc;
}

static int check_names(const struct cmd_call *call, struct status *st)
{
	for (int i = 0; i < call->argc; i++)
		if (!capture_backend_find(call->argv[i], st))
			return -EINVAL;
	return 0;
}

static int probe_run(const struct cmd_call *call, struct status *st)
{
	const struct probe_options *options = call->values;
	const struct capture_backend *backend = capture_backends;
	bool is_any_usable = false;
	int ret = check_names(call, st);
	json_t *list;

	if (ret)
		return ret;
	list = json_array();
	for (; backend->name; backend++) {
		struct capture_probe probe = {.reason = ""};

		if (!is_asked_for(backend->name, call))
			continue;
		backend->ops->probe(&probe);
		is_any_usable |= !probe.reason[0];
		if (options->is_json)
			json_array_append_new(list, to_json(backend, &probe));
		else
			print_text(backend, &probe);
	}
	if (options->is_json)
		ret = print_json(list, st);
	json_decref(list);
	if (ret)
		return ret;
	return is_any_usable ? KAGE_EXIT_OK : KAGE_EXIT_IMPOSSIBLE;
}

const struct cmd cmd_probe = {
	.name = "probe",
	.summary = "say which capture backends work here, and what is missing",
	.operands = " [BACKEND...]",
	.details = "Exit code 4 if none of them works.",
	.opts = probe_opts,
	.values_size = sizeof(struct probe_options),
	.run = probe_run,
};
