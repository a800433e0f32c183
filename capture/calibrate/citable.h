/* SPDX-License-Identifier: MIT */
/*
 * Do times measured on this host mean anything?  Not on two kinds:
 *
 *	TCG	QEMU emulates the host's CPU: the hypervisor leaf of CPUID (0x40000000)
 *		says "TCGTCGTCGTCG".  A sweep over pages costs there what QEMU's own
 *		translation costs.
 *	PVM	KVM is of the PVM kind (module kvm_pvm; kind "pvm" of fingerprint.h, as
 *		in kage probe): it emulates each instruction of a guest that knows
 *		nothing of PVM, and no accessed bit is ever set.
 *
 * What it cannot know: whether a hypervisor below distorts times (it is named in the
 * profile's host line), whether TCG hides its leaf (-cpu ...,hypervisor=off).
 */
#ifndef CAPTURE_CALIBRATE_CITABLE_H
#define CAPTURE_CALIBRATE_CITABLE_H

#include <stdbool.h>

#include "base/status.h"

enum {
	HYPERVISOR_TEXT = 13, /* 12 letters and a NUL */
	HOST_TEXT = 256,
};

/* This machine's hypervisor as its CPUID calls itself; "" for none, or no x86. */
void hypervisor_name(char name[HYPERVISOR_TEXT]);

/* @root: as for fingerprint_take().  Return: 0, or -ENOTSUP with the reason. */
int citable_check(int root, const char *hypervisor, struct status *st);

/* "Linux 6.12.1, Intel(R) ..., kvm vmx EPT, TDP MMU, 32 CPUs, bare": the host line of a
 * profile, and of every row's source.  No host name. */
void citable_host(int root, const char *hypervisor, char text[HOST_TEXT]);

#endif
