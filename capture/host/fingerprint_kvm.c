/* SPDX-License-Identifier: MIT */
/*
 * Which KVM this is and how it learns of accesses and writes: rules over what
 * fingerprint_take() read.  The rules and their sources are in fingerprint.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/host/fingerprint.h"

/* What is known about a yes or no. */
enum answer {
	ANSWER_NO,
	ANSWER_YES,
	ANSWER_UNKNOWN,
};

static enum answer to_answer(const json_t *value)
{
	if (json_is_boolean(value))
		return json_is_true(value) ? ANSWER_YES : ANSWER_NO;
	return ANSWER_UNKNOWN;
}

static enum answer parameter(const json_t *kvm, const char *vendor,
			     const char *name)
{
	const json_t *group = json_object_get(kvm, "parameters");

	return to_answer(json_object_get(
		vendor ? json_object_get(group, vendor) : group, name));
}

static const struct {
	const char *module, *flag, *kind;
} kinds[] = {
	{"kvm_intel", "has_vmx", "vmx"},
	{"kvm_amd", "has_svm", "svm"},
	{"kvm_pvm", NULL, "pvm"},
};

static const char *find_kind(const json_t *host)
{
	const json_t *cpu = json_object_get(host, "cpu");
	const json_t *kvm = json_object_get(host, "kvm");
	const json_t *modules = json_object_get(kvm, "modules");
	const char *kind = NULL;

	if (to_answer(json_object_get(kvm, "device")) == ANSWER_NO)
		return "none";
	if (to_answer(json_object_get(kvm, "device")) == ANSWER_UNKNOWN)
		return "unknown";
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const char *state = json_string_value(
			json_object_get(modules, kinds[i].module));

		if (!state || (strcmp(state, "live") && kinds[i].flag &&
			       to_answer(json_object_get(cpu, kinds[i].flag)) !=
				       ANSWER_YES))
			continue;
		if (kind)
			return "unknown";
		kind = kinds[i].kind;
	}
	return kind ? kind : "unknown";
}

/* Return: whose page tables the guest's memory is under, NULL if not known. */
static const char *find_paging(const json_t *kvm, const char *kind)
{
	enum answer two_dimensional = ANSWER_UNKNOWN;

	if (!strcmp(kind, "pvm"))
		return "shadow";
	if (!strcmp(kind, "vmx"))
		two_dimensional = parameter(kvm, "intel", "ept");
	if (!strcmp(kind, "svm"))
		two_dimensional = parameter(kvm, "amd", "npt");
	if (two_dimensional == ANSWER_UNKNOWN)
		return NULL;
	if (two_dimensional == ANSWER_NO)
		return "shadow";
	return strcmp(kind, "vmx") ? "NPT" : "EPT";
}

static const char *find_dirty(const json_t *kvm, const char *kind)
{
	static const char *const names[] = {
		[ANSWER_NO] = "write protection",
		[ANSWER_YES] = "PML",
		[ANSWER_UNKNOWN] = NULL,
	};

	if (!strcmp(kind, "vmx"))
		return names[parameter(kvm, "intel", "pml")];
	if (!strcmp(kind, "none"))
		return "none";
	return strcmp(kind, "unknown") ? "write protection" : NULL;
}

static const char *find_accessed(const json_t *kvm, const char *kind,
				 const char *paging)
{
	static const char *const names[] = {
		[ANSWER_NO] = "access tracking",
		[ANSWER_YES] = "EPT A/D",
		[ANSWER_UNKNOWN] = NULL,
	};

	if (!strcmp(kind, "none"))
		return "none";
	if (!paging || !strcmp(kind, "pvm"))
		return NULL;
	if (!strcmp(paging, "shadow"))
		return "shadow page table A/D";
	return strcmp(paging, "EPT") ? "NPT A/D"
				     : names[parameter(kvm, "intel", "eptad")];
}

/* Is the TDP MMU in use?  null where that cannot be told. */
static json_t *find_tdp_mmu(const json_t *kvm, const char *paging)
{
	enum answer wanted = parameter(kvm, NULL, "tdp_mmu");

	if (wanted == ANSWER_NO || (paging && !strcmp(paging, "shadow")))
		return json_false();
	if (wanted == ANSWER_UNKNOWN || !paging)
		return json_null();
	return json_true();
}

int fingerprint_kvm(json_t *host, struct status *st)
{
	json_t *kvm = json_object_get(host, "kvm");
	const char *kind = find_kind(host);
	const char *paging = find_paging(kvm, kind);
	json_t *found = json_pack("{s:s, s:o, s:s?, s:s?, s:s?}", "kind", kind,
				  "tdp_mmu", find_tdp_mmu(kvm, paging),
				  "paging", paging, "dirty_mechanism",
				  find_dirty(kvm, kind), "accessed_mechanism",
				  find_accessed(kvm, kind, paging));
	int ret = found && !json_object_update(kvm, found) ? 0 : -ENOMEM;

	json_decref(found);
	return ret ? status_fail(st, ENOMEM, "out of memory") : 0;
}

void fingerprint_kvm_word(int root, const char *key,
			  char word[FINGERPRINT_WORD])
{
	int own = root < 0 ? open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	json_t *host = fingerprint_take(root < 0 ? own : root, NULL);
	const char *text = json_string_value(
		json_object_get(json_object_get(host, "kvm"), key));

	snprintf(word, FINGERPRINT_WORD, "%s", text ? text : "");
	json_decref(host);
	if (own >= 0)
		close(own);
}
