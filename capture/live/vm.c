/* SPDX-License-Identifier: MIT */
/*
 * The guest's process and how we talk to it; see vm.h.  Orders and answers are in
 * memory that both see; a byte on the socket says that there is something new.
 */
#include "capture/live/vm.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/live/refusal.h"

enum {
	SETTLE_MS = 1000,
	TABLE_PAGES = 512, /* that a leaf page table maps */
};

struct live_vm_shared {
	int ret; /* of the last request */
	struct status st;
	struct trace_slot slot;
	uint64_t rounds; /* played before the first request */
	pid_t tids[LIVE_VM_VCPUS_MAX];
	struct {
		size_t n;
		uint32_t orders[LIVE_VM_BATCH];
	} vcpus[LIVE_VM_VCPUS_MAX];
};

/* In the child: what the guest runs from and on is there before the move. */
static void touch_low_slot(const struct vmm *vmm)
{
	const struct trace_slot *low = &vmm_slots(vmm)[VMM_SLOT_LOW];
	volatile char *at = (volatile char *)low->hva;

	for (uint64_t i = 0; i < low->npages * TRACE_PAGE_BYTES;
	     i += TRACE_PAGE_BYTES)
		at[i] = at[i];
}

static int await_round(struct vmm *vmm, struct status *st)
{
	int ret = vmm_wait(vmm, -1, st);

	if (ret == VMM_ROUND)
		return 0;
	return ret < 0 ? ret
		       : status_fail(st, EIO, "the guest has ended by itself");
}

/* The lowest of the real-time priorities: all else that is fair waits. */
static int be_undisturbed(const struct live_vm_config *config,
			  const struct live_vm_shared *shared,
			  struct status *st)
{
	const struct sched_param lowest = {.sched_priority = 1};

	for (unsigned int i = 0; i < config->nr_vcpus; i++)
		if (sched_setscheduler(shared->tids[i], SCHED_FIFO, &lowest))
			return refuse_host(st, errno,
					   "SCHED_FIFO for a vCPU: %s",
					   strerror(errno));
	return 0;
}

/* Whether page @i of @slot is the first that a leaf page table has, of the host's or
 * of KVM's. */
static bool opens_table(const struct trace_slot *slot, uint64_t i)
{
	return !i || !((slot->hva / TRACE_PAGE_BYTES + i) % TABLE_PAGES) ||
	       !((slot->gfn + i) % TABLE_PAGES);
}

/* In the child: the guest reads its @n orders, and follows them. */
static int play_before(struct vmm *vmm, const uint32_t *orders, size_t n,
		       struct live_vm_shared *shared)
{
	int ret;

	vmm_order(vmm, 0, orders, n);
	vmm_go(vmm);
	ret = await_round(vmm, &shared->st);
	vmm_order(vmm, 0, orders, 0);
	shared->rounds++;
	return ret;
}

/* In the child: the guest touches a data page, which is then given back. */
static int touch_and_free(struct vmm *vmm, const struct live_vm_config *config,
			  uint64_t page, struct live_vm_shared *shared)
{
	const struct trace_slot *slot = &vmm_slots(vmm)[VMM_SLOT_DATA];
	int advice = config->backing == VMM_ANON ? MADV_DONTNEED : MADV_REMOVE;
	uint32_t order = vmm_make_order(page, true);
	int ret = play_before(vmm, &order, 1, shared);

	if (!ret && madvise((void *)(slot->hva + page * TRACE_PAGE_BYTES),
			    TRACE_PAGE_BYTES, advice))
		ret = status_fail(&shared->st, errno, "madvise: %s",
				  strerror(errno));
	return ret;
}

/*
 * Before the move into the cgroup, the leaf page tables of both MMUs are made: they
 * are charged to nobody then, and under a limit take no room from the guest's pages.
 * The last fault fills KVM's store of empty tables again
 * (mmu_topup_memory_caches()).  Huge pages need none; their guest only finds its
 * orders.
 */
