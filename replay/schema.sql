-- SPDX-License-Identifier: MIT
-- Results of kage: what was replayed, how, and what came of it.
--
-- Keys are derived from contents, so databases merge in any order.  Times are
-- nanoseconds of the trace's clock unless a name says otherwise.  A value that is
-- not known is NULL, never zero.

PRAGMA user_version = 4;

-- One row per trace, whatever its file was called.
CREATE TABLE trace (
	trace_id    TEXT PRIMARY KEY, -- content id of the records, hexadecimal
	name        TEXT NOT NULL,    -- file name without folder and .kgt
	source      TEXT NOT NULL,    -- capture backend or generator
	fidelity    TEXT NOT NULL,    -- what one observation means
	channels    TEXT NOT NULL,    -- "accessed", "dirty" or "accessed,dirty"
	clock       TEXT NOT NULL,    -- "ns" or "insn"
	ps_per_tick INTEGER NOT NULL, -- picoseconds per tick of the clock
	guest_pages INTEGER NOT NULL, -- 4 KiB pages in all memslots
	footprint_pages INTEGER NOT NULL, -- distinct pages accessed; the most that any
	                                  -- expansion of 2M and 1G records found
	records     INTEGER NOT NULL, -- stream records, or pages summed over epochs
	accesses    INTEGER,          -- accesses before folding; NULL if not known
	epochs      INTEGER NOT NULL, -- 0 for a stream
	lost        INTEGER NOT NULL, -- events lost by the capture, at least
	duration_ns INTEGER NOT NULL, -- from the first to the last record, by its clock
	vcpus       INTEGER NOT NULL,
	details     TEXT NOT NULL     -- JSON: kernel, workload, versions, settings
) STRICT, WITHOUT ROWID;

