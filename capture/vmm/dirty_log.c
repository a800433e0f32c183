/* SPDX-License-Identifier: MIT */
/*
 * Written pages by bitmap.  KVM_GET_DIRTY_LOG clears what it reports, or, with
 * KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, leaves that to KVM_CLEAR_DIRTY_LOG: then only
 * what was seen is cleared.  Which vCPU wrote, and in which order, is unknown.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/alloc.h"
#include "capture/vmm/internal.h"

enum {
	WORD_BITS = 64,
};

static uint64_t nr_words(const struct vmm *vmm)
{
	return (vmm->config.pages + WORD_BITS - 1) / WORD_BITS;
}

int dirty_log_init(struct vmm *vmm, struct status *st)
{
	const struct kvm_enable_cap manual = {
		.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		.args = {KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE},
	};

	vmm->is_log_cleared_by_us = !ioctl(vmm->fd, KVM_ENABLE_CAP, &manual);
	vmm->bitmap = kage_calloc(nr_words(vmm), sizeof(uint64_t), st);
	return vmm->bitmap ? 0 : -ENOMEM;
}

static int get_log(struct vmm *vmm, struct status *st)
{
	struct kvm_dirty_log log = {.slot = VMM_SLOT_DATA,
				    .dirty_bitmap = vmm->bitmap};
	struct kvm_clear_dirty_log clear = {
		.slot = VMM_SLOT_DATA,
		.num_pages = (uint32_t)vmm->config.pages,
		.dirty_bitmap = vmm->bitmap,
	};

	if (ioctl(vmm->fd, KVM_GET_DIRTY_LOG, &log))
		return status_fail(st, errno, "KVM_GET_DIRTY_LOG: %s",
				   strerror(errno));
	if (vmm->is_log_cleared_by_us &&
	    ioctl(vmm->fd, KVM_CLEAR_DIRTY_LOG, &clear))
		return status_fail(st, errno, "KVM_CLEAR_DIRTY_LOG: %s",
				   strerror(errno));
	return 0;
}

int dirty_log_harvest(struct vmm *vmm, vmm_dirty_fn *dirty, void *context,
		      struct status *st)
{
	gfn_t first = vmm->slots[VMM_SLOT_DATA].gfn;
	int ret = get_log(vmm, st);

	for (uint64_t i = 0; !ret && i < nr_words(vmm); i++) {
		uint64_t word = vmm->bitmap[i];

		for (; !ret && word; word &= word - 1) {
			unsigned int bit = (unsigned int)__builtin_ctzll(word);

			vmm->dirty_pages++;
			ret = dirty(context, first + i * WORD_BITS + bit,
				    VMM_ANY_VCPU);
		}
	}
	return ret;
}