static int make_tables(struct vmm *vmm, const struct live_vm_config *config,
		       struct live_vm_shared *shared)
{
	const struct trace_slot *slot = &vmm_slots(vmm)[VMM_SLOT_DATA];
	const uint32_t none = 0;
	int ret = 0;

	if (config->is_thp)
		return play_before(vmm, &none, 0, shared);
	for (uint64_t i = 0; i < slot->npages && !ret; i++)
		if (opens_table(slot, i))
			ret = touch_and_free(vmm, config, i, shared);
	return ret ? ret : touch_and_free(vmm, config, 0, shared);
}

static int begin(struct vmm **vmm, const struct live_vm_config *config,
		 struct live_vm_shared *shared)
{
	const struct vmm_config wanted = {
		.pages = config->pages,
		.rounds = VMM_ENDLESS,
		.nr_vcpus = config->nr_vcpus,
		.backing = config->backing,
		.is_thp = config->is_thp,
		.is_stepped = true,
	};
	int ret = vmm_create(vmm, &wanted, &shared->st);

	if (ret)
		return ret;
	touch_low_slot(*vmm);
	ret = vmm_start(*vmm, &shared->st);
	if (ret)
		return ret;
	ret = make_tables(*vmm, config, shared);
	if (ret)
		return ret;
	shared->slot = vmm_slots(*vmm)[VMM_SLOT_DATA];
	for (unsigned int i = 0; i < config->nr_vcpus; i++)
		shared->tids[i] = vmm_vcpu_tid(*vmm, i);
	if (config->is_undisturbed)
		ret = be_undisturbed(config, shared, &shared->st);
	if (ret)
		return ret;
	if (config->procs >= 0 && write(config->procs, "0", 1) != 1)
		return refuse_host(&shared->st, errno,
				   "moving the guest into its cgroup: %s",
				   strerror(errno));
	return 0;
}

static int follow(struct vmm *vmm, const struct live_vm_config *config,
		  struct live_vm_shared *shared)
{
	for (unsigned int i = 0; i < config->nr_vcpus; i++)
		vmm_order(vmm, i, shared->vcpus[i].orders, shared->vcpus[i].n);
	vmm_go(vmm);
	return await_round(vmm, &shared->st);
}

/* The child: requests come and go as single bytes until the socket closes. */
static void serve(const struct live_vm_config *config,
		  struct live_vm_shared *shared, int socket)
{
	struct vmm *vmm = NULL;
	char byte = 0;

	shared->ret = begin(&vmm, config, shared);
	while (send(socket, &byte, 1, MSG_NOSIGNAL) == 1 && !shared->ret &&
	       recv(socket, &byte, 1, 0) == 1)
		shared->ret = follow(vmm, config, shared);
	vmm_destroy(vmm);
}

static void be_guest(const struct live_vm_config *config,
		     struct live_vm_shared *shared, int socket, pid_t parent)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		serve(config, shared, socket);
	_exit(0);
}

/* Why it does not answer. */
static int say_death(struct live_vm *vm, struct status *st)
{
	int status = 0;

	waitpid(vm->pid, &status, 0);
	vm->pid = 0;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return status_fail(st, ECHILD,
				   "the guest's process was killed (its memory "
				   "limit is too low, see the kernel's log)");
	return status_fail(st, ECHILD, "the guest's process has ended (%d)",
			   status);
}

