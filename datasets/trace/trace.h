/* SPDX-License-Identifier: MIT */
/*
 * Traces of guest page accesses (.kgt): what they say and how to read and write
 * them.  FORMAT.md defines the bytes; this header defines the meaning.
 *
 * A trace is a header (struct trace_meta) and blocks in time order.  A block is
 * part of an epoch (a time range with the set of pages seen in it), a run of
 * stream records (single accesses and other events), or a note.  One trace may
 * hold all three; most hold one kind.
 *
 * What a trace cannot say: page contents (never stored), accesses its source
 * does not see (trace_meta.fidelity and .channels name them).
 *
 * Units: a gfn is always a 4 KiB guest frame number; times are ticks of the
 * trace's clock since its start; page counts are 4 KiB pages.
 */
#ifndef DATASETS_TRACE_H
#define DATASETS_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef uint64_t gfn_t;

enum {
	TRACE_PAGE_BYTES = 4096,
	TRACE_SLOTS_MAX = 512,
	TRACE_VCPUS_MAX = 4096,
	TRACE_ID_BYTES = 16,
	TRACE_ID_TEXT = 2 * TRACE_ID_BYTES + 1,
	TRACE_RUN_PAGES_MAX = 1 << 30,
};

/* The largest gfn + 1: 52 bits of guest-physical address. */
#define TRACE_GFN_LIMIT (UINT64_C(1) << 40)

enum trace_clock_kind {
	TRACE_CLOCK_NS,	  /* a tick is a nanosecond of CLOCK_MONOTONIC */
	TRACE_CLOCK_INSN, /* a tick is a retired guest instruction */
};

struct trace_clock {
	enum trace_clock_kind kind;
	uint32_t ps_per_tick; /* 1000 for TRACE_CLOCK_NS; default 500 for insn */
};

/* What one observation means (kernel-side facts of each source in capture/). */
enum trace_fidelity {
	TRACE_EXACT,	   /* every CPU access, folded as the meta says */
	TRACE_FIRST_WRITE, /* a page's first write per epoch (PML, dirty log) */
	TRACE_ACCESSED_BIT,    /* accessed bit per epoch: order unknown */
	TRACE_FAULT,	       /* first touch after a zap */
	TRACE_REGION_SAMPLE,   /* one probe stands for a region (DAMON) */
	TRACE_SYNTHETIC,       /* made by a generator */
	TRACE_SAMPLED_ADDRESS, /* one access in N, its address from the PMU */
	TRACE_NR_FIDELITIES
};

/* Channels: a channel that was not observed is unknown, never zero. */
enum {
	TRACE_CHANNEL_ACCESSED = 1 << 0, /* reads and writes */
	TRACE_CHANNEL_DIRTY = 1 << 1,	 /* which of them were writes */
};

/* One memslot: guest-physical [gfn, gfn + npages) at host address hva. */
struct trace_slot {
	gfn_t gfn;
	uint64_t npages;
	uint64_t hva;	     /* 0: unknown, then taken as congruent to gfn */
	uint32_t page_bytes; /* of the backing: 4096, 2 MiB, 1 GiB */
	int32_t node;	     /* NUMA node, -1 unknown */
	char backing[16];    /* "anon", "memfd", "hugetlb", "unknown" */
};

struct trace_meta {
	struct trace_clock clock;
	enum trace_fidelity fidelity;
	unsigned int channels; /* TRACE_CHANNEL_* observed in this trace */
	unsigned int nr_vcpus;
	size_t nr_slots;
	struct trace_slot *slots; /* sorted by gfn, disjoint, not empty */
	char source[24];	  /* backend or generator: "tcg", "synth" */
	/*
	 * A JSON object of everything else that describes the capture (kernel,
	 * CPU, workload, versions, filter size ...); not part of the identity.
	 */
	char *details;
};

enum trace_level {
	TRACE_4K,
	TRACE_2M,
	TRACE_1G,
	TRACE_NR_LEVELS
};

/* 4 KiB pages behind one leaf of a level. */
static inline uint64_t trace_level_pages(enum trace_level level)
{
	return UINT64_C(1) << (9 * (unsigned int)level);
}

/* Flags of a run: two bits of level, then what was seen. */
enum {
	TRACE_RUN_LEVEL_MASK = 3,
	TRACE_RUN_ACCESSED = 1 << 2,
	TRACE_RUN_DIRTY = 1 << 3, /* implies nothing about ACCESSED channel */
};

/*
 * npages consecutive pages, alike in every respect.  Where the epoch has hits, a
 * run may have neither ACCESSED nor DIRTY: it was looked at and found idle.
 */
struct trace_run {
	gfn_t gfn;
	uint32_t npages; /* >= 1; a multiple of the level's pages */
	uint8_t flags;
	uint32_t hits; /* samples that found it accessed; 0 without has_hits */
};