-- One row per replayed lane.
CREATE TABLE run (
	run_id      TEXT PRIMARY KEY, -- hash of all that decides the outcome
	trace_id    TEXT NOT NULL REFERENCES trace,
	policy      TEXT NOT NULL,    -- name in models/policies.def
	policy_params TEXT NOT NULL,  -- effective parameters, canonical
	is_bound    INTEGER NOT NULL, -- 1: sees the trace; not a policy one could run
	kernel      TEXT NOT NULL,    -- whose MGLRU: name in models/mglru_version.c
	mmu         TEXT NOT NULL,    -- name in models/mmus.def
	mmu_params  TEXT NOT NULL,    -- effective parameters, canonical
	numa        TEXT NOT NULL DEFAULT 'off',   -- NUMA balancing: "off", "range", "deferred", "precise"
	numa_params TEXT NOT NULL DEFAULT '',      -- effective parameters, canonical
	chunk       TEXT NOT NULL DEFAULT 'range', -- pages per invalidating call: "range", "512", "page"
	driver      TEXT NOT NULL,    -- who reclaims: "limit", "proactive", "script"
	driver_params TEXT NOT NULL,
	limit_pages INTEGER,          -- NULL: the driver has no limit
	limit_text  TEXT,             -- as asked for: "50%" is of the footprint
	pace_ns     INTEGER NOT NULL, -- time per PTE and candidate; 0: frozen guest, or script
	wrong_window_ns INTEGER,      -- an eviction that refaults sooner was wrong
	samples     INTEGER NOT NULL, -- intervals asked for in series; 0: the default
	asked_ps_per_tick INTEGER,    -- clock scale asked for; NULL: the trace's
	epoch_rule  TEXT NOT NULL,    -- "stream"; or "epoch", then -hold, then -all or -one
	seed        INTEGER NOT NULL, -- of hashed orders
	cost_profile TEXT NOT NULL,
	lower_bound INTEGER NOT NULL, -- 1: writes stood in for accesses
	model_rev   TEXT NOT NULL,    -- hash of the sources of models/ and replay/
	kage_version TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The memory of a run.  With a mix, the results are synthetic: two traces that nobody
-- has captured together share one memcg.
CREATE TABLE memory (
	run_id  TEXT PRIMARY KEY REFERENCES run,
	params  TEXT NOT NULL, -- of the host (kage list memory), canonical
	mix     TEXT           -- NULL, or the trace that was mixed in: "file:NAME:ID"
) STRICT, WITHOUT ROWID;

-- Runs whose guest waited for its stalls (kage replay --closed-loop): what they decided
-- hangs on costs and threads, and does not compare with runs that are not here.
CREATE TABLE closed_loop (
	run_id  TEXT PRIMARY KEY REFERENCES run,
	setup   TEXT NOT NULL -- timing.setup, then ",costs=" and cost_profile.digest
) STRICT, WITHOUT ROWID;

-- What a counter means (models/counters.def).
CREATE TABLE counter (
	name    TEXT PRIMARY KEY,
	unit    TEXT NOT NULL,
	meaning TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Totals of a run.  A counter that a lane cannot have is absent.
CREATE TABLE total (
	run_id TEXT NOT NULL REFERENCES run,
	name   TEXT NOT NULL REFERENCES counter,
	value  INTEGER NOT NULL,
	PRIMARY KEY (run_id, name)
) STRICT, WITHOUT ROWID;

-- State and cumulative counters at the end of each sample interval.  Intervals are
-- equally long: by default 128 of a stream, and one per epoch (of up to 4,096; beyond
-- that a few epochs each) of an epoch trace.  A closed loop has more of the same length.
CREATE TABLE series (
	run_id      TEXT NOT NULL REFERENCES run,
	sample      INTEGER NOT NULL, -- from 0
	end_ns      INTEGER NOT NULL, -- end of the interval
	resident_pages INTEGER NOT NULL,
	faults      INTEGER NOT NULL, -- cumulative, as all that follow
	refaults    INTEGER NOT NULL,
	evictions   INTEGER NOT NULL,
	scanned     INTEGER,
	passes      INTEGER,
	calls       INTEGER, -- notifier young calls: aging, victim, window
	sptes       INTEGER,
	lock_holds  INTEGER, -- mmu_lock acquisitions by young calls and unmaps
	PRIMARY KEY (run_id, sample)
) STRICT, WITHOUT ROWID;

-- True idle age of the resident pages at the end of each sample interval.
CREATE TABLE idle_age (
	run_id  TEXT NOT NULL REFERENCES run,
	sample  INTEGER NOT NULL,
	bucket  INTEGER NOT NULL, -- 0: touched in this interval; b: idle for
	                          -- 2^(b-1) to 2^b - 1 intervals before it
	pages   INTEGER NOT NULL,
	PRIMARY KEY (run_id, sample, bucket)
) STRICT, WITHOUT ROWID;

-- How long evicted pages stayed out before they were needed again.
CREATE TABLE refault_age (
	run_id   TEXT NOT NULL REFERENCES run,
	log2_ns  INTEGER NOT NULL, -- evicted for 2^b to 2^(b+1) - 1 ns, known to 2^16 ns
	refaults INTEGER NOT NULL,
	PRIMARY KEY (run_id, log2_ns)
) STRICT, WITHOUT ROWID;

-- The generations after each aging pass.  Passes may share an end_ns: direct reclaim
-- stops the guest, and with it the clock, but may age more than once.
CREATE TABLE generation (
	run_id  TEXT NOT NULL REFERENCES run,
	pass    INTEGER NOT NULL, -- from 1
	end_ns  INTEGER NOT NULL, -- when the pass made its generation
	seq     INTEGER NOT NULL,
	age_ns  INTEGER NOT NULL, -- since the pass that made that generation: 0 for
	                          -- the newest; the first ones are made at time 0
	pages   INTEGER NOT NULL,
	PRIMARY KEY (run_id, pass, seq)
) STRICT, WITHOUT ROWID;

-- How well the epochs of its trace suit a run: what an epoch does not tell is the
-- replay's to decide.  Runs of epoch traces only; bounds have no row.
CREATE TABLE epoch_fit (
	run_id            TEXT PRIMARY KEY REFERENCES run,
	pass_gap_epochs   REAL,   -- median gap between aging passes in epochs of
	                          -- mean length; NULL: fewer than two passes
	largest_set_share REAL,   -- most pages of an epoch by limit_pages; NULL: the
	                          -- driver has no limit
	coarse_refaults   INTEGER -- refaults of the same run on epochs merged two by
	                          -- two; NULL: there is only one epoch
) STRICT;

-- How well a run knew the ages of its pages, over all of its aging passes: only of
-- runs that were asked for it (kage replay --accuracy).  Called young: in the youngest
-- generation when the pass had its turn at the page; true if the page was accessed
-- since the pass before had.  Counts are of pages, summed over passes.
CREATE TABLE accuracy (
	run_id       TEXT PRIMARY KEY REFERENCES run,
	passes       INTEGER NOT NULL, -- that were judged
	true_young   INTEGER NOT NULL, -- called young, and accessed
	false_young  INTEGER NOT NULL, -- called young, but not accessed
	true_old     INTEGER NOT NULL, -- called old, and not accessed
	false_old    INTEGER NOT NULL, -- called old, but accessed
	staleness_ns REAL, -- mean time since the last access of pages called old; NULL:
	                   -- there were none
	distance_s   REAL, -- mean over passes of accuracy_pass.distance_s
	exact_distance_s REAL -- and of exact_distance_s
) STRICT;

-- The same for each aging pass, at its end, before it makes its generation.
CREATE TABLE accuracy_pass (
	run_id       TEXT NOT NULL REFERENCES run,
	pass         INTEGER NOT NULL, -- from 1
	end_ns       INTEGER NOT NULL,
	true_young   INTEGER NOT NULL,
	false_young  INTEGER NOT NULL,
	true_old     INTEGER NOT NULL,
	false_old    INTEGER NOT NULL,
	staleness_ns REAL,
	distance_s   REAL, -- earth mover's distance per page between the idle ages of
	                   -- the resident pages and the ages of their generations;
	                   -- NULL: no page was on a list
	exact_distance_s REAL, -- the same if each page were in the generation of its
	                       -- last access: what so few generations cannot tell
	PRIMARY KEY (run_id, pass)
) STRICT, WITHOUT ROWID;

-- Resident pages by the generation of their last access and the one they are in, at
-- the end of each pass and summed over passes.  0: the youngest; a page that is older
-- than all generations belongs to the oldest.
CREATE TABLE misplacement (
	run_id        TEXT NOT NULL REFERENCES run,
	true_rank     INTEGER NOT NULL,
	assigned_rank INTEGER NOT NULL,
	pages         INTEGER NOT NULL,
	PRIMARY KEY (run_id, true_rank, assigned_rank)
) STRICT, WITHOUT ROWID;

-- Pages used within a time, at the end of each pass that is not earlier than that.
-- The last window is of traces that are longer.
CREATE TABLE working_set (
	run_id    TEXT NOT NULL REFERENCES run,
	pass      INTEGER NOT NULL,
	span      TEXT NOT NULL, -- "1/64", "1/16", "1/4": of the trace; "120s"
	window_ns INTEGER NOT NULL,
	estimated_pages INTEGER, -- in generations not older than that; NULL: none is
	accessed_pages  INTEGER NOT NULL, -- distinct pages accessed, resident or not
	PRIMARY KEY (run_id, pass, span)
) STRICT, WITHOUT ROWID;

-- When it all happened (kage replay --time): one row per run and set of threads.  The
-- costs are those of run.cost_profile when it was made.  Quantiles are at most 1.6 % too
-- low, sums and maxima exact.  NULL: a cost was lacking, or the trace has no order and
-- time.
CREATE TABLE timing (
	run_id      TEXT NOT NULL REFERENCES run,
	setup       TEXT NOT NULL, -- "vcpus=recorded,reclaimers=0,agers=0", and
	                           -- ",closed-loop" where stalls delayed the guest
	costs_digest TEXT NOT NULL, -- cost_profile.digest
	vcpus       INTEGER NOT NULL,
	reclaimers  INTEGER NOT NULL, -- 0: vCPUs reclaim when they fault
	agers       INTEGER NOT NULL, -- 0: who reclaims walks
	has_time    INTEGER NOT NULL, -- 1: the trace has order and time
	lacking     TEXT NOT NULL,    -- costs that were needed, but missing; "": none
	span_ns     INTEGER, -- of the trace, or until all was done if that is later
	behind_ns   INTEGER, -- that is later by so much; closed loop: the guest alone
	faults      INTEGER NOT NULL, -- exits of vCPUs that were timed
	stall_share REAL,    -- of the vCPUs' time, flushes with it
	stall_sum_ns INTEGER, -- from exits to resumes
	stall_p50_ns INTEGER, -- per exit
	stall_p99_ns INTEGER,
	stall_p999_ns INTEGER,
	stall_max_ns INTEGER,
	stall_lock_ns INTEGER,    -- of the sum, waiting for locks
	stall_reclaim_ns INTEGER, -- of the sum, direct reclaim
	stall_swap_ns INTEGER,    -- of the sum, swapping in
	stall_flush_ns INTEGER,   -- beside the sum, exits for flushes of others
	passes      INTEGER NOT NULL, -- aging passes that walked any table
	pass_sum_ns INTEGER, -- while a table of a pass was being walked
	pass_p50_ns INTEGER,
	pass_p99_ns INTEGER,
	pass_max_ns INTEGER,
	invalidations INTEGER NOT NULL,
	invalidation_sum_ns INTEGER, -- from the start of start to the end of end
	invalidation_p50_ns INTEGER,
	invalidation_p99_ns INTEGER,
	invalidation_p999_ns INTEGER,
	invalidation_max_ns INTEGER,
	evicted_per_s REAL,  -- pages per second that a thread spends on reclaim
	flushes     INTEGER NOT NULL, -- remote flushes of the VM
	ipis        INTEGER, -- of these, times vCPUs that ran in the guest
	ager_cpu_ns INTEGER, -- of passes and young calls, without waiting
	PRIMARY KEY (run_id, setup)
) STRICT, WITHOUT ROWID;

-- Who held which lock for how long, and who waited for it.
CREATE TABLE lock_time (
	run_id       TEXT NOT NULL REFERENCES run,
	setup        TEXT NOT NULL, -- as in timing
	lock         TEXT NOT NULL, -- "mmu_lock", "pte_lock", "rmap"
	class        TEXT NOT NULL, -- "fault", "invalidation", "ager"
	acquisitions INTEGER NOT NULL, -- one more for each yield
	hold_sum_ns  INTEGER,
	hold_p50_ns  INTEGER,
	hold_p99_ns  INTEGER,
	hold_p999_ns INTEGER,
	hold_max_ns  INTEGER,
	wait_sum_ns  INTEGER,
	wait_p50_ns  INTEGER,
	wait_p99_ns  INTEGER,
	wait_p999_ns INTEGER,
	wait_max_ns  INTEGER,
	PRIMARY KEY (run_id, setup, lock, class)
) STRICT, WITHOUT ROWID;

-- Facts about how a run was made; not part of its identity.
CREATE TABLE provenance (
	run_id     TEXT PRIMARY KEY REFERENCES run,
	command    TEXT NOT NULL, -- the command line, options first
	host       TEXT NOT NULL, -- uname: system, release, machine
	finished   TEXT NOT NULL, -- UTC, ISO 8601
	elapsed_ns INTEGER NOT NULL, -- real time of the pass that held this lane
	lanes      INTEGER NOT NULL  -- lanes in that pass
) STRICT, WITHOUT ROWID;

-- Cost profiles: shipped ones are brought up to date whenever a replay opens the
-- database, others stay as they came.
CREATE TABLE cost_profile (
	profile TEXT PRIMARY KEY,
	host    TEXT NOT NULL, -- the one machine that all its rows are of
	digest  TEXT NOT NULL  -- of host and rows, hexadecimal
) STRICT, WITHOUT ROWID;

-- Prices: what one unit of a counter costs, or something else that costs.def names, and
-- who says so.
CREATE TABLE cost (
	profile  TEXT NOT NULL,
	name     TEXT NOT NULL,
	value_ns REAL,          -- NULL: nobody knows it
	low_ns   REAL,          -- the value's interval; NULL: not known
	high_ns  REAL,
	kind     TEXT NOT NULL, -- measured, derived, assumed, not-for-citing, missing
	source   TEXT NOT NULL, -- mail id, paper, kernel version and host
	how      TEXT NOT NULL, -- how the source arrived at it
	PRIMARY KEY (profile, name)
) STRICT, WITHOUT ROWID;

-- Price of a run, counter by counter.  What its profile does not price is left out,
-- and run_unpriced names it.  The price of refaults is what swapping in costs, that of
-- faults is the guest's; all others are work of aging and eviction.
CREATE VIEW run_price AS
SELECT run_id, total.name, value, value_ns, value * value_ns AS price_ns
FROM run JOIN total USING (run_id)
JOIN cost ON cost.profile = run.cost_profile AND cost.name = total.name
WHERE value_ns IS NOT NULL;

-- What a run did that some profile knows as a cost, but its own has no price for.
CREATE VIEW run_unpriced AS
SELECT run_id, total.name, value
FROM run JOIN total USING (run_id)
LEFT JOIN cost ON cost.profile = run.cost_profile AND cost.name = total.name
WHERE value_ns IS NULL AND value > 0 AND total.name IN (SELECT name FROM cost);
