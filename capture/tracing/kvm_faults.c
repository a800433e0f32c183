/* SPDX-License-Identifier: MIT */
/* Faults and invalidations as records; see kvm_faults.h. */
#include "capture/tracing/kvm_faults.h"

#include <string.h>

#include "capture/host/fingerprint.h"

enum {
	WRITE = 1 << 1,	    /* PFERR_WRITE_MASK, EPT_VIOLATION_ACC_WRITE */
	NPT_FETCH = 1 << 4, /* PFERR_FETCH_MASK */
	EPT_FETCH = 1 << 2, /* EPT_VIOLATION_ACC_INSTR */
};

enum kvm_paging kvm_paging_of_host(void)
{
	char paging[FINGERPRINT_WORD];

	fingerprint_kvm_word(-1, "paging", paging);
	if (!strcmp(paging, "EPT"))
		return KVM_PAGING_EPT;
	return strcmp(paging, "NPT") ? KVM_PAGING_OTHER : KVM_PAGING_NPT;
}

struct trace_event kvm_fault_access(enum kvm_paging paging,
				    uint64_t fault_address, uint64_t error_code)
{
	uint64_t fetch = paging == KVM_PAGING_EPT ? EPT_FETCH : NPT_FETCH;
	struct trace_event event = {
		.gfn = fault_address / TRACE_PAGE_BYTES,
		.count = 1,
		.kind = TRACE_READ,
	};

	if (error_code & WRITE)
		event.kind = TRACE_WRITE;
	else if (error_code & fetch)
		event.kind = TRACE_FETCH;
	return event;
}

bool kvm_fault_invalidation(const struct trace_slot *slot, uint64_t start,
			    uint64_t end, struct trace_event *event)
{
	uint64_t last = slot->hva + slot->npages * TRACE_PAGE_BYTES;
	uint64_t from = start > slot->hva ? start : slot->hva;
	uint64_t to = end < last ? end : last, first, npages;

	if (from >= to)
		return false;
	first = (from - slot->hva) / TRACE_PAGE_BYTES;
	npages = (to - slot->hva + TRACE_PAGE_BYTES - 1) / TRACE_PAGE_BYTES -
		 first;
	*event = (struct trace_event){
		.gfn = slot->gfn + first,
		.count = npages < TRACE_RUN_PAGES_MAX ? (uint32_t)npages
						      : TRACE_RUN_PAGES_MAX,
		.kind = TRACE_INVALIDATE,
		.reason = TRACE_REASON_UNKNOWN,
	};
	return true;
}