static int await_answer(struct live_vm *vm, struct status *st)
{
	char byte;
	ssize_t n;

	do
		n = recv(vm->socket, &byte, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		return say_death(vm, st);
	if (vm->shared->ret && st)
		*st = vm->shared->st;
	return vm->shared->ret;
}

static int map_shared(struct live_vm *vm, struct status *st)
{
	void *at = mmap(NULL, sizeof(*vm->shared), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return status_fail(st, errno, "mmap: %s", strerror(errno));
	memset(at, 0, sizeof(*vm->shared)); /* is charged to us */
	vm->shared = at;
	return 0;
}

static int fork_guest(struct live_vm *vm, const struct live_vm_config *config,
		      struct status *st)
{
	pid_t parent = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return status_fail(st, errno, "socketpair: %s",
				   strerror(errno));
	vm->pid = fork();
	if (!vm->pid) {
		close(pair[0]);
		be_guest(config, vm->shared, pair[1], parent);
	}
	close(pair[1]);
	vm->socket = pair[0];
	if (vm->pid > 0)
		return 0;
	vm->pid = 0;
	return status_fail(st, errno, "cannot fork: %s", strerror(errno));
}

int live_vm_start(struct live_vm *vm, const struct live_vm_config *config,
		  struct status *st)
{
	int ret;

	assert(config->nr_vcpus <= LIVE_VM_VCPUS_MAX);
	*vm = (struct live_vm){.socket = -1, .nr_vcpus = config->nr_vcpus};
	ret = map_shared(vm, st);
	if (!ret)
		ret = fork_guest(vm, config, st);
	if (!ret)
		ret = await_answer(vm, st);
	if (ret) {
		live_vm_stop(vm);
		return ret;
	}
	vm->slot = vm->shared->slot;
	vm->rounds = vm->shared->rounds;
	memcpy(vm->tids, vm->shared->tids, sizeof(vm->tids));
	return 0;
}

static void share_out(struct live_vm *vm, const uint32_t *orders, size_t n)
{
	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		vm->shared->vcpus[i].n = 0;
	for (size_t i = 0; i < n; i++) {
		size_t *used = &vm->shared->vcpus[i % vm->nr_vcpus].n;

		vm->shared->vcpus[i % vm->nr_vcpus].orders[(*used)++] =
			orders[i];
	}
}

int live_vm_begin(struct live_vm *vm, const uint32_t *orders, size_t n,
		  struct status *st)
{
	char byte = 1;

	assert(n <= (size_t)LIVE_VM_BATCH * vm->nr_vcpus);
	if (!vm->pid)
		return status_fail(st, ECHILD, "the guest has ended");
	share_out(vm, orders, n);
	if (send(vm->socket, &byte, 1, MSG_NOSIGNAL) != 1)
		return say_death(vm, st);
	vm->rounds++;
	return 0;
}

int live_vm_end(struct live_vm *vm, struct status *st)
{
	return await_answer(vm, st);
}

int live_vm_play(struct live_vm *vm, const uint32_t *orders, size_t n,
		 struct status *st)
{
	size_t most = (size_t)LIVE_VM_BATCH * vm->nr_vcpus;
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i += most) {
		size_t left = n - i;

		ret = live_vm_begin(vm, orders + i, left < most ? left : most,
				    st);
		if (!ret)
			ret = live_vm_end(vm, st);
	}
	return ret;
}

/* Field 3 of /proc/PID/task/TID/stat; field 2, the name, is in brackets. */
static bool is_asleep(pid_t pid, pid_t tid)
{
	char path[64], text[256];
	const char *at;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return true; /* it is gone */
	text[n] = '\0';
	at = strrchr(text, ')');
	return at && at[1] == ' ' && at[2] != 'R';
}

void live_vm_settle(const struct live_vm *vm)
{
	const struct timespec pause = {0, 1000000};
	bool is_still = false;

	for (int i = 0; i < SETTLE_MS && !is_still; i++) {
		is_still = is_asleep(vm->pid, vm->pid);
		for (unsigned int v = 0; v < vm->nr_vcpus; v++)
			is_still &= is_asleep(vm->pid, vm->tids[v]);
		if (!is_still)
			nanosleep(&pause, NULL);
	}
}

void live_vm_stop(struct live_vm *vm)
{
	if (!vm->shared)
		return;
	if (vm->socket >= 0)
		close(vm->socket);
	if (vm->pid)
		waitpid(vm->pid, NULL, 0);
	munmap(vm->shared, sizeof(*vm->shared));
	*vm = (struct live_vm){.socket = -1};
}