/*
 * The pages seen in (start, end].  A page occurs at most once.  The observation
 * itself took from scan_start to scan_end (equal to end for exact sources).
 * hits / samples of a run estimates how likely one look finds it accessed (DAMON:
 * nr_accesses against aggregation interval / sampling interval).
 */
struct trace_epoch {
	uint64_t index; /* consecutive from 0 */
	uint64_t start, end;
	uint64_t scan_start, scan_end;
	uint64_t npages;       /* of the whole epoch, all parts */
	unsigned int channels; /* observed in this epoch */
	bool is_ordered;       /* runs are in first-touch order */
	bool has_hits;	       /* runs have hits; never with is_ordered */
	uint32_t samples;      /* with hits: looks at each run, >= 1; else 0 */
};

enum trace_event_kind {
	TRACE_READ,
	TRACE_WRITE,	 /* a fold is a write if any access in it was one */
	TRACE_FETCH,	 /* instruction fetch; a fold of nothing else */
	TRACE_HOST_READ, /* by the VMM or the host kernel: primary MMU */
	TRACE_HOST_WRITE,
	TRACE_INVALIDATE, /* count pages from gfn; reason says why */
	TRACE_BALLOON,	  /* count pages from gfn given back to the host */
	TRACE_UNMAP,	  /* count pages from gfn leave the guest */
	/* count events were lost before this time, or at least so many with
	 * TRACE_REASON_UNKNOWN */
	TRACE_LOST,
	TRACE_NR_EVENT_KINDS
};

static inline bool trace_event_is_access(enum trace_event_kind kind)
{
	return kind <= TRACE_FETCH;
}

enum trace_reason {
	TRACE_REASON_NONE,
	TRACE_REASON_EVICT,
	TRACE_REASON_NUMA,
	TRACE_REASON_MIGRATE,
	TRACE_REASON_UNMAP,
	TRACE_REASON_UNKNOWN,
	TRACE_NR_REASONS
};

/* One stream record.  count: accesses folded into it, or pages, or events. */
struct trace_event {
	uint64_t time; /* of the first access folded; never decreases */
	gfn_t gfn;     /* 0 for TRACE_LOST */
	uint32_t count;
	uint16_t vcpu;
	uint8_t kind;	/* enum trace_event_kind */
	uint8_t reason; /* enum trace_reason; NONE for accesses, see LOST */
};

/* The same records as columns: what the reader hands out. */
struct trace_stream {
	size_t n;
	const uint64_t *time;
	const gfn_t *gfn;
	const uint32_t *count;
	const uint16_t *vcpu;
	const uint8_t *kind;
	const uint8_t *reason;
};

enum trace_block_type {
	TRACE_BLOCK_EPOCH,
	TRACE_BLOCK_STREAM,
	TRACE_BLOCK_NOTE
};

/* One step of reading.  Everything in it lives until the next step or close. */
struct trace_block {
	enum trace_block_type type;
	uint64_t offset; /* of its frame in the file, for messages */
	struct trace_stream stream;
	/* TRACE_BLOCK_EPOCH: runs of one epoch, possibly one of several parts */
	struct trace_epoch epoch;
	uint64_t first_rank; /* pages of this epoch in earlier parts */
	bool is_last_part;
	const struct trace_run *runs;
	size_t nr_runs;
	const char *note; /* TRACE_BLOCK_NOTE: NUL-terminated */
};

/* What is known once the last block was read (or from the index, see below). */
struct trace_totals {
	uint64_t epochs;
	uint64_t epoch_pages; /* sum of trace_epoch.npages, idle ones as well */
	uint64_t events;      /* stream records */
	uint64_t accesses;    /* sum of their folds, guest accesses only */
	uint64_t lost;	      /* sum of TRACE_LOST counts */
	uint64_t lost_unknown; /* of these records, with a lower bound only */
	uint64_t first_time, last_time;
	uint8_t id[TRACE_ID_BYTES]; /* content id, FORMAT.md "identity" */
};

enum trace_open_flags {
	/* An unfinished or damaged file ends where its last whole frame ends. */
	TRACE_OPEN_PARTIAL = 1 << 0,
	/* Compute the content id of what is read and hold it against the index's
	 * (always done where there is no index to read first, as on a pipe). */
	TRACE_OPEN_VERIFY = 1 << 1,
};

struct trace_reader; /* opaque */

/**
 * trace_reader_open - open a trace for one pass, or several with _rewind()
 * @path: a file, or "-" for standard input; a name that ends in ".part" implies
 *	TRACE_OPEN_PARTIAL
 *
 * Return: 0 with @reader owned by the caller, -ENOENT, or -EBADMSG with a
 * message that names the file and the offset.
 */
int trace_reader_open(struct trace_reader **reader, const char *path,
		      unsigned int flags, struct status *st);
void trace_reader_close(struct trace_reader *reader);

/* Return: the header; lives as long as the reader. */
const struct trace_meta *trace_reader_meta(const struct trace_reader *reader);

