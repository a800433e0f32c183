/* SPDX-License-Identifier: MIT */
/* The VM as a whole: making it, waiting for it, ending it; see vmm.h. */
#include "capture/vmm/vmm.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "capture/vmm/internal.h"

enum {
	KVM_API = 12,
};

const char *const vmm_backing_names[] = {"anon", "memfd", NULL};
const char *const vmm_logging_names[] = {"none", "log", "ring", NULL};

static int open_kvm(struct vmm *vmm, struct status *st)
{
	vmm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vmm->kvm < 0)
		return status_fail(st, errno == ENOENT ? ENODEV : errno,
				   "/dev/kvm: %s%s", strerror(errno),
				   errno == EACCES
					   ? " (join the group that owns it)"
					   : " (load kvm_intel or kvm_amd)");
	if (ioctl(vmm->kvm, KVM_GET_API_VERSION, 0) != KVM_API)
		return status_fail(st, ENOTSUP,
				   "/dev/kvm does not speak version 12");
	return 0;
}

static int create_vm(struct vmm *vmm, struct status *st)
{
	int bytes;

	do
		vmm->fd = ioctl(vmm->kvm, KVM_CREATE_VM, 0);
	while (vmm->fd < 0 && errno == EINTR);
	if (vmm->fd < 0)
		return status_fail(st, errno, "KVM_CREATE_VM: %s",
				   strerror(errno));
	bytes = ioctl(vmm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (bytes < (int)sizeof(struct kvm_run))
		return status_fail(st, ENOTSUP,
				   "KVM_GET_VCPU_MMAP_SIZE returned %d", bytes);
	vmm->run_bytes = (size_t)bytes;
	return 0;
}

static int init_logging(struct vmm *vmm, struct status *st)
{
	switch (vmm->config.logging) {
	case VMM_LOG_BITMAP:
		return dirty_log_init(vmm, st);
	case VMM_LOG_RING:
		return dirty_ring_init(vmm, st);
	case VMM_LOG_NONE:
		break;
	}
	return 0;
}

static int check_config(const struct vmm_config *config, struct status *st)
{
	const uint64_t most = ((uint64_t)GUEST_DATA_GIB_MAX << 30) / GUEST_PAGE;

	assert(config->program ? config->program->program->params_size <=
					 PROGRAM_PARAMS_MAX
			       : config->is_stepped);
	if (!config->nr_vcpus || config->nr_vcpus > GUEST_VCPUS_MAX)
		return status_fail(st, EINVAL, "%u vCPUs: allowed is 1 to %d",
				   config->nr_vcpus, GUEST_VCPUS_MAX);
	if (config->pages < config->nr_vcpus || config->pages > most)
		return status_fail(st, EINVAL,
				   "%llu guest pages: allowed is %u to %llu",
				   (unsigned long long)config->pages,
				   config->nr_vcpus, (unsigned long long)most);
	return 0;
}

static struct vmm *new_vmm(const struct vmm_config *config, struct status *st)
{
	struct vmm *vmm = kage_calloc(1, sizeof(*vmm), st);
	pthread_condattr_t clock;

	if (!vmm)
		return NULL;
	vmm->config = *config;
	vmm->kvm = vmm->fd = vmm->event = vmm->memfd = -1;
	vmm->rounds_allowed = config->is_stepped ? 0 : UINT64_MAX;
	pthread_mutex_init(&vmm->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&vmm->changed, &clock);
	pthread_condattr_destroy(&clock);
	for (unsigned int i = 0; i < config->nr_vcpus; i++) {
		vmm->vcpus[i].vmm = vmm;
		vmm->vcpus[i].id = i;
		vmm->vcpus[i].fd = -1;
		vmm->vcpus[i].state = VCPU_ENDED;
	}
	return vmm;
}

static int build(struct vmm *vmm, struct status *st)
{
	int ret;

	vmm->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vmm->event < 0)
		return status_fail(st, errno, "eventfd: %s", strerror(errno));
	ret = open_kvm(vmm, st);
	if (!ret)
		ret = create_vm(vmm, st);
	if (!ret)
		ret = init_logging(vmm, st);
	if (!ret)
		ret = vmm_memory_init(vmm, st);
	for (unsigned int i = 0; !ret && i < vmm->config.nr_vcpus; i++)
		ret = vcpu_create(&vmm->vcpus[i], st);
	vmm->config.params = NULL; /* the guest has its copy */
	return ret;
}

int vmm_create(struct vmm **result, const struct vmm_config *config,
	       struct status *st)
{
	struct vmm *vmm;
	int ret = check_config(config, st);

	*result = NULL;
	if (ret)
		return ret;
	vmm = new_vmm(config, st);
	if (!vmm)
		return -ENOMEM;
	ret = build(vmm, st);
	if (ret)
		vmm_destroy(vmm);
	else
		*result = vmm;
	return ret;
}

int vmm_probe(enum vmm_logging logging, struct status *st)
{
	enum {
		PAGES = 1,
		ENTRIES = 1024
	};
	const struct vmm_config config = {.pages = PAGES,
					  .ring_entries = ENTRIES,
					  .nr_vcpus = 1,
					  .logging = logging,
					  .program = &guest_programs[0]};
	struct vmm *vmm = new_vmm(&config, st);
	int ret;

	if (!vmm)
		return -ENOMEM;
	ret = open_kvm(vmm, st);
	if (!ret)
		ret = create_vm(vmm, st);
	if (!ret)
		ret = init_logging(vmm, st);
	vmm_destroy(vmm);
	return ret;
}

