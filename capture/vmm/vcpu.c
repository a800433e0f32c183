/* SPDX-License-Identifier: MIT */
/*
 * A vCPU and its thread: into the guest, out again, and waiting where the
 * controlling thread wants it to.
 *
 * The thread blocks all signals but lets KICK interrupt KVM_RUN
 * (KVM_SET_SIGNAL_MASK): a kick is never lost, not even just before KVM_RUN, and
 * the process needs no signal handler.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "capture/vmm/internal.h"

enum {
	KICK = SIGUSR1,
	KERNEL_SIGSET_BYTES = 8,
};

static int let_kicks_in(const struct vcpu *vcpu, struct status *st)
{
	uint64_t buffer[2] = {0};
	struct kvm_signal_mask *mask = (struct kvm_signal_mask *)buffer;
	uint64_t blocked = ~((uint64_t)1 << (KICK - 1));

	mask->len = KERNEL_SIGSET_BYTES;
	memcpy(mask->sigset, &blocked, sizeof(blocked));
	if (ioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, mask))
		return status_fail(st, errno,
				   "vCPU %u: KVM_SET_SIGNAL_MASK: %s", vcpu->id,
				   strerror(errno));
	return 0;
}

int vcpu_create(struct vcpu *vcpu, struct status *st)
{
	struct vmm *vmm = vcpu->vmm;
	void *run;
	int ret;

	vcpu->fd = ioctl(vmm->fd, KVM_CREATE_VCPU, (unsigned long)vcpu->id);
	if (vcpu->fd < 0)
		return status_fail(st, errno, "KVM_CREATE_VCPU %u: %s",
				   vcpu->id, strerror(errno));
	run = mmap(NULL, vmm->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		   vcpu->fd, 0);
	if (run == MAP_FAILED)
		return status_fail(st, errno, "vCPU %u: mapping its state: %s",
				   vcpu->id, strerror(errno));
	vcpu->run = run;
	ret = let_kicks_in(vcpu, st);
	if (!ret && vmm->config.logging == VMM_LOG_RING)
		ret = dirty_ring_map(vcpu, st);
	return ret ? ret : vcpu_registers_init(vcpu, st);
}

void vcpu_destroy(struct vcpu *vcpu)
{
	dirty_ring_unmap(vcpu);
	if (vcpu->run)
		munmap(vcpu->run, vcpu->vmm->run_bytes);
	if (vcpu->fd >= 0)
		close(vcpu->fd);
}

static void tell_locked(struct vmm *vmm)
{
	pthread_cond_broadcast(&vmm->changed);
	eventfd_write(vmm->event, 1);
}

/* Sleep for the pace, unless the VM is stopped. */
static void pace_locked(struct vmm *vmm)
{
	const uint64_t second = 1000000000;
	struct timespec until;
	uint64_t ns;

	clock_gettime(CLOCK_MONOTONIC, &until);
	ns = (uint64_t)until.tv_nsec + vmm->config.pace_ns % second;
	until.tv_sec += (time_t)(vmm->config.pace_ns / second + ns / second);
	until.tv_nsec = (long)(ns % second);
	while (!vmm->is_stopping &&
	       pthread_cond_timedwait(&vmm->changed, &vmm->lock, &until) !=
		       ETIMEDOUT)
		;
}

/* Before the next round.  Return: 1, or 0 when the VM is stopped. */
static int wait_for_round_locked(struct vcpu *vcpu)
{
	struct vmm *vmm = vcpu->vmm;

	vcpu->state = VCPU_WAITING;
	if (vmm->config.is_stepped || vcpu->rounds == 1)
		tell_locked(vmm);
	else
		pthread_cond_broadcast(&vmm->changed);
	if (vmm->config.pace_ns && vcpu->rounds && !vmm->config.is_stepped)
		pace_locked(vmm);
	while (!vmm->is_stopping && vcpu->rounds >= vmm->rounds_allowed)
		pthread_cond_wait(&vmm->changed, &vmm->lock);
	vcpu->state = VCPU_RUNNING;
	return !vmm->is_stopping;
}

static int end_round(struct vcpu *vcpu)
{
	int ret;

	pthread_mutex_lock(&vcpu->vmm->lock);
	vcpu->rounds++;
	ret = wait_for_round_locked(vcpu);
	pthread_mutex_unlock(&vcpu->vmm->lock);
	return ret;
}

