/* SPDX-License-Identifier: MIT */
/* Facts of a kernel's machine; see kernel_facts.h. */
#include "analysis/kernel_facts.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

/* Return: what is under the @n keys, or NULL. */
static const json_t *find(const json_t *root, int n, ...)
{
	va_list keys;

	va_start(keys, n);
	for (int i = 0; i < n; i++)
		root = json_object_get(root, va_arg(keys, const char *));
	va_end(keys);
	return root;
}

static void copy(char *to, size_t size, const json_t *text)
{
	if (json_is_string(text))
		snprintf(to, size, "%s", json_string_value(text));
}

/* With the TDP MMU, KVM has no shadow pages but those of nested guests. */
static void find_mmu(struct kernel_facts *facts, const json_t *root)
{
	const json_t *tdp = find(root, 3, "system", "kvm", "tdp_mmu");

	copy(facts->mmu, sizeof(facts->mmu), find(root, 2, "lab", "mmu"));
	if (!facts->mmu[0] && json_is_boolean(tdp))
		snprintf(facts->mmu, sizeof(facts->mmu), "%s",
			 json_is_true(tdp) ? "tdp" : "shadow");
}

void kernel_facts(struct kernel_facts *facts, const char *details)
{
	json_t *root = details ? json_loads(details, 0, NULL) : NULL;

	*facts = (struct kernel_facts){.version = ""};
	copy(facts->version, sizeof(facts->version),
	     find(root, 2, "lab", "version"));
	if (!facts->version[0])
		copy(facts->version, sizeof(facts->version),
		     find(root, 3, "system", "kernel", "version"));
	copy(facts->accel, sizeof(facts->accel), find(root, 2, "lab", "accel"));
	facts->is_thp = json_is_true(find(root, 1, "thp"));
	find_mmu(facts, root);
	json_decref(root);
}
