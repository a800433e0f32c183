/* SPDX-License-Identifier: MIT */
/*
 * A guest that runs already: its process, its vCPU threads, its memory map, found
 * from what the user gave: --pid, --cgroup, --qmp, --slots.
 *
 * The kernel tells nobody but the VMM itself which guest-physical addresses a
 * memslot has.  So the map comes from QEMU's monitor (--qmp), from a file that
 * `kage guest --describe` wrote, or from the user's own words (--slots); without
 * one of them it is not known and a backend that needs it is refused.
 */
#ifndef CAPTURE_GUEST_H
#define CAPTURE_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"
#include "capture/guest/qmp.h"
#include "datasets/trace/trace.h"

enum {
	GUEST_PID = 1 << 0,   /* the process */
	GUEST_SLOTS = 1 << 1, /* where guest-physical memory lies */
	GUEST_HVAS = 1 << 2,  /* and its addresses in the process */
	GUEST_VCPUS = 1 << 3, /* the vCPU threads */
	GUEST_QMP = 1 << 4,   /* a QEMU that answers */
	GUEST_CGROUP =
		1 << 5, /* the memory cgroup, alone or from the process */
};

enum {
	GUEST_VCPUS_MAX = 1024
};

/* What the user said; NULL and 0 where nothing. */
struct guest_words {
	uint64_t pid;
	const char *cgroup; /* path below the cgroup mount: "/machine/vm1" */
	const char *qmp;    /* UNIX socket */
	const char *slots;  /* FILE, or GPA-GPA[@HVA],... in bytes */
};

struct guest {
	pid_t pid;  /* 0: unknown */
	int pidfd;  /* readable when the process is gone; -1 */
	int socket; /* of qmp; -1 */
	struct qmp qmp;
	char vmm[64];	  /* "QEMU 7.2.22", "kage", or "" */
	char cgroup[512]; /* as the kernel prints it: "/" or a path; "" unknown */
	size_t nr_slots;
	struct trace_slot *slots; /* by gfn; NULL: unknown */
	size_t nr_vcpus;	  /* threads found */
	pid_t vcpus[GUEST_VCPUS_MAX];
};

/**
 * guest_open - find what @needs (GUEST_*) asks for, and what else there is
 *
 * Return: 0; -EINVAL when the words do not suffice, @st says which would; -ESRCH
 * for no such process; -EACCES; or what the QMP socket said.  guest_close() is
 * due in every case.
 */
int guest_open(struct guest *guest, const struct guest_words *words,
	       unsigned int needs, struct status *st);
void guest_close(struct guest *guest);

/* Find the gfn behind an address of the process.  Return: whether it is guest
 * memory; then @left is the pages from there to the end of its slot. */
bool guest_gfn(const struct guest *guest, uint64_t hva, gfn_t *gfn,
	       uint64_t *left);

/* Return: whether [@start, @end) of the process's addresses meets a slot, and then
 * the run of pages that both share, the first one if several slots do. */
bool guest_gfn_range(const struct guest *guest, uint64_t start, uint64_t end,
		     gfn_t *gfn, uint64_t *npages);

/* Parse "GPA-GPA[@HVA],..." (bytes, K M G allowed, page aligned) or load a JSON
 * file with "slots", which is refused if it has a "pid" that is not @pid (0: any).
 * Return: 0 with @slots owned by the caller, or an error. */
int guest_slots_parse(const char *text, pid_t pid, struct trace_slot **slots,
		      size_t *nr, struct status *st);

#endif
