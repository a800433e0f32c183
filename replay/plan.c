/* SPDX-License-Identifier: MIT */
/* Parsing of policies, limits and drivers; see plan.h. */
#include "replay/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/units.h"
#include "replay/preset.h"

enum {
	ITEM = 256,  /* a name, and parameters as run rows have them */
	KNOWN = 256, /* a list of names for a message */
	PAGE_BYTES = 4096,
	PACE_NS_MAX = 1000000000, /* so that no work overflows the clock */
};

struct limit {
	uint64_t pages;
	char text[24];
};

/* One item of a comma-separated list: "NAME:key=value:key=value". */
struct item {
	char name[ITEM];
	char params[ITEM]; /* "key=value,key=value" */
};

/* Return: behind the item and its comma, or NULL if it is too long. */
static const char *next_item(const char *text, struct item *item)
{
	size_t length = strcspn(text, ",");
	size_t name = strcspn(text, ":,");

	if (length >= ITEM)
		return NULL;
	memcpy(item->name, text, name);
	item->name[name] = '\0';
	item->params[0] = '\0';
	if (name < length) {
		memcpy(item->params, text + name + 1, length - name - 1);
		item->params[length - name - 1] = '\0';
	}
	for (char *c = item->params; *c; c++)
		*c = *c == ':' ? ',' : *c;
	return text + length + (text[length] == ',');
}

bool plan_needs_footprint(const struct plan_request *request)
{
	return request->limits && strchr(request->limits, '%');
}

/* Names as in " one two three", as far as there is room. */
static void add_name(char *known, size_t size, const char *name)
{
	size_t used = strlen(known);

	snprintf(known + used, size - used, " %s", name);
}

static int parse_limit(const char *text, uint64_t footprint,
		       struct limit *limit, struct status *st)
{
	char number[sizeof(limit->text)];
	size_t length = strlen(text);
	double percent;
	int ret;

	if (!length || length >= sizeof(number))
		return status_fail(st, EINVAL, "--limit: '%s' is no limit",
				   text);
	memcpy(number, text, length + 1);
	memcpy(limit->text, text, length + 1);
	if (number[length - 1] != '%') {
		ret = units_parse_size(text, &limit->pages, st);
		limit->pages /= PAGE_BYTES;
	} else {
		number[length - 1] = '\0';
		ret = units_parse_real(number, &percent, st);
		if (!ret && percent > 1e6)
			ret = status_fail(st, EINVAL,
					  "--limit: '%s' is too much", text);
		if (!ret)
			limit->pages = units_share(percent / 100, footprint);
	}
	if (!ret && !limit->pages)
		return status_fail(st, EINVAL,
				   "--limit: '%s' is less than one page", text);
	return ret;
}

static void set_limit(struct lane_config *config, const struct limit *limit)
{
	config->limit_pages = limit->pages;
	memcpy(config->limit_text, limit->text, sizeof(config->limit_text));
}

static int add_bound(struct plan *plan, const struct bound_entry *bound,
		     const struct lane_config *base, const struct limit *limit,
		     struct status *st)
{
	struct plan_bound *b;

	if (kage_grow(&plan->bounds, &plan->bounds_capacity, plan->nr_bounds,
		      sizeof(*b), st))
		return -ENOMEM;
	b = &plan->bounds[plan->nr_bounds++];
	*b = (struct plan_bound){.bound = bound, .config = *base};
	set_limit(&b->config, limit);
	return 0;
}

static int add_lane(struct plan *plan, const struct lane_config *base,
		    const struct limit *limit, struct status *st)
{
	struct lane_config *c;

	if (kage_grow(&plan->lanes, &plan->lanes_capacity, plan->nr_lanes,
		      sizeof(*c), st))
		return -ENOMEM;
	c = &plan->lanes[plan->nr_lanes++];
	*c = *base;
	set_limit(c, limit);
	return 0;
}

