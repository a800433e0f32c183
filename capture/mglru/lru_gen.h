/* SPDX-License-Identifier: MIT */
/*
 * The kernel's debugfs file lru_gen: which generations each memory cgroup has on
 * each node, and the command that makes a new one, which clears the accessed bit
 * of every page of the cgroup on the way.
 *
 * Text and commands as of mm/vmscan.c lru_gen_seq_show() and lru_gen_seq_write()
 * in Linux 6.1, 6.12 and 7.2:
 *   memcg ID PATH
 *    node NID
 *      SEQ AGE_MS ANON_PAGES FILE_PAGES		(oldest generation first)
 *   + ID NID MAX_SEQ CAN_SWAP FORCE_SCAN
 *
 * CAN_SWAP is a truth value in 6.1 and 6.12 and a swappiness from 0 to 200, or
 * "max", in 7.2; 0 leaves out anonymous and shmem memory, which is what guests
 * are made of, and so does its absence on a host without swap: it is always 1
 * here.  FORCE_SCAN 1 walks every page table, not only those that the Bloom filter
 * remembers, and allows a fifth generation, for which the oldest is merged.
 *
 * What it cannot know: whether a pass walked everything.  The kernel leaves a
 * process out whose mmap_lock is held for writing, and a table whose lock is.
 */
#ifndef CAPTURE_LRU_GEN_H
#define CAPTURE_LRU_GEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum {
	LRU_GEN_NODES_MAX = 64,
	LRU_GEN_MAX = 8, /* more than any kernel has (MAX_NR_GENS is 4) */
	LRU_GEN_PATH_MAX = 512,
	LRU_GEN_COMMAND_MAX = 80,
};

/* /sys/kernel/mm/lru_gen/enabled (mm/vmscan.c, enabled_show()). */
enum {
	LRU_GEN_CORE = 1 << 0,	  /* pages are on generations at all */
	LRU_GEN_MM_WALK = 1 << 1, /* a pass walks page tables */
};

struct lru_gen_generation {
	uint64_t seq, age_ms;
	uint64_t anon, file; /* pages of 4 KiB, shmem is anon; approximate */
};

struct lru_gen_node {
	unsigned int node;
	uint64_t min_seq, max_seq; /* of what is listed */
	uint64_t pages;		   /* of 4 KiB, all generations; approximate */
	size_t nr_generations;
	struct lru_gen_generation generations[LRU_GEN_MAX]; /* oldest first */
};

struct lru_gen_memcg {
	uint64_t id; /* the kernel's; 0 where it has no memory cgroups */
	char path[LRU_GEN_PATH_MAX];
	size_t nr_nodes;
	struct lru_gen_node nodes[LRU_GEN_NODES_MAX];
};

/**
 * lru_gen_find - a cgroup in the text of lru_gen
 * @path: of the cgroup, "/" for the root; without trailing slash
 *
 * A kernel without memory cgroups lists one without a path: it is every one's.
 * Return: 0; -ENOENT if it is not listed; -EBADMSG, with the line's number, if
 * the text is none that we know; -ENOSPC for more than LRU_GEN_NODES_MAX nodes or
 * LRU_GEN_MAX generations.
 */
int lru_gen_find(const char *text, const char *path,
		 struct lru_gen_memcg *memcg, struct status *st);

/* As lru_gen_find(), or else its nearest ancestor: a cgroup without a memory
 * controller of its own is charged there. */
int lru_gen_find_near(const char *text, const char *path,
		      struct lru_gen_memcg *memcg, struct status *st);

/* Return: whether some node has a younger generation in @after than in @before. */
bool lru_gen_has_advanced(const struct lru_gen_memcg *before,
			  const struct lru_gen_memcg *after);

/* The command for a new generation; @max_seq is the youngest there is. */
void lru_gen_command(char command[LRU_GEN_COMMAND_MAX], uint64_t memcg_id,
		     unsigned int node, uint64_t max_seq);

/* As lru_gen_command(), with or without force_scan. */
void lru_gen_age_command(char command[LRU_GEN_COMMAND_MAX], uint64_t memcg_id,
			 const struct lru_gen_node *node, bool is_forced);

/* The command that evicts all generations up to @seq (run_eviction()). */
void lru_gen_evict_command(char command[LRU_GEN_COMMAND_MAX], uint64_t memcg_id,
			   unsigned int node, uint64_t seq);

/* Return: the mask in the text of lru_gen/enabled, or -EBADMSG. */
int lru_gen_enabled(const char *text, struct status *st);

/* Return: a descriptor for lru_gen_read() and lru_gen_age(); later privileges are
 * not needed.  @debugfs: hostfs_open(). */
int lru_gen_open(int debugfs, struct status *st);

/* Return: 0 with the whole text, to free(), or an error. */
int lru_gen_read(int fd, char **text, struct status *st);

/* Write one command.  Return: 0, or the kernel's errno with @st. */
int lru_gen_write(int fd, const char *command, struct status *st);

/**
 * lru_gen_age - make a generation; returns when the pass is over
 *
 * 6.12 does nothing, and says 0, if @max_seq is not the youngest any more.
 * Return: 0; -EEXIST if somebody else is at it (7.2); -EINVAL if the cgroup, the
 * node or the generation does not exist; or another errno, with @st.
 */
int lru_gen_age(int fd, uint64_t memcg_id, const struct lru_gen_node *node,
		struct status *st);

#endif
