/* SPDX-License-Identifier: MIT */
/* The kernel's side of the buffer is __perf_output_begin(); see perf_ring.h. */
#include "capture/tracing/perf_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/tracing/hostfs.h"

enum {
	/* The space goes back in that many steps: a store that the kernel sees
	 * per record would move a cache line each time. */
	STEPS = 8,
};

static long kernel_setting(const char *path)
{
	char text[32];

	if (hostfs_read(AT_FDCWD, path, text, sizeof(text), NULL) <= 0)
		return -1;
	return strtol(text, NULL, 10);
}

static int refused(int error, pid_t tid, struct status *st)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return status_fail(
			st, EPERM,
			"the kernel refuses to trace: %s, or give kage "
			"CAP_PERFMON (kernel.perf_event_paranoid is %ld)",
			hostfs_privilege_hint(),
			kernel_setting("/proc/sys/kernel/perf_event_paranoid"));
	case EMFILE:
	case ENFILE:
		return status_fail(st, error,
				   "too many open files: every tracepoint "
				   "needs one per CPU or thread (ulimit -n)");
	case ESRCH:
		return status_fail(st, ESRCH, "thread %d has ended", (int)tid);
	case ENOSYS:
		return status_fail(st, ENODEV,
				   "this kernel has no perf events "
				   "(CONFIG_PERF_EVENTS)");
	default:
		return status_fail(st, error, "perf_event_open: %s",
				   strerror(error));
	}
}

int perf_ring_open(const struct perf_event_attr *attr, pid_t tid, int cpu,
		   struct status *st)
{
	int fd = (int)syscall(SYS_perf_event_open, attr, tid, cpu, -1,
			      PERF_FLAG_FD_CLOEXEC);

	return fd >= 0 ? fd : refused(errno, tid, st);
}

void perf_ring_attach(struct perf_ring *ring, struct perf_event_mmap_page *page,
		      const void *data, size_t size)
{
	ring->page = page;
	ring->data = data;
	ring->size = size;
	ring->head = ring->tail = ring->given_back = page->data_tail;
	ring->lost = 0;
	ring->mapped = 0;
}

int perf_ring_map(struct perf_ring *ring, int fd, size_t bytes,
		  struct status *st)
{
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE), size = page_size;
	void *page;

	while (size < bytes && size <= SIZE_MAX / 4)
		size *= 2;
	page = mmap(NULL, page_size + size, PROT_READ | PROT_WRITE, MAP_SHARED,
		    fd, 0);
	if (page == MAP_FAILED && errno == EPERM)
		return status_fail(
			st, EPERM,
			"buffers of %zu bytes are more than "
			"kernel.perf_event_mlock_kb (%ld) allows: ask for "
			"smaller ones, raise it, or run as root",
			size,
			kernel_setting("/proc/sys/kernel/perf_event_mlock_kb"));
	if (page == MAP_FAILED)
		return status_fail(st, errno, "a buffer of %zu bytes: %s", size,
				   strerror(errno));
	perf_ring_attach(ring, page, (char *)page + page_size, size);
	ring->mapped = page_size + size;
	return 0;
}

void perf_ring_unmap(struct perf_ring *ring)
{
	if (ring->mapped)
		munmap(ring->page, ring->mapped);
	ring->mapped = 0;
	ring->page = NULL;
}

void perf_ring_begin(struct perf_ring *ring)
{
	/* Pairs with the barrier before the kernel's store: what lies before
	 * data_head is written. */
	ring->head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
}

void perf_ring_end(struct perf_ring *ring)
{
	/* Our reads are done before the kernel may write there again. */
	__atomic_store_n(&ring->page->data_tail, ring->tail, __ATOMIC_RELEASE);
	ring->given_back = ring->tail;
}

/* Copy @n bytes from @offset on, around the end. */
static void copy_out(const struct perf_ring *ring, uint64_t offset, void *to,
		     size_t n)
{
	size_t at = (size_t)(offset & (ring->size - 1));
	size_t first = n < ring->size - at ? n : ring->size - at;

	memcpy(to, ring->data + at, first);
	memcpy((char *)to + first, ring->data, n - first);
}

/* Return: the record's size, or -EBADMSG. */
static int read_header(const struct perf_ring *ring,
		       struct perf_event_header *header, struct status *st)
{
	uint64_t left = ring->head - ring->tail;

	if (left > ring->size || left < sizeof(*header))
		return status_fail(st, EBADMSG,
				   "the tracing buffer is damaged: %llu bytes "
				   "of %zu at offset %llu",
				   (unsigned long long)left, ring->size,
				   (unsigned long long)ring->tail);
	copy_out(ring, ring->tail, header, sizeof(*header));
	if (header->size < sizeof(*header) || header->size % 8 ||
	    header->size > left)
		return status_fail(st, EBADMSG,
				   "the tracing buffer is damaged: a record of "
				   "%u bytes at offset %llu",
				   header->size,
				   (unsigned long long)ring->tail);
	return header->size;
}

/* Return: the record at @tail in one piece. */
static const struct perf_event_header *
in_one_piece(const struct perf_ring *ring, size_t size)
{
	size_t at = (size_t)(ring->tail & (ring->size - 1));
	const void *record = ring->data + at;

	if (size > ring->size - at) {
		copy_out(ring, ring->tail, ring->scratch, size);
		record = ring->scratch;
	}
	return record;
}

/* { header, u64 id, u64 lost } */
static void count_lost(struct perf_ring *ring, size_t size)
{
	uint64_t body[2];

	if (size < sizeof(struct perf_event_header) + sizeof(body))
		return;
	copy_out(ring, ring->tail + sizeof(struct perf_event_header), body,
		 sizeof(body));
	ring->lost += body[1];
}

int perf_ring_next(struct perf_ring *ring,
		   const struct perf_event_header **record, struct status *st)
{
	struct perf_event_header header;
	int size;

	if (ring->tail - ring->given_back >= ring->size / STEPS)
		perf_ring_end(ring);
	while (ring->tail != ring->head) {
		size = read_header(ring, &header, st);
		if (size < 0)
			return size;
		if (header.type != PERF_RECORD_LOST) {
			*record = in_one_piece(ring, (size_t)size);
			ring->tail += (size_t)size;
			return 1;
		}
		count_lost(ring, (size_t)size);
		ring->tail += (size_t)size;
	}
	return 0;
}
