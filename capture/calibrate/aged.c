/* SPDX-License-Identifier: MIT */
/* Passes over a guest or a process; see aged.h. */
#include "capture/calibrate/aged.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "capture/live/host.h"
#include "capture/mglru/lru_gen.h"
#include "capture/tracing/hostfs.h"

enum {
	PAGE = 4096,
	AGE_HVA = 0, /* in live_counters[] */
};

static int open_clock(struct pmu_counters *clock, struct status *st)
{
	int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct pmu_cpu cpu;

	pmu_cpu_probe(root, &cpu);
	close(root);
	return pmu_counters_open(clock, "task-clock", &cpu, NULL, 0, st);
}

int aged_host_open(struct aged_host *host, struct status *st)
{
	int ret;

	*host = (struct aged_host){
		.debugfs = -1, .tracefs = -1, .lru_gen = -1, .cgroup.fd = -1};
	ret = live_host_check(st);
	if (!ret)
		ret = open_clock(&host->clock, st);
	if (!ret)
		ret = host->debugfs = hostfs_open("debugfs", st);
	if (ret >= 0)
		ret = host->tracefs = hostfs_open("tracefs", st);
	if (ret >= 0)
		ret = host->lru_gen = lru_gen_open(host->debugfs, st);
	if (ret >= 0)
		ret = live_counting_open(&host->counting, host->tracefs, st);
	if (ret >= 0)
		ret = live_cgroup_create(&host->cgroup, &host->guard, st);
	return ret < 0 ? ret : 0;
}

int aged_host_close(struct aged_host *host, struct status *st)
{
	const int fds[] = {host->debugfs, host->tracefs, host->lru_gen};

	live_counting_close(&host->counting);
	pmu_counters_close(&host->clock);
	live_cgroup_close(&host->cgroup);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return guard_close(&host->guard, st);
}

int aged_start_guest(struct aged *aged, struct aged_host *host, uint64_t pages,
		     unsigned int nr_vcpus, struct status *st)
{
	struct live_vm_config config = {
		.pages = pages, .nr_vcpus = nr_vcpus, .backing = VMM_ANON};
	int ret;

	*aged = (struct aged){.host = host, .socket = -1};
	config.procs = live_cgroup_open(&host->cgroup, "cgroup.procs", st);
	if (config.procs < 0)
		return config.procs;
	ret = live_vm_start(&aged->vm, &config, st);
	close(config.procs);
	return ret;
}

/* What the process is asked for; it answers with the same. */
struct span {
	uint64_t from, to;
};

/* The child.  It ends when its socket closes, or we do. */
static void be_process(int procs, int socket, uint64_t pages)
{
	size_t bytes = pages * PAGE;
	volatile char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct span span;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (at == MAP_FAILED || write(procs, "0", 1) != 1)
		_exit(1);
	madvise((void *)(uintptr_t)at, bytes, MADV_NOHUGEPAGE);
	while (recv(socket, &span, sizeof(span), 0) == sizeof(span)) {
		for (uint64_t i = span.from; i < span.to; i++)
			at[i * PAGE] = 1;
		if (send(socket, &span, sizeof(span), MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}

int aged_start_process(struct aged *aged, struct aged_host *host,
		       uint64_t pages, struct status *st)
{
	int pair[2], procs;

	*aged = (struct aged){.host = host, .socket = -1};
	procs = live_cgroup_open(&host->cgroup, "cgroup.procs", st);
	if (procs < 0)
		return procs;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		close(procs);
		return status_fail(st, errno, "socketpair: %s",
				   strerror(errno));
	}
	aged->pid = fork();
	if (!aged->pid) {
		close(pair[0]);
		be_process(procs, pair[1], pages);
	}
	close(procs);
	close(pair[1]);
	aged->socket = pair[0];
	if (aged->pid > 0)
		return 0;
	aged->pid = 0;
	return status_fail(st, errno, "fork: %s", strerror(errno));
}

void aged_stop(struct aged *aged)
{
	if (aged->socket >= 0)
		close(aged->socket);
	if (aged->pid)
		waitpid(aged->pid, NULL, 0);
	else
		live_vm_stop(&aged->vm);
	*aged = (struct aged){.socket = -1};
}

static int touch_guest(struct aged *aged, uint64_t from, uint64_t to,
		       struct status *st)
{
	uint32_t *orders = kage_calloc(to - from, sizeof(*orders), st);
	int ret;

	if (!orders)
		return -ENOMEM;
	for (uint64_t i = from; i < to; i++)
		orders[i - from] = vmm_make_order(i, true);
	ret = live_vm_play(&aged->vm, orders, to - from, st);
	free(orders);
	return ret;
}

int aged_touch(struct aged *aged, uint64_t from, uint64_t to, struct status *st)
{
	struct span span = {from, to};

	if (!aged->pid)
		return touch_guest(aged, from, to, st);
	if (send(aged->socket, &span, sizeof(span), MSG_NOSIGNAL) < 0 ||
	    recv(aged->socket, &span, sizeof(span), 0) != sizeof(span))
		return status_fail(st, ECHILD,
				   "the process beside the guest has ended");
	return 0;
}

/* The nodes' generations, as they are now. */
static int find_memcg(struct aged_host *host, struct lru_gen_memcg *memcg,
		      struct status *st)
{
	char *text;
	int ret = lru_gen_read(host->lru_gen, &text, st);

	if (!ret)
		ret = lru_gen_find(text, host->cgroup.path, memcg, st);
	free(text);
	return ret;
}

int aged_pass(struct aged *aged, double *ns, uint64_t *calls, struct status *st)
{
	struct aged_host *host = aged->host;
	struct pmu_count counts[PMU_COUNTERS_MAX];
	struct lru_gen_memcg memcg;
	uint64_t before, after;
	int ret = find_memcg(host, &memcg, st);

	if (ret)
		return ret;
	before = live_counting_value(&host->counting, AGE_HVA);
	ret = pmu_counters_start(&host->clock, st);
	for (size_t i = 0; i < memcg.nr_nodes && !ret; i++)
		ret = lru_gen_age(host->lru_gen, memcg.id, &memcg.nodes[i], st);
	if (!ret)
		ret = pmu_counters_stop(&host->clock, counts, st);
	if (ret)
		return ret;
	after = live_counting_value(&host->counting, AGE_HVA);
	*ns = (double)counts[0].value;
	*calls = before == UINT64_MAX || after == UINT64_MAX ? UINT64_MAX
							     : after - before;
	return 0;
}
