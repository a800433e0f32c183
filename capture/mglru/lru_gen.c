/* SPDX-License-Identifier: MIT */
/* debugfs lru_gen: reading its text, writing its commands; see lru_gen.h. */
#include "capture/mglru/lru_gen.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

enum {
	LINE_MAX_BYTES = PATH_MAX + 64
};

enum line_kind {
	LINE_MEMCG,
	LINE_NODE,
	LINE_GENERATION,
	LINE_UNKNOWN,
};

struct line {
	enum line_kind kind;
	uint64_t number; /* id or node */
	struct lru_gen_generation generation;
	const char *path; /* LINE_MEMCG; in the text that was parsed */
};

static struct line parse_line(const char *text)
{
	struct line line = {.kind = LINE_UNKNOWN};
	struct lru_gen_generation *g = &line.generation;
	int n = -1;

	if (sscanf(text, "memcg %" SCNu64 " %n", &line.number, &n) == 1) {
		line.kind = LINE_MEMCG;
		line.path = text + n;
	} else if (sscanf(text, " node %" SCNu64 " %n", &line.number, &n) ==
		   1) {
		line.kind = text[n] || line.number > INT_MAX ? LINE_UNKNOWN
							     : LINE_NODE;
	} else if (sscanf(text,
			  " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %n",
			  &g->seq, &g->age_ms, &g->anon, &g->file, &n) == 4) {
		line.kind = text[n] ? LINE_UNKNOWN : LINE_GENERATION;
	}
	return line;
}

/* Copy the line at @text into @line, cut if it is too long.
 * Return: where the next one begins. */
static const char *take_line(const char *text, char line[LINE_MAX_BYTES])
{
	size_t size = strcspn(text, "\n");

	snprintf(line, LINE_MAX_BYTES, "%.*s", (int)size, text);
	return text + size + (text[size] == '\n');
}

static int add_node(struct lru_gen_memcg *memcg, uint64_t node,
		    struct status *st)
{
	if (memcg->nr_nodes == LRU_GEN_NODES_MAX)
		return status_fail(st, ENOSPC,
				   "lru_gen: more than %d nodes with memory",
				   LRU_GEN_NODES_MAX);
	memcg->nodes[memcg->nr_nodes++] = (struct lru_gen_node){
		.node = (unsigned int)node,
		.min_seq = UINT64_MAX,
	};
	return 0;
}

/* Return: 0, -EBADMSG for a generation that belongs to nothing, or -ENOSPC. */
static int add_generation(struct lru_gen_memcg *memcg,
			  const struct lru_gen_generation *generation,
			  struct status *st)
{
	struct lru_gen_node *node;

	if (!memcg->nr_nodes)
		return -EBADMSG;
	node = &memcg->nodes[memcg->nr_nodes - 1];
	if (node->nr_generations == LRU_GEN_MAX)
		return status_fail(st, ENOSPC,
				   "lru_gen: more than %d generations",
				   LRU_GEN_MAX);
	node->generations[node->nr_generations++] = *generation;
	if (generation->seq < node->min_seq)
		node->min_seq = generation->seq;
	if (generation->seq > node->max_seq)
		node->max_seq = generation->seq;
	node->pages += generation->anon + generation->file;
	return 0;
}

static bool is_wanted(const struct line *line, const char *path)
{
	return !line->path[0] || !strcmp(line->path, path);
}

/* Take the line into @memcg if it is about it; @is_inside follows whether it is.
 * Return: 0, -EBADMSG or -ENOSPC. */
static int take(struct lru_gen_memcg *memcg, const struct line *line,
		const char *path, bool *is_inside, struct status *st)
{
	switch (line->kind) {
	case LINE_MEMCG:
		*is_inside = !memcg->nr_nodes && is_wanted(line, path);
		if (*is_inside)
			memcg->id = line->number;
		return 0;
	case LINE_NODE:
		return *is_inside ? add_node(memcg, line->number, st) : 0;
	case LINE_GENERATION:
		return *is_inside ? add_generation(memcg, &line->generation, st)
				  : 0;
	case LINE_UNKNOWN:
		break;
	}
	return -EBADMSG;
}

/* Return: whether every node has a generation, and there is a node. */
static bool is_whole(const struct lru_gen_memcg *memcg)
{
	for (size_t i = 0; i < memcg->nr_nodes; i++)
		if (memcg->nodes[i].min_seq == UINT64_MAX)
			return false;
	return memcg->nr_nodes;
}

int lru_gen_find(const char *text, const char *path,
		 struct lru_gen_memcg *memcg, struct status *st)
{
	char buffer[LINE_MAX_BYTES];
	bool is_inside = false;
	size_t number = 0;
	int ret = 0;

