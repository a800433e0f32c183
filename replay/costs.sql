-- SPDX-License-Identifier: MIT
-- Prices of operations.  Every row says who measured it and how; NULL means that
-- nobody has published a figure, and reports say so.

DELETE FROM cost WHERE profile IN ('x86-tdp', 'x86-tdp-112vcpu');
INSERT INTO cost (profile, name, value_ns, source, how) VALUES
('x86-tdp', 'calls_aging', 74,
	'J. Houghton, reply to v6 of "mm: multi-gen LRU: Walk secondary MMU page tables while aging", July 2024',
	'cost per page of a second notifier call in a full pass: x86, 32 vCPUs, no lock'),
('x86-tdp', 'calls_window', 74,
	'J. Houghton, reply to v6 of "mm: multi-gen LRU: Walk secondary MMU page tables while aging", July 2024',
	'the same call as in aging'),
('x86-tdp', 'calls_victim', 74,
	'J. Houghton, reply to v6 of "mm: multi-gen LRU: Walk secondary MMU page tables while aging", July 2024',
	'the same call as in aging; the rmap walk around it is not in this price'),
('x86-tdp', 'aging_ptes', 14,
	'J. Houghton, July 2024 (access_tracking_perf_test, x86 lockless)',
	'derived: 88-99 ns per old page of a full pass, less 74 ns for its call: lower end'),
('x86-tdp', 'promoted', 11,
	'J. Houghton, July 2024 (access_tracking_perf_test, x86 lockless)',
	'derived: young (107-110 ns) less old pages (88-99 ns) of a full pass: lower end of 11-20 ns'),
('x86-tdp', 'lock_write_young', 3,
	'J. Houghton, cover letter of v4, 2024-05-29, access_tracking_perf_test -p',
	'derived: 31 ns per page aged under the write lock less 28 ns without, 1 vCPU faulting'),
('x86-tdp', 'lock_read_young', NULL, 'none found', 'measure: perf lock contention on kvm->mmu_lock'),
('x86-tdp', 'lock_write_unmap', NULL, 'none found', 'measure: perf lock contention on kvm->mmu_lock'),
('x86-tdp', 'lock_read_fault', NULL, 'none found', 'measure: perf lock contention on kvm->mmu_lock'),
('x86-tdp', 'flushes', NULL, 'none found',
	'an IPI and a VM exit for every running vCPU (S. Christopherson, 2024-10-10); no figure given'),
('x86-tdp', 'stale_faults', NULL, 'none found', 'a VM exit and get_user_pages once more'),
('x86-tdp', 'rmap_walks', NULL, 'none found', 'measure: latency of folio_referenced'),
('x86-tdp', 'refaults', 6000,
	'Lagar-Cavilla et al., "Software-defined far memory in warehouse-scale computers", ASPLOS 2019',
	'access to a page in compressed memory (zswap): about 6 us'),
('x86-tdp', 'calls_unmap', NULL, 'none found', 'measure: latency of invalidate_range_start and _end'),
('x86-tdp', 'sptes', NULL, 'none found',
	'one SPTE more in a call that visits several; the price of a call includes its first'),
('x86-tdp', 'lookaround_ptes', NULL, 'none found', 'measure: lru_gen_look_around'),
('x86-tdp', 'tables', NULL, 'none found', 'measure: what walk_pte_range does once for each table'),
('x86-tdp', 'sorted', NULL, 'none found', 'measure: sort_folio'),
('x86-tdp', 'protected', NULL, 'none found', 'measure: sort_folio'),
('x86-tdp', 'track_exits', NULL, 'none found',
	'measure: kvm_exit to kvm_entry of a fast page fault (pf_fast), A/D bits off'),
('x86-tdp', 'lock_rmap', NULL, 'none found', 'measure: kvm_rmap_lock_readonly, 7.2, tdp_mmu=0'),
('x86-tdp', 'lock_write_fault', NULL, 'none found', 'measure: perf lock contention on kvm->mmu_lock'),
('x86-tdp', 'device_flushes', 300, 'J. Steiner, "Re: [PATCH] mmu notifiers #v5", 2008-02-02',
	'assumed: "a few 100 nsec" read as 300 ns; one cache line, read, written and flushed'),
('x86-tdp', 'calls_protect', NULL, 'none found', 'no released kernel has numa_protect()'),
('x86-tdp', 'numa_ptes', NULL, 'none found', 'measure: change_pte_range of task_numa_work, per PTE'),
('x86-tdp', 'numa_migrations', NULL, 'none found', 'measure: migrate_misplaced_folio'),
('x86-tdp', 'retried_faults', NULL, 'none found', 'VM exits until the invalidation is done (RET_PF_RETRY)'),
('x86-tdp', 'unmap_sleeps', NULL, 'none found', 'messages between partitions; nobody gave a figure');

-- The same host with 112 vCPUs that fault while it ages: the lock is waited for.
INSERT INTO cost (profile, name, value_ns, source, how)
SELECT 'x86-tdp-112vcpu', name, value_ns, source, how FROM cost WHERE profile = 'x86-tdp';
UPDATE cost SET value_ns = 381,
	how = 'derived: 459 ns per page aged under the write lock less 78 ns without, 112 vCPUs faulting; includes the waiting'
WHERE profile = 'x86-tdp-112vcpu' AND name = 'lock_write_young';