static int unknown_policy(const char *name, struct status *st)
{
	char known[KNOWN] = "";

	for (const struct policy_entry *e = policies; e->name; e++)
		add_name(known, sizeof(known), e->name);
	for (const struct bound_entry *e = bounds; e->name; e++)
		add_name(known, sizeof(known), e->name);
	for (const struct preset *p = presets; p->kernel; p++)
		add_name(known, sizeof(known), p->name);
	return status_fail(st, EINVAL, "no policy '%s'; known:%s", name, known);
}

/* "linux-6.12": the policy of that kernel, with its MGLRU whatever --kernel says. */
static int take_preset(struct item *item, struct lane_config *config,
		       struct status *st)
{
	const struct preset *preset = preset_named(item->name);

	if (!preset)
		return 0;
	if (*item->params)
		return status_fail(st, EINVAL,
				   "%s is as that kernel has it: no '%s'",
				   item->name, item->params);
	config->version = mglru_version_find(preset->kernel);
	next_item(preset->policy, item);
	return 0;
}

/* One item of --policy at one limit. */
static int add_policy(struct plan *plan, struct item *item,
		      const struct lane_config *base, const struct limit *limit,
		      struct status *st)
{
	const struct bound_entry *bound = bound_find(item->name);
	struct lane_config config = *base;
	int ret = take_preset(item, &config, st);

	if (ret)
		return ret;
	if (bound && !base->driver->ops->needs_limit)
		return status_fail(
			st, EINVAL,
			"%s is a bound for a fixed size: it needs --driver limit",
			item->name);
	if (!bound)
		ret = memory_check(config.memory, config.version, st);
	if (ret)
		return ret;
	config.policy = policy_find(item->name);
	if (!bound && !config.policy)
		return unknown_policy(item->name, st);
	ret = param_parse(bound ? NULL : config.policy->ops->params,
			  config.policy_params, item->name, item->params, st);
	if (ret)
		return ret;
	return bound ? add_bound(plan, bound, base, limit, st)
		     : add_lane(plan, &config, limit, st);
}

/* Nobody asked for any: all, and the bounds where there is a limit to hold to. */
static int add_everything(struct plan *plan, const struct lane_config *base,
			  const struct limit *limit, struct status *st)
{
	struct item item = {.params = ""};
	int ret = 0;

	for (const struct policy_entry *e = policies; e->name && !ret; e++) {
		snprintf(item.name, sizeof(item.name), "%s", e->name);
		ret = add_policy(plan, &item, base, limit, st);
	}
	if (!base->driver->ops->needs_limit)
		return ret;
	for (const struct bound_entry *e = bounds; e->name && !ret; e++)
		ret = add_bound(plan, e, base, limit, st);
	return ret;
}

static int add_policies(struct plan *plan, const struct plan_request *request,
			const struct lane_config *base,
			const struct limit *limit, struct status *st)
{
	const char *at = request->policies;
	struct item item;
	int ret = 0;

	if (!at)
		return add_everything(plan, base, limit, st);
	if (!*at)
		return status_fail(st, EINVAL, "--policy: names no policy");
	while (!ret && *at) {
		at = next_item(at, &item);
		if (!at)
			return status_fail(st, EINVAL,
					   "--policy: an item is too long");
		ret = add_policy(plan, &item, base, limit, st);
	}
	return ret;
}

static int add_limits(struct plan *plan, const struct plan_request *request,
		      const struct lane_config *base, uint64_t footprint,
		      struct status *st)
{
	const char *at = request->limits ? request->limits : "";
	struct limit limit = {0};
	struct item item;
	int ret = 0;

	if (!base->driver->ops->needs_limit) {
		if (*at)
			return status_fail(
				st, EINVAL,
				"--driver %s has no limit: leave out --limit",
				base->driver->name);
		return add_policies(plan, request, base, &limit, st);
	}
	if (!*at)
		return status_fail(
			st, EINVAL,
			"--driver %s needs --limit, such as 25%%,50%%,75%%",
			base->driver->name);
	while (!ret && *at) {
		at = next_item(at, &item);
		ret = at && !*item.params
			      ? parse_limit(item.name, footprint, &limit, st)
			      : status_fail(
					st, EINVAL,
					"--limit: '%s' is no list of limits",
					request->limits);
		if (!ret)
			ret = add_policies(plan, request, base, &limit, st);
	}
	return ret;
}

