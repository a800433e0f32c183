/* SPDX-License-Identifier: MIT */
/*
 * A running guest in JSON, for whoever samples it from outside: where its memory
 * is, and what it does to it.
 */
#ifndef CAPTURE_VMM_DESCRIBE_H
#define CAPTURE_VMM_DESCRIBE_H

#include <jansson.h>

#include "capture/vmm/vmm.h"

/**
 * vmm_describe - process, threads, slots, program and its truth
 * @config: of @vmm, with its params
 * @truth_rounds: how many rounds to list, from round 0 on
 *
 *  pid, tids      of this process and of each vCPU's thread
 *  program, params, vcpus, pages, thp, rounds (null: endless), pace_ns
 *  slots          [{use, gfn, npages, hva, page_bytes, node, backing}]
 *  is_steady      does each round from 1 on touch the same pages
 *  truth          [{round, read, written}], both [[gfn, npages], ...], ascending
 *
 * Return: 0 with *@json owned by the caller, or -ENOMEM.
 */
int vmm_describe(json_t **json, const struct vmm *vmm,
		 const struct vmm_config *config, uint64_t truth_rounds,
		 struct status *st);

#endif