	*memcg = (struct lru_gen_memcg){.id = 0};
	snprintf(memcg->path, sizeof(memcg->path), "%s", path);
	while (!ret && *text) {
		struct line line;

		text = take_line(text, buffer);
		number++;
		line = parse_line(buffer);
		ret = take(memcg, &line, path, &is_inside, st);
	}
	if (ret == -EBADMSG)
		return status_fail(st, EBADMSG,
				   "lru_gen: line %zu is none that is known: "
				   "'%.60s'",
				   number, buffer);
	if (ret)
		return ret;
	if (!is_whole(memcg))
		return status_fail(st, ENOENT,
				   "lru_gen does not list the cgroup %s", path);
	return 0;
}

int lru_gen_find_near(const char *text, const char *path,
		      struct lru_gen_memcg *memcg, struct status *st)
{
	char near[LRU_GEN_PATH_MAX];
	int ret;

	snprintf(near, sizeof(near), "%s", path);
	while ((ret = lru_gen_find(text, near, memcg, NULL)) == -ENOENT &&
	       strcmp(near, "/")) {
		char *slash = strrchr(near, '/');

		if (!slash)
			break;
		slash[slash == near] = '\0';
	}
	return ret ? lru_gen_find(text, path, memcg, st) : 0;
}

bool lru_gen_has_advanced(const struct lru_gen_memcg *before,
			  const struct lru_gen_memcg *after)
{
	for (size_t i = 0; i < before->nr_nodes; i++)
		for (size_t k = 0; k < after->nr_nodes; k++)
			if (before->nodes[i].node == after->nodes[k].node &&
			    before->nodes[i].max_seq < after->nodes[k].max_seq)
				return true;
	return false;
}

void lru_gen_command(char command[LRU_GEN_COMMAND_MAX], uint64_t memcg_id,
		     unsigned int node, uint64_t max_seq)
{
	snprintf(command, LRU_GEN_COMMAND_MAX,
		 "+ %" PRIu64 " %u %" PRIu64 " 1 1", memcg_id, node, max_seq);
}

void lru_gen_age_command(char command[LRU_GEN_COMMAND_MAX], uint64_t memcg_id,
			 const struct lru_gen_node *node, bool is_forced)
{
	snprintf(command, LRU_GEN_COMMAND_MAX,
		 "+ %" PRIu64 " %u %" PRIu64 " 1 %d", memcg_id, node->node,
		 node->max_seq, is_forced);
}

void lru_gen_evict_command(char command[LRU_GEN_COMMAND_MAX], uint64_t memcg_id,
			   unsigned int node, uint64_t seq)
{
	snprintf(command, LRU_GEN_COMMAND_MAX, "- %" PRIu64 " %u %" PRIu64,
		 memcg_id, node, seq);
}

int lru_gen_enabled(const char *text, struct status *st)
{
	unsigned int mask;
	int n = -1;

	if (sscanf(text, "0x%x %n", &mask, &n) == 1 && !text[n] &&
	    mask <= INT_MAX)
		return (int)mask;
	return status_fail(st, EBADMSG, "lru_gen/enabled: '%.40s' is no mask",
			   text);
}

int lru_gen_open(int debugfs, struct status *st)
{
	int fd = openat(debugfs, "lru_gen", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return status_fail(st, errno, "debugfs lru_gen: %s", strerror(errno));
}

int lru_gen_read(int fd, char **text, struct status *st)
{
	size_t used = 0, capacity = 0;
	ssize_t n;
	int ret = 0;

	*text = NULL;
	if (lseek(fd, 0, SEEK_SET))
		ret = status_fail(st, errno, "lru_gen: %s", strerror(errno));
	while (!ret) {
		ret = kage_grow(text, &capacity, used + 1, 1, st);
		if (ret)
			break;
		n = read(fd, *text + used, capacity - used - 1);
		if (n < 0)
			ret = status_fail(st, errno, "reading lru_gen: %s",
					  strerror(errno));
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	if (!ret) {
		(*text)[used] = '\0';
		return 0;
	}
	free(*text);
	*text = NULL;
	return ret;
}

int lru_gen_write(int fd, const char *command, struct status *st)
{
	size_t size = strlen(command);
	ssize_t n = write(fd, command, size);

	if (n == (ssize_t)size)
		return 0;
	return status_fail(st, n < 0 ? errno : EIO, "lru_gen refuses '%s': %s",
			   command, n < 0 ? strerror(errno) : "short write");
}

int lru_gen_age(int fd, uint64_t memcg_id, const struct lru_gen_node *node,
		struct status *st)
{
	char command[LRU_GEN_COMMAND_MAX];

	lru_gen_command(command, memcg_id, node->node, node->max_seq);
	return lru_gen_write(fd, command, st);
}
