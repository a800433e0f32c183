/* SPDX-License-Identifier: MIT */
/* What a trace says of its capture; see header.h. */
#include "capture/header.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "capture/host/fingerprint.h"

static int copy_slots(struct trace_meta *meta, const struct guest *guest,
		      struct status *st)
{
	size_t bytes = guest->nr_slots * sizeof(*meta->slots);

	meta->slots = kage_calloc(guest->nr_slots, sizeof(*meta->slots), st);
	if (!meta->slots)
		return -ENOMEM;
	memcpy(meta->slots, guest->slots, bytes);
	meta->nr_slots = guest->nr_slots;
	return 0;
}

static int describe_system(json_t *details, struct status *st)
{
	int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	json_t *system;

	if (root < 0)
		return status_fail(st, errno, "/: %s", strerror(errno));
	system = fingerprint_take(root, st);
	close(root);
	if (!system)
		return -ENOMEM;
	return json_object_set_new(details, "system", system)
		       ? status_fail(st, ENOMEM, "out of memory")
		       : 0;
}

/* The format has no unknown number: it is 1 then, and the details say so. */
static int describe_vcpus(struct trace_meta *meta, const struct guest *guest,
			  json_t *details, struct status *st)
{
	meta->nr_vcpus = guest->nr_vcpus ? (unsigned int)guest->nr_vcpus : 1;
	if (guest->nr_vcpus)
		return 0;
	return json_object_set_new(details, "vcpus",
				   json_string("not known, counted as 1"))
		       ? status_fail(st, ENOMEM, "out of memory")
		       : 0;
}

int header_describe(const struct capture_ops *ops, const void *state,
		    const struct session_plan *plan, struct trace_meta *meta,
		    struct status *st)
{
	const struct guest *guest = plan->target.guest;
	json_t *details = plan->details;
	int ret = describe_system(details, st);

	if (!ret &&
	    json_object_set_new(details, "unseen", json_string(ops->unseen)))
		ret = status_fail(st, ENOMEM, "out of memory");
	if (!ret && ops->needs & GUEST_SLOTS)
		ret = copy_slots(meta, guest, st);
	if (!ret && ops->needs)
		ret = describe_vcpus(meta, guest, details, st);
	if (!ret && ops->describe)
		ret = ops->describe(state, meta, details, st);
	return ret;
}
