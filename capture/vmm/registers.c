/* SPDX-License-Identifier: MIT */
/*
 * A vCPU in 64-bit mode without ever having booted: control registers and hidden
 * segment state are set as software would have left them.  There is no interrupt
 * table: any exception of the guest ends it with KVM_EXIT_SHUTDOWN.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/alloc.h"
#include "capture/vmm/internal.h"

enum {
	CPUID_ENTRIES = 256,
	SEGMENT_CODE = 11, /* execute, read, accessed */
	SEGMENT_DATA = 3,  /* read, write, accessed */
	SEGMENT_TSS = 11,  /* busy 64-bit TSS */
};

#define CR0_PE	     (1u << 0)
#define CR0_ET	     (1u << 4)
#define CR0_NE	     (1u << 5)
#define CR0_WP	     (1u << 16)
#define CR0_PG	     (1u << 31)
#define CR4_PAE	     (1u << 5)
#define EFER_LME     (1u << 8)
#define EFER_LMA     (1u << 10)
#define RFLAGS_FIXED 2

/* The widths of addresses and what else the host's CPU has. */
static int set_cpuid(const struct vcpu *vcpu, struct status *st)
{
	struct kvm_cpuid2 *cpuid = kage_calloc(
		1, sizeof(*cpuid) + CPUID_ENTRIES * sizeof(cpuid->entries[0]),
		st);
	int ret = 0;

	if (!cpuid)
		return -ENOMEM;
	cpuid->nent = CPUID_ENTRIES;
	if (ioctl(vcpu->vmm->kvm, KVM_GET_SUPPORTED_CPUID, cpuid) ||
	    ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid))
		ret = status_fail(st, errno, "vCPU %u: CPUID: %s", vcpu->id,
				  strerror(errno));
	free(cpuid);
	return ret;
}

static int set_system_registers(const struct vcpu *vcpu, struct status *st)
{
	const struct kvm_segment code = {.limit = 0xffffffff,
					 .selector = 8,
					 .type = SEGMENT_CODE,
					 .present = 1,
					 .s = 1,
					 .l = 1,
					 .g = 1};
	const struct kvm_segment data = {.limit = 0xffffffff,
					 .selector = 16,
					 .type = SEGMENT_DATA,
					 .present = 1,
					 .s = 1,
					 .db = 1,
					 .g = 1};
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return status_fail(st, errno, "vCPU %u: KVM_GET_SREGS: %s",
				   vcpu->id, strerror(errno));
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.tr = (struct kvm_segment){.limit = 0x67,
					.selector = 24,
					.type = SEGMENT_TSS,
					.present = 1};
	sregs.ldt = (struct kvm_segment){.unusable = 1};
	sregs.cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
	sregs.cr3 = GUEST_PML4;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME | EFER_LMA;
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs))
		return status_fail(st, errno, "vCPU %u: KVM_SET_SREGS: %s",
				   vcpu->id, strerror(errno));
	return 0;
}

/* As if guest_main() had just been called with its two arguments. */
static int set_registers(const struct vcpu *vcpu, struct status *st)
{
	uint64_t top = GUEST_STACKS + (vcpu->id + 1) * GUEST_STACK_BYTES;
	const struct kvm_regs regs = {
		.rip = GUEST_CODE,
		.rsp = top - sizeof(uint64_t),
		.rdi = GUEST_BOOT,
		.rsi = vcpu->id,
		.rflags = RFLAGS_FIXED,
	};

	if (ioctl(vcpu->fd, KVM_SET_REGS, &regs))
		return status_fail(st, errno, "vCPU %u: KVM_SET_REGS: %s",
				   vcpu->id, strerror(errno));
	return 0;
}

int vcpu_registers_init(const struct vcpu *vcpu, struct status *st)
{
	int ret = set_cpuid(vcpu, st);

	if (!ret)
		ret = set_system_registers(vcpu, st);
	return ret ? ret : set_registers(vcpu, st);
}