/* What follows the driver's name is a path, whatever is in it. */
static int load_scenario(struct plan *plan, struct lane_config *base,
			 const char *path, struct status *st)
{
	int ret;

	if (!*path)
		return status_fail(
			st, EINVAL,
			"--driver %s needs a scenario file: %s:FILE.scn",
			base->driver->name, base->driver->name);
	plan->scenario = kage_calloc(1, sizeof(*plan->scenario), st);
	if (!plan->scenario)
		return -ENOMEM;
	ret = scenario_load(plan->scenario, path, st);
	if (ret)
		return ret;
	base->scenario = plan->scenario;
	snprintf(base->scenario_text, sizeof(base->scenario_text),
		 "id=%016" PRIx64 ",file=%.90s", scenario_id(plan->scenario),
		 scenario_name(plan->scenario));
	return 0;
}

/* Return: the driver that @text names, if it needs a scenario; its @path. */
static const struct driver_entry *scenario_driver(const char *text,
						  const char **path)
{
	size_t length = strcspn(text, ":");

	*path = text + length + (text[length] == ':');
	for (const struct driver_entry *e = drivers; e->name; e++)
		if (e->ops->needs_scenario && strlen(e->name) == length &&
		    !strncmp(e->name, text, length))
			return e;
	return NULL;
}

static int parse_driver(struct lane_config *base, const char *text,
			struct status *st)
{
	char known[KNOWN] = "";
	struct item item;
	const char *rest = next_item(text, &item);

	if (!rest || *rest)
		return status_fail(
			st, EINVAL,
			"--driver: '%s' is not NAME:key=value:key=value", text);
	base->driver = driver_find(item.name);
	for (const struct driver_entry *e = drivers; e->name; e++)
		add_name(known, sizeof(known), e->name);
	if (!base->driver)
		return status_fail(st, EINVAL, "no driver '%s'; known:%s",
				   item.name, known);
	return param_parse(base->driver->ops->params, base->driver_params,
			   item.name, item.params, st);
}

static int find_version(struct lane_config *base, const char *release,
			struct status *st)
{
	char known[KNOWN] = "";

	base->version = mglru_version_find(release);
	for (size_t i = 0; mglru_versions[i]; i++)
		add_name(known, sizeof(known), mglru_versions[i]->name);
	return base->version
		       ? 0
		       : status_fail(st, EINVAL,
				     "no model of the MGLRU of '%s'; known:%s",
				     release, known);
}

/* --thp is a parameter of the MMU, whose leaves are as large as folios are. */
static int add_thp(struct item *item, struct status *st)
{
	size_t used = strlen(item->params);

	if (!strncmp(item->params, "level=", 6) ||
	    strstr(item->params, ",level="))
		return status_fail(st, EINVAL,
				   "--thp is level=thp: --mmu has a level");
	if (used + sizeof(",level=thp") > sizeof(item->params))
		return status_fail(st, EINVAL, "--mmu: too long");
	strcpy(item->params + used, used ? ",level=thp" : "level=thp");
	return 0;
}

static int parse_mmu(struct lane_config *base, const char *text, bool is_thp,
		     struct status *st)
{
	char known[KNOWN] = "";
	struct item item;
	const char *rest = next_item(text, &item);

	if (!rest || *rest)
		return status_fail(
			st, EINVAL,
			"--mmu: '%s' is not NAME:key=value:key=value", text);
	base->mmu = mmu_find(item.name);
	for (const struct mmu_entry *e = mmu_kinds; e->name; e++)
		add_name(known, sizeof(known), e->name);
	if (!base->mmu)
		return status_fail(st, EINVAL,
				   "no secondary MMU '%s'; known:%s", item.name,
				   known);
	if (is_thp && add_thp(&item, st))
		return -EINVAL;
	return param_parse(base->mmu->ops->params, base->mmu_params, item.name,
			   item.params, st);
}

