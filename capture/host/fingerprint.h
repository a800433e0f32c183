/* SPDX-License-Identifier: MIT */
/*
 * The system on which a trace is captured: what a reader needs to judge what its
 * bits mean.  It goes into the trace's details as "system".
 *
 * What it cannot know: what a running VM was started with (a parameter that was
 * changed since), what the hypervisor below a virtualised host does, and whether
 * CPUs other than the first are of another model.  It is one moment; nothing is
 * watched.
 *
 * Privacy: no host, user or file names, no serial numbers, no kernel command
 * line.
 */
#ifndef CAPTURE_FINGERPRINT_H
#define CAPTURE_FINGERPRINT_H

#include <jansson.h>

#include "base/status.h"

enum {
	FINGERPRINT_WORD = 32,
};

/**
 * fingerprint_take - describe the system
 * @root: a directory that holds "proc" and "sys": an open "/", or a test's tree
 *
 * What the kernel does not say is null; sizes are in bytes.  The object:
 *
 *	kernel	release, version, arch
 *	cpu	vendor, family, model, model_name, stepping, microcode of the
 *		first CPU; online (a list, "0-7"); has_vmx, has_svm
 *	numa	nodes (a list), balancing (sysctl kernel.numa_balancing)
 *	memory	total
 *	kvm	see fingerprint_kvm()
 *	thp	enabled, defrag, shmem_enabled, pmd_enabled (the 2 MiB size,
 *		since 6.8), khugepaged (does it run), khugepaged_defrag,
 *		khugepaged_pages_to_scan
 *	mglru	enabled (the mask of lru_gen/enabled), min_ttl_ms
 *	ksm	run
 *	swap	swappiness; zswap: enabled, compressor; devices: a list of kind
 *		("partition", "file", "zram") and size
 *	cgroup	version of the hierarchy with the memory controller: 2, 1, null
 *	virtual	hypervisor (the CPU flag), vendor, product (DMI)
 *
 * Return: an object owned by the caller, or NULL with @st set (no memory).
 */
json_t *fingerprint_take(int root, struct status *st);

/**
 * fingerprint_kvm - add to a fingerprint what follows from it
 * @host: has "cpu" and "kvm" with device (is /dev/kvm registered), modules
 *	(each "live", "built-in" or null) and parameters
 *
 * Adds to "kvm":
 *
 *	kind	"vmx", "svm", "pvm", "none" (no /dev/kvm) or "unknown".  On x86
 *		the vendor module registers /dev/kvm once its set-up succeeded
 *		(kvm_init()), and a second one is refused (kvm_x86_vendor_init(),
 *		-EEXIST).  A loaded module is therefore the one in use; one that
 *		is built in may have failed, so it counts only where the CPU has
 *		its flag; the PVM kind (out of tree) needs none.  No candidate,
 *		or two: "unknown".
 *	tdp_mmu	does KVM use it: parameter tdp_mmu, and ept or npt
 *		(kvm_configure_mmu(); 6.1 tests both for each VM instead)
 *	paging	"EPT", "NPT", "shadow" or null
 *	dirty_mechanism
 *		"PML" with pml=Y, which vmx_hardware_setup() clears when EPT, its
 *		A/D bits or the CPU's PML are missing.  Everybody else write
 *		protects (kvm_arch_mmu_enable_log_dirty_pt_masked()), and so does
 *		PML while the guest runs a guest of its own.
 *	accessed_mechanism
 *		"EPT A/D" (eptad=Y), "access tracking" (eptad=N: an exit per
 *		re-access, mark_spte_for_access_track()), "NPT A/D", "shadow page
 *		table A/D" (ept=N or npt=N: kvm_mmu_reset_all_pte_masks() sets
 *		PT_ACCESSED_MASK), "none" without KVM, null for PVM: a guest whose
 *		instructions KVM emulates sets no accessed bit.
 *
 * The last two are null where the kind or a parameter is not known.  Sources:
 * arch/x86/kvm of Linux 6.12; PVM: kvm_configure_mmu(false, ...) in the published
 * series.  A module that is built in but not in use shows its parameters, too.
 *
 * Return: 0 or -ENOMEM.
 */
int fingerprint_kvm(json_t *host, struct status *st);

/**
 * fingerprint_kvm_word - one of the texts that fingerprint_kvm() adds
 * @root: as for fingerprint_take(); below 0: "/"
 * @key: "kind", "paging", "dirty_mechanism" or "accessed_mechanism"
 * @word: gets it; "" for null
 */
void fingerprint_kvm_word(int root, const char *key,
			  char word[FINGERPRINT_WORD]);

#endif
