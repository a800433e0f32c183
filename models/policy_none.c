/* SPDX-License-Identifier: MIT */
/*
 * No secondary aging: nobody ever asks the secondary MMU.  Only faults make a guest
 * page young.  No kernel does this to a KVM guest; it bounds the others from below
 * (a secondary MMU without young operations behaves so).
 */
#include "models/policy.h"

const struct policy_ops policy_none = {
	.summary = "no secondary aging: guest accesses stay unseen",
};
