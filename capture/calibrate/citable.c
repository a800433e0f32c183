/* SPDX-License-Identifier: MIT */
/* What the host is; see citable.h. */
#include "capture/calibrate/citable.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include "capture/host/fingerprint.h"

void hypervisor_name(char name[HYPERVISOR_TEXT])
{
	memset(name, 0, HYPERVISOR_TEXT);
#if defined(__x86_64__) || defined(__i386__)
	enum {
		HYPERVISOR_BIT = 31,
		HYPERVISOR_LEAF = 0x40000000,
	};
	unsigned int a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> HYPERVISOR_BIT & 1))
		return;
	__cpuid(HYPERVISOR_LEAF, a, b, c, d);
	memcpy(name, &b, sizeof(b));
	memcpy(name + 4, &c, sizeof(c));
	memcpy(name + 8, &d, sizeof(d));
	for (char *at = name; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
#endif
}

static const char *text_at(const json_t *host, const char *group,
			   const char *key, const char *none)
{
	const char *text = json_string_value(
		json_object_get(json_object_get(host, group), key));

	return text ? text : none;
}

int citable_check(int root, const char *hypervisor, struct status *st)
{
	json_t *host = fingerprint_take(root, NULL);
	const char *kind = text_at(host, "kvm", "kind", "unknown");
	int ret = 0;

	if (!strcmp(hypervisor, "TCGTCGTCGTCG"))
		ret = status_fail(st, ENOTSUP,
				  "this host's CPU is emulated by QEMU TCG "
				  "(CPUID leaf 0x40000000): times mean nothing "
				  "here");
	else if (!strcmp(kind, "pvm"))
		ret = status_fail(st, ENOTSUP,
				  "KVM is of the PVM kind here (module "
				  "kvm_pvm), which emulates the guest: times "
				  "mean nothing");
	json_decref(host);
	return ret;
}

/* A cost file is of printable ASCII, and tabs part its fields. */
static void make_plain(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

void citable_host(int root, const char *hypervisor, char text[HOST_TEXT])
{
	json_t *host = fingerprint_take(root, NULL);
	const json_t *tdp =
		json_object_get(json_object_get(host, "kvm"), "tdp_mmu");

	snprintf(text, HOST_TEXT,
		 "Linux %.60s, %.60s, KVM %.12s (%.12s%s), %ld CPUs, %s%.12s",
		 text_at(host, "kernel", "release", "?"),
		 text_at(host, "cpu", "model_name", "unknown CPU"),
		 text_at(host, "kvm", "kind", "unknown"),
		 text_at(host, "kvm", "paging", "paging unknown"),
		 json_is_true(tdp) ? ", TDP MMU" : "",
		 sysconf(_SC_NPROCESSORS_ONLN),
		 hypervisor[0] ? "in a VM of " : "bare", hypervisor);
	make_plain(text);
	json_decref(host);
}
