/* SPDX-License-Identifier: MIT */
/* calc-dirty-rate; see dirty_rate.h. */
#include "capture/qemu/dirty_rate.h"

#include <errno.h>
#include <string.h>

#define SECOND_NS UINT64_C(1000000000)
#define MS_NS	  UINT64_C(1000000)

/* QEMU migration/dirtyrate.c: MIN_FETCH_DIRTYRATE_TIME_MS and _MAX_ */
enum {
	LEAST_MS = 50,
	MOST_S = 60,
};

static json_t *find_named(json_t *list, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		const char *its =
			json_string_value(json_object_get(item, "name"));

		if (its && !strcmp(its, name))
			return item;
	}
	return NULL;
}

/* Return: the members of a command's arguments or of an enumeration. */
static json_t *members_of(json_t *schema, json_t *type)
{
	const char *name = json_string_value(type);
	json_t *object = name ? find_named(schema, name) : NULL;

	return json_object_get(object, "members");
}

static bool has_value(json_t *schema, json_t *type, const char *value)
{
	json_t *object = find_named(schema, json_string_value(type));
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(object, "values"), i, item)
	{
		if (!strcmp(json_string_value(item), value))
			return true;
	}
	return false;
}

static int read_schema(struct dirty_rate *rate, struct status *st)
{
	json_t *schema = qmp_command(rate->qmp, "query-qmp-schema", NULL, st);
	json_t *command, *members, *mode;
	bool is_able;

	if (!schema)
		return -EPROTO;
	command = find_named(schema, "calc-dirty-rate");
	members = members_of(schema, json_object_get(command, "arg-type"));
	mode = find_named(members, "mode");
	is_able = mode && has_value(schema, json_object_get(mode, "type"),
				    "dirty-ring");
	rate->has_ms = find_named(members, "calc-time-unit");
	json_decref(schema);
	if (is_able)
		return 0;
	return status_fail(st, EOPNOTSUPP,
			   "QEMU %s has no calc-dirty-rate in dirty-ring mode: "
			   "6.2 and later have it",
			   rate->qmp->version);
}

static int check_kvm(struct dirty_rate *rate, struct status *st)
{
	json_t *kvm = qmp_command(rate->qmp, "query-kvm", NULL, st);
	bool is_on = json_is_true(json_object_get(kvm, "enabled"));
	bool is_known = kvm;

	json_decref(kvm);
	if (!is_known)
		return -EPROTO;
	if (is_on)
		return 0;
	return status_fail(st, EOPNOTSUPP,
			   "this QEMU emulates its guest: start it with -accel "
			   "kvm,dirty-ring-size=4096, or use the backend tcg");
}

static int check_period(const struct dirty_rate *rate, struct status *st)
{
	uint64_t ns = rate->period_ns;

	if (ns > MOST_S * SECOND_NS || ns < LEAST_MS * MS_NS)
		return status_fail(st, EINVAL,
				   "--epoch: QEMU measures 50 ms to 60 s");
	if (!rate->has_ms && ns % SECOND_NS)
		return status_fail(st, EINVAL,
				   "--epoch: QEMU %s measures whole seconds",
				   rate->qmp->version);
	if (ns % MS_NS)
		return status_fail(st, EINVAL,
				   "--epoch: QEMU measures whole milliseconds");
	return 0;
}

int dirty_rate_init(struct dirty_rate *rate, struct qmp *qmp,
		    uint64_t period_ns, struct status *st)
{
	int ret;

	*rate = (struct dirty_rate){.qmp = qmp, .period_ns = period_ns};
	ret = check_kvm(rate, st);
	if (!ret)
		ret = read_schema(rate, st);
	return ret ? ret : check_period(rate, st);
}

/* What QEMU says in words is all it says. */
static int explain(int error, struct status *st)
{
	char why[sizeof(st->message)];

	strcpy(why, st->message);
	if (strstr(why, "dirty-ring is not enabled") ||
	    strstr(why, "dirty ring is disabled"))
		return status_fail(st, EOPNOTSUPP,
				   "this QEMU has no dirty ring: start it with "
				   "-accel kvm,dirty-ring-size=4096");
	if (strstr(why, "still in measuring"))
		return status_fail(st, EBUSY,
				   "somebody else measures this QEMU's dirty "
				   "rate: wait, or ask for query-dirty-rate");
	return error;
}

int dirty_rate_start(struct dirty_rate *rate, struct status *st)
{
	uint64_t unit = rate->has_ms ? MS_NS : SECOND_NS;
	json_t *arguments = json_pack("{s:s, s:I}", "mode", "dirty-ring",
				      "calc-time",
				      (json_int_t)(rate->period_ns / unit));
	json_t *answer;
	struct status why = {""};
	int ret = 0;

	if (rate->has_ms)
		json_object_set_new(arguments, "calc-time-unit",
				    json_string("millisecond"));
	answer = qmp_command(rate->qmp, "calc-dirty-rate", arguments, &why);
	if (!answer) {
		ret = explain(rate->qmp->broken ? -EPIPE : -EPROTO, &why);
		status_fail(st, -ret, "%s", why.message);
	}
	json_decref(answer);
	return ret;
}

int dirty_rate_is_done(struct dirty_rate *rate, struct status *st)
{
	json_t *answer = qmp_command(rate->qmp, "query-dirty-rate", NULL, st);
	const char *status =
		json_string_value(json_object_get(answer, "status"));
	int is_done = status && strcmp(status, "measuring") != 0;
	bool is_known = answer;

	json_decref(answer);
	if (is_known)
		return is_done;
	return rate->qmp->broken ? -EPIPE : -EPROTO;
}