/**
 * trace_reader_next - read one block
 *
 * Every block that is handed out is valid: times ordered, gfns inside a slot,
 * sets free of duplicates within a part, enums in range.
 * Return: 1 with @block filled, 0 at the end, or -EBADMSG with @st set.
 */
int trace_reader_next(struct trace_reader *reader, struct trace_block *block,
		      struct status *st);

/* Start over.  Return: 0, or -ESPIPE on a pipe. */
int trace_reader_rewind(struct trace_reader *reader, struct status *st);

/**
 * trace_reader_totals - the totals stored in the file's index
 *
 * On a seekable finished file these are known at once; on a pipe or a partial
 * file only after the last block, and then counted from what was read.  With
 * _PARTIAL they hold once the last block was read: damage is found only then.
 * Return: NULL while they are not known.
 */
const struct trace_totals *
trace_reader_totals(const struct trace_reader *reader);

/*
 * Return: whether the file ended without its index (only with _PARTIAL), and
 * then the offset behind its last whole frame that completes a block: an epoch
 * whose last part is missing was handed out, but is in neither the totals nor
 * before that offset.
 */
bool trace_reader_is_partial(const struct trace_reader *reader,
			     uint64_t *offset);

/*
 * Return: NULL, or what is wrong with a partial file that does not merely end
 * early, and then the offset of it: a finished file must be whole, and an
 * unfinished one up to where it was cut.
 */
const char *trace_reader_damage(const struct trace_reader *reader,
				uint64_t *offset);

struct trace_writer; /* opaque */

/**
 * trace_writer_open - start a trace
 * @path: written as PATH.part and renamed by _close(); "-" is standard output;
 *	a device or a pipe is written in place
 * @meta: copied
 *
 * Return: 0, -EINVAL for a meta that breaks a rule, -EEXIST when PATH.part is
 * there already, -ENOTDIR when there is no such folder, or an I/O error.
 */
int trace_writer_open(struct trace_writer **writer, const char *path,
		      const struct trace_meta *meta, struct status *st);

/* Append one whole epoch; @epoch->npages is computed.  The runs are split over
 * frames as needed; without a known order they may come in any.  Return: 0, -EINVAL for a broken rule, or an I/O error. */
int trace_writer_epoch(struct trace_writer *writer,
		       const struct trace_epoch *epoch,
		       const struct trace_run *runs, size_t nr_runs,
		       struct status *st);

/* Append one stream record. */
int trace_writer_event(struct trace_writer *writer,
		       const struct trace_event *event, struct status *st);

/* Append a note: free text for people, at most 64 KiB. */
int trace_writer_note(struct trace_writer *writer, const char *text,
		      struct status *st);

/* Return: how long the file is by now. */
uint64_t trace_writer_bytes(const struct trace_writer *writer);

/* End the frame that is being filled and write it to the disk: what was appended
 * so far survives a crash.  For captures, about once a second. */
int trace_writer_flush(struct trace_writer *writer, struct status *st);

/**
 * trace_writer_close - write the index, sync, rename; frees @writer always
 * @totals: filled on success; may be NULL
 */
int trace_writer_close(struct trace_writer *writer, struct trace_totals *totals,
		       struct status *st);

/* Give up: flush what is whole, keep PATH.part, free @writer (may be NULL). */
void trace_writer_abort(struct trace_writer *writer);

/* Give up and delete PATH.part: what it holds can be made again. */
void trace_writer_discard(struct trace_writer *writer);

/**
 * trace_recover - finish an unfinished trace in place
 * @path: NAME.part, which becomes NAME, or a file that was cut
 * @totals: of what is in the finished file
 * @dropped: bytes that were cut off behind the last whole block
 *
 * Return: 0, -EEXIST when NAME exists, -EBADMSG when not even the header can be
 * read or a finished file is damaged, or an I/O error.  A finished file is left
 * alone (and renamed if it is whole).
 */
int trace_recover(const char *path, struct trace_totals *totals,
		  uint64_t *dropped, struct status *st);

/* Deep copy; trace_meta_fini() releases what a meta owns. */
int trace_meta_copy(struct trace_meta *to, const struct trace_meta *from,
		    struct status *st);
void trace_meta_fini(struct trace_meta *meta);

/* Return: pages in all slots. */
uint64_t trace_meta_pages(const struct trace_meta *meta);

/* The names used in headers, messages and tables. */
extern const char *const trace_fidelity_names[TRACE_NR_FIDELITIES];
/* What a fidelity means for whoever reads figures: one plain sentence each. */
extern const char *const trace_fidelity_meanings[TRACE_NR_FIDELITIES];
extern const char *const trace_event_names[TRACE_NR_EVENT_KINDS];
extern const char *const trace_reason_names[TRACE_NR_REASONS];

void trace_id_text(char text[TRACE_ID_TEXT], const uint8_t id[TRACE_ID_BYTES]);

#endif
