-- SPDX-License-Identifier: MIT
-- What came of models that were held against kernels (kage validate -o).
--
-- Keys are derived from contents, as in schema.sql.  A value that a side does not
-- know is NULL, never zero.  Traces and runs need no row of their own: a validation
-- stands for itself.  A database without these tables gets them when it is opened
-- for writing.

-- One row per scenario that both a kernel and a model ran.
CREATE TABLE IF NOT EXISTS validation (
	validation_id TEXT PRIMARY KEY, -- hash of all that both sides are and counted
	trace_id    TEXT NOT NULL,
	trace       TEXT NOT NULL,    -- file name without folder and .kgt
	scenario_id TEXT NOT NULL,    -- XXH3-64 of the steps, hexadecimal
	scenario    TEXT NOT NULL,    -- file name without folder and .scn
	seed        INTEGER NOT NULL, -- of orders that are unknown
	footprint_pages INTEGER NOT NULL,
	release     TEXT NOT NULL,    -- of the kernel that ran: uname -r
	version     TEXT,             -- package version, else uname -v
	accel       TEXT,             -- what that kernel ran on: "tcg", "kvm"
	kernel_mmu  TEXT,             -- its secondary MMU, as in models/mmus.def
	kernel      TEXT NOT NULL,    -- of the model, as all up to model_rev: whose MGLRU
	policy      TEXT NOT NULL,    -- name in models/policies.def; '' if not known
	policy_params TEXT NOT NULL,  -- effective parameters, canonical
	mmu         TEXT,             -- name in models/mmus.def; NULL, as model_rev, if
	                              -- the model's results came as a file
	model_rev   TEXT,             -- hash of the sources of models/ and replay/
	is_substitute INTEGER NOT NULL, -- 1: the model is that of another kernel
	kage_version TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Each state that was counted, in the order of the scenario.
CREATE TABLE IF NOT EXISTS validation_snapshot (
	validation_id TEXT NOT NULL REFERENCES validation,
	snapshot  INTEGER NOT NULL, -- from 0
	name      TEXT NOT NULL,
	step      INTEGER NOT NULL, -- of the scenario, from 0
	misplaced REAL,             -- share of pages that are in another generation
	PRIMARY KEY (validation_id, snapshot)
) STRICT, WITHOUT ROWID;

-- Counters since the first step (datasets/scenario/SCENARIO.md, Results).
CREATE TABLE IF NOT EXISTS validation_counter (
	validation_id TEXT NOT NULL REFERENCES validation,
	snapshot INTEGER NOT NULL,
	name     TEXT NOT NULL,
	model    INTEGER,
	kernel   INTEGER,
	PRIMARY KEY (validation_id, snapshot, name)
) STRICT, WITHOUT ROWID;

-- Anonymous and shared pages by generation.
CREATE TABLE IF NOT EXISTS validation_generation (
	validation_id TEXT NOT NULL REFERENCES validation,
	snapshot INTEGER NOT NULL,
	older    INTEGER NOT NULL, -- generations behind the youngest
	model    INTEGER,
	kernel   INTEGER,
	PRIMARY KEY (validation_id, snapshot, older)
) STRICT, WITHOUT ROWID;

-- Steps that evicted on either side, or were told to.  None unless both watched.
CREATE TABLE IF NOT EXISTS validation_step (
	validation_id TEXT NOT NULL REFERENCES validation,
	step      INTEGER NOT NULL, -- of the scenario, from 0
	line      INTEGER NOT NULL, -- of its file
	word      TEXT NOT NULL,
	asked     INTEGER,          -- pages; NULL but of a reclaim
	model     INTEGER NOT NULL, -- pages evicted
	kernel    INTEGER NOT NULL,
	common    INTEGER NOT NULL, -- by both
	jaccard   REAL,             -- NULL: neither evicted any
	tau       REAL,             -- Kendall's; NULL: fewer than two in common
	PRIMARY KEY (validation_id, step)
) STRICT, WITHOUT ROWID;

-- Whether that was close enough.  A validation has a row per tolerance that it was
-- held to, and none if it never was.
CREATE TABLE IF NOT EXISTS judgement (
	validation_id  TEXT NOT NULL REFERENCES validation,
	limits         TEXT NOT NULL, -- the five columns below and, if asked for, the
	                              -- limit of the hot set, in words
	tolerance      REAL,          -- of counters, as a share of the kernel's
	min_pages      INTEGER,       -- so much may they differ in any case
	min_jaccard    REAL,
	min_tau        REAL,
	most_misplaced REAL,          -- share
	judged         INTEGER NOT NULL, -- figures
	beyond         INTEGER NOT NULL, -- of them
	passed         INTEGER NOT NULL, -- 1: none, and all that was asked for is known
	worst          TEXT,          -- NULL if passed
	PRIMARY KEY (validation_id, limits)
) STRICT, WITHOUT ROWID;
