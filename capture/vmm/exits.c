/* SPDX-License-Identifier: MIT */
/* Exits that no guest program should cause, in words. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "capture/vmm/internal.h"

enum {
	TEXT = 160
};

static void say_internal_error(const struct kvm_run *run, char text[TEXT])
{
	int used = snprintf(text, TEXT, "KVM internal error %u",
			    run->internal.suberror);
	const uint8_t *bytes = run->emulation_failure.insn_bytes;
	unsigned int size = run->emulation_failure.insn_size;

	if (run->internal.suberror != KVM_INTERNAL_ERROR_EMULATION ||
	    run->emulation_failure.ndata < 3 ||
	    !(run->emulation_failure.flags &
	      KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES))
		return;
	used += snprintf(text + used, (size_t)(TEXT - used),
			 " (cannot emulate");
	for (unsigned int i = 0; i < size && i < 15; i++)
		used += snprintf(text + used, (size_t)(TEXT - used), " %02x",
				 bytes[i]);
	snprintf(text + used, (size_t)(TEXT - used), ")");
}

static void say_exit(const struct kvm_run *run, char text[TEXT])
{
	switch (run->exit_reason) {
	case KVM_EXIT_SHUTDOWN:
		snprintf(text, TEXT, "shut down (an exception)");
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		say_internal_error(run, text);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		snprintf(text, TEXT, "cannot enter the guest, reason 0x%llx",
			 run->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_MMIO:
		snprintf(text, TEXT, "touched 0x%llx, where no memory is",
			 run->mmio.phys_addr);
		break;
	case KVM_EXIT_IO:
		snprintf(text, TEXT, "used the unknown port 0x%x",
			 run->io.port);
		break;
	case KVM_EXIT_HLT:
		snprintf(text, TEXT, "halted before its program's end");
		break;
	default:
		snprintf(text, TEXT, "exit reason %u of KVM", run->exit_reason);
	}
}

int vcpu_bad_exit(const struct vcpu *vcpu, struct status *st)
{
	const struct program_entry *program = vcpu->vmm->config.program;
	struct kvm_regs regs;
	char text[TEXT], where[32] = "unknown";

	say_exit(vcpu->run, text);
	if (!ioctl(vcpu->fd, KVM_GET_REGS, &regs))
		snprintf(where, sizeof(where), "0x%llx", regs.rip);
	return status_fail(st, EIO,
			   "guest program %s, vCPU %u, round %" PRIu64
			   ", rip %s: %s",
			   program ? program->name : "by orders", vcpu->id,
			   vcpu->rounds, where, text);
}
