/* SPDX-License-Identifier: MIT */
/*
 * The table of what is read for the fingerprint, and the readers; see
 * fingerprint.h.  What follows from it for KVM is in fingerprint_kvm.c.
 */
#include "capture/host/fingerprint.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/host/sysfile.h"

enum {
	PATH_BYTES = 128,
};

/* How the text of a file becomes a value. */
enum value_kind {
	VALUE_TEXT,   /* the first line */
	VALUE_COUNT,  /* decimal, or hexadecimal with 0x */
	VALUE_KIB,    /* "123 kB", as bytes */
	VALUE_BOOL,   /* Y, N, 1, 0 */
	VALUE_CHOICE, /* the word in brackets */
	VALUE_FLAG,   /* is @key among the flags of the first CPU? */
	VALUE_MODULE, /* initstate of a module's folder, or "built-in" */
	VALUE_EXISTS, /* null where even the folder above is missing */
};

struct fact {
	const char *name; /* place in the object */
	enum value_kind kind;
	const char *file;
	const char *key; /* of a "key : value" line; NULL: the file is it */
};

static const struct fact facts[] = {
#define FACT(name, kind, file, key) {#name, VALUE_##kind, file, key},
#include "capture/host/fingerprint.def"
#undef FACT
};

/* A number that is nothing else but @unit; null if it is not one. */
static json_t *to_number(const char *text, const char *unit, json_int_t scale)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, strncmp(text, "0x", 2) ? 10 : 16);
	if (errno || end == text || strcmp(end, unit) || value < 0 ||
	    value > INT64_MAX / scale)
		return json_null();
	return json_integer(value * scale);
}

static json_t *to_bool(const char *text)
{
	if (!strcmp(text, "Y") || !strcmp(text, "1"))
		return json_true();
	if (!strcmp(text, "N") || !strcmp(text, "0"))
		return json_false();
	return json_null();
}

static json_t *to_choice(const char *text)
{
	const char *open = strchr(text, '[');
	const char *close_at = open ? strchr(open, ']') : NULL;

	return close_at ? json_stringn(open + 1, (size_t)(close_at - open - 1))
			: json_null();
}

static json_t *to_value(const struct fact *fact, const char *line)
{
	switch (fact->kind) {
	case VALUE_COUNT:
		return to_number(line, "", 1);
	case VALUE_KIB:
		return to_number(line, " kB", 1024);
	case VALUE_BOOL:
		return to_bool(line);
	case VALUE_CHOICE:
		return to_choice(line);
	case VALUE_FLAG:
		return json_boolean(sysfile_has_word(line, fact->key));
	default:
		return *line ? json_string(line) : json_null();
	}
}

static json_t *module_state(int root, const char *folder)
{
	char path[PATH_BYTES], text[SYSFILE_MAX];

	snprintf(path, sizeof(path), "%sinitstate", folder);
	if (sysfile_read(root, path, text))
		return json_string(sysfile_line(text));
	return sysfile_exists(root, folder) ? json_string("built-in")
					    : json_null();
}

static json_t *existence(int root, const char *path)
{
	char above[PATH_BYTES];

	snprintf(above, sizeof(above), "%.*s", (int)(strrchr(path, '/') - path),
		 path);
	if (sysfile_exists(root, path))
		return json_true();
	return sysfile_exists(root, above) ? json_false() : json_null();
}

static json_t *take_fact(int root, const struct fact *fact)
{
	char text[SYSFILE_MAX];
	char *value = text;

	if (fact->kind == VALUE_MODULE)
		return module_state(root, fact->file);
	if (fact->kind == VALUE_EXISTS)
		return existence(root, fact->file);
	if (!sysfile_read(root, fact->file, text))
		return json_null();
	if (fact->key)
		value = sysfile_key(text, fact->kind == VALUE_FLAG ? "flags"
								   : fact->key);
	return value ? to_value(fact, sysfile_line(value)) : json_null();
}

/* Put @value (taken) at a dotted place. */
static int put(json_t *object, const char *name, json_t *value)
{
	const char *dot;

	for (; (dot = strchr(name, '.')); name = dot + 1) {
		char part[PATH_BYTES];
		json_t *inner;

		snprintf(part, sizeof(part), "%.*s", (int)(dot - name), name);
		inner = json_object_get(object, part);
		if (!inner) {
			inner = json_object();
			if (json_object_set_new(object, part, inner)) {
				json_decref(value);
				return -ENOMEM;
			}
		}
		object = inner;
	}
	return json_object_set_new(object, name, value) ? -ENOMEM : 0;
}

/* One line of /proc/swaps, which begins with a path that stays here. */
static json_t *swap_device(const char *line)
{
	char path[SYSFILE_MAX], kind[32];
	unsigned long long kib;

	if (sscanf(line, "%16383s %31s %llu", path, kind, &kib) != 3)
		return NULL;
	return json_pack("{s:s, s:I}", "kind",
			 strncmp(path, "/dev/zram", 9) ? kind : "zram", "size",
			 (json_int_t)(kib * 1024));
}

static json_t *swap_devices(int root)
{
	char text[SYSFILE_MAX];
	json_t *devices;
	char *line;

	if (!sysfile_read(root, "proc/swaps", text))
		return json_null();
	devices = json_array();
	line = strchr(text, '\n'); /* behind the titles */
	for (; line; line = strchr(line + 1, '\n')) {
		json_t *device = swap_device(line + 1);

		if (device)
			json_array_append_new(devices, device);
	}
	return devices;
}

static json_t *cgroup_version(int root)
{
	char text[SYSFILE_MAX];

	if (sysfile_read(root, "sys/fs/cgroup/cgroup.controllers", text) &&
	    sysfile_has_word(sysfile_line(text), "memory"))
		return json_integer(2);
	return sysfile_exists(root,
			      "sys/fs/cgroup/memory/memory.usage_in_bytes")
		       ? json_integer(1)
		       : json_null();
}

static bool is_one_of(const char *text, const char *words)
{
	return text && sysfile_has_word(words, text);
}

/* hugepage_pmd_enabled() in mm/khugepaged.c of 6.12; null where a kernel may go
 * either way (huge pages for files only). */
static json_t *khugepaged(const json_t *thp)
{
	const char *all = json_string_value(json_object_get(thp, "enabled"));
	const char *pmd =
		json_string_value(json_object_get(thp, "pmd_enabled"));
	const char *shmem =
		json_string_value(json_object_get(thp, "shmem_enabled"));

	if (!all)
		return json_null();
	if (is_one_of(pmd, "always madvise") ||
	    (strcmp(all, "never") && (!pmd || !strcmp(pmd, "inherit"))))
		return json_true();
	return !strcmp(all, "never") &&
			       (!shmem || is_one_of(shmem, "never deny"))
		       ? json_false()
		       : json_null();
}

json_t *fingerprint_take(int root, struct status *st)
{
	json_t *host = json_object();
	int ret = host ? 0 : -ENOMEM;

	for (size_t i = 0; i < sizeof(facts) / sizeof(*facts) && !ret; i++)
		ret = put(host, facts[i].name, take_fact(root, &facts[i]));
	if (!ret)
		ret = put(host, "swap.devices", swap_devices(root));
	if (!ret)
		ret = put(host, "cgroup.version", cgroup_version(root));
	if (!ret)
		ret = put(host, "thp.khugepaged",
			  khugepaged(json_object_get(host, "thp")));
	if (!ret)
		ret = fingerprint_kvm(host, st);
	if (ret) {
		status_fail(st, ENOMEM, "out of memory");
		json_decref(host);
		host = NULL;
	}
	return host;
}