static int hold_while_full(struct vcpu *vcpu)
{
	struct vmm *vmm = vcpu->vmm;
	int ret;

	pthread_mutex_lock(&vmm->lock);
	vmm->ring_full++;
	vcpu->state = VCPU_FULL;
	tell_locked(vmm);
	while (!vmm->is_stopping && vcpu->state == VCPU_FULL)
		pthread_cond_wait(&vmm->changed, &vmm->lock);
	ret = !vmm->is_stopping;
	pthread_mutex_unlock(&vmm->lock);
	return ret;
}

/* Outside the guest.  Return: 1, or 0 when the VM is stopped. */
static int take_kick(struct vcpu *vcpu)
{
	const struct timespec now = {0};
	struct vmm *vmm = vcpu->vmm;
	sigset_t kick;
	int ret;

	sigemptyset(&kick);
	sigaddset(&kick, KICK);
	pthread_mutex_lock(&vmm->lock);
	if (vcpu->is_kicked) {
		sigtimedwait(&kick, NULL, &now);
		vcpu->is_kicked = false;
		pthread_cond_broadcast(&vmm->changed);
	}
	ret = !vmm->is_stopping;
	pthread_mutex_unlock(&vmm->lock);
	return ret;
}

static int handle_port(struct vcpu *vcpu, struct status *st)
{
	if (vcpu->run->io.direction == KVM_EXIT_IO_OUT) {
		if (vcpu->run->io.port == GUEST_PORT_ROUND)
			return end_round(vcpu);
		if (vcpu->run->io.port == GUEST_PORT_BREATH)
			return 1;
		if (vcpu->run->io.port == GUEST_PORT_END)
			return 0;
	}
	return vcpu_bad_exit(vcpu, st);
}

/* Return: 1 to go on, 0 at the end, or an error. */
static int run_once(struct vcpu *vcpu, struct status *st)
{
	int ret = ioctl(vcpu->fd, KVM_RUN, 0);
	int error = ret < 0 ? errno : 0;

	if (!take_kick(vcpu))
		return 0;
	if (error == EINTR || error == EAGAIN)
		return 1;
	if (error)
		return status_fail(st, error, "vCPU %u: KVM_RUN: %s", vcpu->id,
				   strerror(error));
	if (vcpu->run->exit_reason == KVM_EXIT_IO)
		return handle_port(vcpu, st);
	if (vcpu->run->exit_reason == KVM_EXIT_DIRTY_RING_FULL)
		return hold_while_full(vcpu);
	return vcpu_bad_exit(vcpu, st);
}

static void *vcpu_main(void *arg)
{
	struct vcpu *vcpu = arg;
	struct vmm *vmm = vcpu->vmm;
	struct status why = {""};
	char name[16];
	int ret;

	/* what others know a vCPU by: is_vcpu_name() in guest.c */
	snprintf(name, sizeof(name), "vcpu %u", vcpu->id);
	pthread_setname_np(pthread_self(), name);
	pthread_mutex_lock(&vmm->lock);
	vcpu->tid = gettid();
	ret = wait_for_round_locked(vcpu);
	pthread_mutex_unlock(&vmm->lock);
	while (ret > 0)
		ret = run_once(vcpu, &why);
	pthread_mutex_lock(&vmm->lock);
	vcpu->state = VCPU_ENDED;
	if (ret < 0 && !vmm->error) {
		vmm->error = ret;
		vmm->failure = why;
	}
	tell_locked(vmm);
	pthread_mutex_unlock(&vmm->lock);
	return NULL;
}

int vcpu_start(struct vcpu *vcpu, struct status *st)
{
	struct vmm *vmm = vcpu->vmm;
	sigset_t all, before;
	int error;

	vcpu->state = VCPU_RUNNING;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&vcpu->thread, NULL, vcpu_main, vcpu);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error) {
		vcpu->state = VCPU_ENDED;
		return status_fail(st, error, "vCPU %u: thread: %s", vcpu->id,
				   strerror(error));
	}
	vcpu->has_thread = true;
	pthread_mutex_lock(&vmm->lock);
	while (!vcpu->tid)
		pthread_cond_wait(&vmm->changed, &vmm->lock);
	pthread_mutex_unlock(&vmm->lock);
	return 0;
}

void vmm_kick_locked(struct vmm *vmm)
{
	for (unsigned int i = 0; i < vmm->config.nr_vcpus; i++) {
		struct vcpu *vcpu = &vmm->vcpus[i];

		if (vcpu->state != VCPU_RUNNING || vcpu->is_kicked)
			continue;
		vcpu->is_kicked = true;
		pthread_kill(vcpu->thread, KICK);
	}
}