const struct trace_slot *vmm_slots(const struct vmm *vmm)
{
	return vmm->slots;
}

pid_t vmm_vcpu_tid(const struct vmm *vmm, unsigned int vcpu)
{
	assert(vcpu < vmm->config.nr_vcpus);
	return vmm->vcpus[vcpu].tid;
}

int vmm_fd(const struct vmm *vmm)
{
	return vmm->event;
}

int vmm_start(struct vmm *vmm, struct status *st)
{
	int ret = 0;

	for (unsigned int i = 0; !ret && i < vmm->config.nr_vcpus; i++)
		ret = vcpu_start(&vmm->vcpus[i], st);
	return ret;
}

void vmm_go(struct vmm *vmm)
{
	assert(vmm->config.is_stepped);
	pthread_mutex_lock(&vmm->lock);
	vmm->rounds_allowed++;
	pthread_cond_broadcast(&vmm->changed);
	pthread_mutex_unlock(&vmm->lock);
}

static uint64_t rounds_done_locked(const struct vmm *vmm)
{
	uint64_t rounds = UINT64_MAX;

	for (unsigned int i = 0; i < vmm->config.nr_vcpus; i++)
		if (vmm->vcpus[i].rounds < rounds)
			rounds = vmm->vcpus[i].rounds;
	return rounds;
}

static unsigned int count_locked(const struct vmm *vmm, enum vcpu_state state)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < vmm->config.nr_vcpus; i++)
		n += vmm->vcpus[i].state == state;
	return n;
}

static int look(struct vmm *vmm, struct status *st)
{
	uint64_t awaited = vmm->config.is_stepped ? vmm->rounds_allowed : 1;
	int ret = VMM_TIMEOUT;

	pthread_mutex_lock(&vmm->lock);
	if (vmm->error) {
		ret = vmm->error;
		if (st)
			*st = vmm->failure;
	} else if (count_locked(vmm, VCPU_FULL)) {
		ret = VMM_RING_FULL;
	} else if (vmm->rounds_told < awaited &&
		   rounds_done_locked(vmm) >= awaited) {
		vmm->rounds_told = awaited;
		ret = VMM_ROUND;
	} else if (count_locked(vmm, VCPU_ENDED) == vmm->config.nr_vcpus) {
		ret = VMM_ENDED;
	}
	pthread_mutex_unlock(&vmm->lock);
	return ret;
}

int vmm_wait(struct vmm *vmm, int timeout_ms, struct status *st)
{
	struct pollfd news = {.fd = vmm->event, .events = POLLIN};
	eventfd_t count;
	int ret, n;

	for (;;) {
		eventfd_read(vmm->event, &count);
		ret = look(vmm, st);
		if (ret != VMM_TIMEOUT)
			eventfd_write(vmm->event, 1); /* look again */
		if (ret != VMM_TIMEOUT || !timeout_ms)
			return ret;
		n = poll(&news, 1, timeout_ms);
		if (n < 0 && errno != EINTR)
			return status_fail(st, errno, "poll: %s",
					   strerror(errno));
		if (!n)
			timeout_ms = 0;
	}
}

int vmm_harvest(struct vmm *vmm, vmm_dirty_fn *dirty, void *context,
		struct status *st)
{
	if (vmm->config.logging == VMM_LOG_RING)
		return dirty_ring_harvest(vmm, dirty, context, st);
	if (vmm->config.logging == VMM_LOG_BITMAP)
		return dirty_log_harvest(vmm, dirty, context, st);
	return 0;
}

void vmm_counts(struct vmm *vmm, struct vmm_counts *counts)
{
	pthread_mutex_lock(&vmm->lock);
	*counts = (struct vmm_counts){
		.rounds = rounds_done_locked(vmm),
		.ring_full = vmm->ring_full,
		.dirty_pages = vmm->dirty_pages,
	};
	pthread_mutex_unlock(&vmm->lock);
}

void vmm_stop(struct vmm *vmm)
{
	pthread_mutex_lock(&vmm->lock);
	vmm->is_stopping = true;
	vmm_kick_locked(vmm);
	pthread_cond_broadcast(&vmm->changed);
	pthread_mutex_unlock(&vmm->lock);
	for (unsigned int i = 0; i < vmm->config.nr_vcpus; i++) {
		if (vmm->vcpus[i].has_thread)
			pthread_join(vmm->vcpus[i].thread, NULL);
		vmm->vcpus[i].has_thread = false;
	}
}

void vmm_destroy(struct vmm *vmm)
{
	if (!vmm)
		return;
	vmm_stop(vmm);
	for (unsigned int i = 0; i < vmm->config.nr_vcpus; i++)
		vcpu_destroy(&vmm->vcpus[i]);
	if (vmm->fd >= 0)
		close(vmm->fd);
	vmm_memory_fini(vmm);
	if (vmm->kvm >= 0)
		close(vmm->kvm);
	if (vmm->event >= 0)
		close(vmm->event);
	pthread_cond_destroy(&vmm->changed);
	pthread_mutex_destroy(&vmm->lock);
	free(vmm->bitmap);
	free(vmm);
}
