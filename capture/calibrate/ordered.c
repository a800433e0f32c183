/* SPDX-License-Identifier: MIT */
/* Orders for a guest, and how long it took; see ordered.h. */
#include "capture/calibrate/ordered.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "capture/calibrate/calibration.h"

enum {
	PAGE = 4096,
	PATIENCE_MS = 60000, /* for a round, on the slowest of machines */
};

int ordered_start(struct ordered *guest, unsigned int nr_vcpus,
		  struct status *st)
{
	const struct vmm_config config = {
		.pages = (uint64_t)CALIBRATE_PAGES * nr_vcpus,
		.rounds = VMM_ENDLESS,
		.nr_vcpus = nr_vcpus,
		.is_stepped = true,
	};
	int ret = vmm_create(&guest->vmm, &config, st);

	if (ret)
		return ret;
	guest->nr_vcpus = nr_vcpus;
	guest->data = (char *)vmm_slots(guest->vmm)[VMM_SLOT_DATA].hva;
	ret = vmm_start(guest->vmm, st);
	if (ret)
		ordered_stop(guest);
	return ret;
}

void ordered_stop(struct ordered *guest)
{
	vmm_destroy(guest->vmm);
	guest->vmm = NULL;
}

int ordered_begin(struct ordered *guest, size_t n, struct status *st)
{
	uint32_t orders[VMM_ORDERS_MAX];

	(void)st;
	assert(n <= VMM_ORDERS_MAX);
	for (unsigned int vcpu = 0; vcpu < guest->nr_vcpus; vcpu++) {
		for (size_t i = 0; i < n; i++)
			orders[i] = vmm_make_order(
				(uint64_t)vcpu * CALIBRATE_PAGES + i, true);
		vmm_order(guest->vmm, vcpu, orders, n);
	}
	vmm_go(guest->vmm);
	return 0;
}

int ordered_end(struct ordered *guest, struct status *st)
{
	int ret = vmm_wait(guest->vmm, PATIENCE_MS, st);

	if (ret == VMM_ROUND)
		return 0;
	return ret < 0 ? ret
		       : status_fail(st, ETIMEDOUT,
				     "the guest did not follow its orders");
}

static double ns_of(clockid_t clock)
{
	struct timespec now = {0};

	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* CPU time of a thread of ours by its number (include/linux/posix-timers.h,
 * MAKE_THREAD_CPUCLOCK() of CPUCLOCK_SCHED); glibc does it for pthreads only. */
static clockid_t cpu_clock_of(pid_t tid)
{
	const unsigned int per_thread = 4, sched = 2;

	return (clockid_t)(~(unsigned int)tid << 3 | per_thread | sched);
}

int ordered_touch(struct ordered *guest, size_t n, struct ordered_time *time,
		  struct status *st)
{
	clockid_t cpu = cpu_clock_of(vmm_vcpu_tid(guest->vmm, 0));
	double wall_start = ns_of(CLOCK_MONOTONIC), cpu_start = ns_of(cpu);
	int ret = ordered_begin(guest, n, st);

	if (!ret)
		ret = ordered_end(guest, st);
	time->wall_ns = ns_of(CLOCK_MONOTONIC) - wall_start;
	time->cpu_ns = ns_of(cpu) - cpu_start;
	return ret;
}

int ordered_protect(char *at, size_t n, double *ns, struct status *st)
{
	double start = ns_of(CLOCK_THREAD_CPUTIME_ID);
	int failed = mprotect(at, n * PAGE, PROT_READ);

	*ns = ns_of(CLOCK_THREAD_CPUTIME_ID) - start;
	if (failed || mprotect(at, n * PAGE, PROT_READ | PROT_WRITE))
		return status_fail(st, errno, "mprotect: %s", strerror(errno));
	return 0;
}
