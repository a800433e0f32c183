/* SPDX-License-Identifier: MIT */
/*
 * What AMD's instruction-based sampling says of one operation, out of the raw part
 * of a perf sample.  Pure: bytes in, facts out.
 *
 * Layout (perf_ibs_handle_irq() in arch/x86/events/amd/ibs.c, Linux 6.12): a u32
 * of capabilities, then u64 registers, unaligned, in the order of their numbers:
 * IbsOpCtl (MSRC001_1033), IbsOpRip, IbsOpData, IbsOpData2, IbsOpData3, IbsDcLinAd,
 * IbsDcPhysAd (MSRC001_1039), then what newer CPUs add.  The fields of IbsOpData3
 * are those of the PPR of families 17h to 1Ah.
 *
 * For an operation of a guest the linear address is the guest's own, and the
 * physical one the host's: the address with which the cache was looked up, behind
 * nested paging.  (Which is why KVM's patches for guests with IBS of their own hide
 * that register from them.)  No machine of ours has IBS: never seen.
 */
#ifndef CAPTURE_IBS_H
#define CAPTURE_IBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ibs_access {
	uint64_t physical;
	uint64_t linear; /* 0 if the CPU did not say */
	bool is_store;	 /* or a load and a store at once */
};

/**
 * ibs_parse - find the memory access of a sampled operation
 * @raw: the raw part, without its own size
 *
 * Return: false if the operation was no load or store, if its physical address is
 * not valid, if it touched no cacheable memory (a device's registers), or if @raw
 * is too short.
 */
bool ibs_parse(const void *raw, size_t size, struct ibs_access *access);

#endif