static int make_memory(struct plan *plan, struct lane_config *base,
		       const struct plan_request *request, struct status *st)
{
	plan->memory = kage_calloc(1, sizeof(*plan->memory), st);
	if (!plan->memory)
		return -ENOMEM;
	base->memory = plan->memory;
	return memory_parse(plan->memory, request->memory, request->swappiness,
			    st);
}

static int parse_numa(struct lane_config *base, const char *text,
		      struct status *st)
{
	char known[KNOWN] = "";
	struct item item;
	const char *rest = next_item(text ? text : "off", &item);

	if (!rest || *rest)
		return status_fail(
			st, EINVAL,
			"--numa: '%s' is not MODE:key=value:key=value", text);
	base->numa = numa_find(item.name);
	for (const struct numa_mode_info *m = numa_modes; m->name; m++)
		add_name(known, sizeof(known), m->name);
	if (!base->numa)
		return status_fail(st, EINVAL,
				   "no NUMA balancing '%s'; known:%s",
				   item.name, known);
	if (base->numa->mode != NUMA_OFF && base->driver->ops->needs_scenario)
		return status_fail(
			st, EINVAL,
			"--numa %s: a scenario has no time to scan in",
			item.name);
	if (base->numa->mode != NUMA_OFF &&
	    base->mmu->ops->traits(base->mmu_params, 0).has_huge)
		return status_fail(
			st, EINVAL,
			"--numa %s: does not know folios of 2 MiB (level=thp)",
			item.name);
	return param_parse(base->numa->mode == NUMA_OFF ? NULL : numa_specs,
			   base->numa_params, item.name, item.params, st);
}

static int parse_chunk(struct lane_config *base, const char *text,
		       struct status *st)
{
	unsigned int i = 0;

	while (text && lane_chunk_names[i] && strcmp(lane_chunk_names[i], text))
		i++;
	if (!lane_chunk_names[i])
		return status_fail(st, EINVAL,
				   "--chunk: no '%s'; known: range 512 page",
				   text);
	base->chunk = (enum mmu_chunk)i;
	if (base->chunk != MMU_CHUNK_RANGE && !strcmp(base->mmu->name, "xpmem"))
		return status_fail(
			st, EINVAL,
			"--chunk %s: made under the lock of a page table, where xpmem may not sleep",
			text);
	return 0;
}

/* What all lanes of a plan have in common. */
static int make_base(struct plan *plan, struct lane_config *base,
		     const struct plan_request *request, struct status *st)
{
	const char *path;
	int ret;

	base->driver = scenario_driver(request->driver, &path);
	ret = base->driver ? load_scenario(plan, base, path, st)
			   : parse_driver(base, request->driver, st);
	if (!ret)
		ret = find_version(base, request->kernel, st);
	if (!ret)
		ret = parse_mmu(base, request->mmu, request->is_thp, st);
	if (!ret)
		ret = parse_numa(base, request->numa, st);
	if (!ret)
		ret = parse_chunk(base, request->chunk, st);
	if (!ret)
		ret = make_memory(plan, base, request, st);
	if (ret)
		return ret;
	if (request->pace_ns > PACE_NS_MAX)
		return status_fail(st, EINVAL, "--pace: 0 to 1s");
	base->pace_ns = base->scenario ? 0 : request->pace_ns;
	base->wrong_window_ns = request->wrong_window_ns;
	if (!base->wrong_window_ns && base->driver->ops->wrong_window)
		base->wrong_window_ns = base->driver->ops->wrong_window(
			&(struct lane){.config = base});
	return 0;
}

int plan_init(struct plan *plan, const struct plan_request *request,
	      uint64_t footprint_pages, struct status *st)
{
	struct lane_config base = {0};
	int ret;

	*plan = (struct plan){0};
	ret = make_base(plan, &base, request, st);
	if (!ret)
		ret = add_limits(plan, request, &base, footprint_pages, st);
	return ret;
}

void plan_fini(struct plan *plan)
{
	if (plan->scenario)
		scenario_fini(plan->scenario);
	free(plan->scenario);
	free(plan->memory);
	free(plan->lanes);
	free(plan->bounds);
}
