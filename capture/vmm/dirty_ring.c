/* SPDX-License-Identifier: MIT */
/*
 * Written pages by ring (Documentation/virt/kvm/api.rst, 8.29): KVM pushes each
 * page on its first write by a vCPU, we mark entries as taken in order, and
 * KVM_RESET_DIRTY_RINGS makes the pages report again.  A ring that is nearly full
 * holds its vCPU, so nothing is lost.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "capture/vmm/internal.h"

static size_t ring_bytes(const struct vmm *vmm)
{
	return vmm->config.ring_entries * sizeof(struct kvm_dirty_gfn);
}

/* Before any vCPU exists.  x86 orders as both capabilities promise. */
int dirty_ring_init(struct vmm *vmm, struct status *st)
{
	const uint64_t entries = vmm->config.ring_entries;
	struct kvm_enable_cap ring = {.cap = KVM_CAP_DIRTY_LOG_RING_ACQ_REL,
				      .args = {ring_bytes(vmm)}};
	int most = ioctl(vmm->fd, KVM_CHECK_EXTENSION,
			 KVM_CAP_DIRTY_LOG_RING_ACQ_REL);

	if (most <= 0) {
		ring.cap = KVM_CAP_DIRTY_LOG_RING;
		most = ioctl(vmm->fd, KVM_CHECK_EXTENSION, ring.cap);
	}
	if (most <= 0)
		return status_fail(st, ENOTSUP,
				   "this KVM has no dirty ring "
				   "(KVM_CAP_DIRTY_LOG_RING, Linux 5.11)");
	if (!entries || entries & (entries - 1) ||
	    ring_bytes(vmm) < GUEST_PAGE || ring_bytes(vmm) > (size_t)most)
		return status_fail(
			st, EINVAL,
			"a dirty ring has %zu to %zu entries, a power "
			"of two, not %u",
			GUEST_PAGE / sizeof(struct kvm_dirty_gfn),
			(size_t)most / sizeof(struct kvm_dirty_gfn),
			vmm->config.ring_entries);
	if (ioctl(vmm->fd, KVM_ENABLE_CAP, &ring))
		return status_fail(st, errno, "dirty ring of %u entries: %s",
				   vmm->config.ring_entries, strerror(errno));
	return 0;
}

int dirty_ring_map(struct vcpu *vcpu, struct status *st)
{
	void *at = mmap(NULL, ring_bytes(vcpu->vmm), PROT_READ | PROT_WRITE,
			MAP_SHARED, vcpu->fd,
			(off_t)KVM_DIRTY_LOG_PAGE_OFFSET * GUEST_PAGE);

	if (at == MAP_FAILED)
		return status_fail(st, errno,
				   "vCPU %u: mapping its dirty ring: %s",
				   vcpu->id, strerror(errno));
	vcpu->ring = at;
	return 0;
}

void dirty_ring_unmap(struct vcpu *vcpu)
{
	if (vcpu->ring)
		munmap(vcpu->ring, ring_bytes(vcpu->vmm));
	vcpu->ring = NULL;
}

/* So that no CPU keeps pages in a buffer of its own. */
static void get_vcpus_out(struct vmm *vmm)
{
	pthread_mutex_lock(&vmm->lock);
	vmm_kick_locked(vmm);
	for (unsigned int i = 0; i < vmm->config.nr_vcpus; i++)
		while (vmm->vcpus[i].state == VCPU_RUNNING &&
		       vmm->vcpus[i].is_kicked)
			pthread_cond_wait(&vmm->changed, &vmm->lock);
	for (unsigned int i = 0; i < vmm->config.nr_vcpus; i++)
		vmm->vcpus[i].was_full = vmm->vcpus[i].state == VCPU_FULL;
	pthread_mutex_unlock(&vmm->lock);
}

/*
 * KVM never looks whether there is room (kvm_dirty_ring_push()).  A ring without a
 * free entry has probably been overrun: its oldest entries are gone, and KVM goes
 * on to count them as used, so that the ring gets full while it is empty.  Once,
 * that can also be an exit that a harvest has overtaken.
 */
static int check_overrun(struct vcpu *vcpu, uint32_t taken, struct status *st)
{
	vcpu->nr_empty = vcpu->was_full && !taken ? vcpu->nr_empty + 1 : 0;
	if (taken < vcpu->vmm->config.ring_entries && vcpu->nr_empty < 2)
		return 0;
	return status_fail(st, ENOBUFS,
			   "vCPU %u: KVM overran its dirty ring of %u entries, "
			   "pages are lost (see breath)",
			   vcpu->id, vcpu->vmm->config.ring_entries);
}

/* Return: whether there was an entry. */
static bool take_entry(struct vcpu *vcpu, uint32_t *slot, uint64_t *offset)
{
	struct kvm_dirty_gfn *entry =
		&vcpu->ring[vcpu->ring_next % vcpu->vmm->config.ring_entries];

	if (!(__atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE) &
	      KVM_DIRTY_GFN_F_DIRTY))
		return false;
	*slot = entry->slot;
	*offset = entry->offset;
	__atomic_store_n(&entry->flags, KVM_DIRTY_GFN_F_RESET,
			 __ATOMIC_RELEASE);
	vcpu->ring_next++;
	return true;
}

static int harvest_vcpu(struct vcpu *vcpu, vmm_dirty_fn *dirty, void *context,
			struct status *st)
{
	struct vmm *vmm = vcpu->vmm;
	uint32_t taken = 0, slot;
	uint64_t offset;
	int ret = 0;

	while (!ret && taken < vmm->config.ring_entries &&
	       take_entry(vcpu, &slot, &offset)) {
		taken++;
		if (slot != VMM_SLOT_DATA)
			continue;
		vmm->dirty_pages++;
		ret = dirty(context, vmm->slots[slot].gfn + offset, vcpu->id);
	}
	return ret ? ret : check_overrun(vcpu, taken, st);
}

static void release_held(struct vmm *vmm)
{
	pthread_mutex_lock(&vmm->lock);
	for (unsigned int i = 0; i < vmm->config.nr_vcpus; i++)
		if (vmm->vcpus[i].state == VCPU_FULL)
			vmm->vcpus[i].state = VCPU_RUNNING;
	pthread_cond_broadcast(&vmm->changed);
	pthread_mutex_unlock(&vmm->lock);
}

int dirty_ring_harvest(struct vmm *vmm, vmm_dirty_fn *dirty, void *context,
		       struct status *st)
{
	int ret = 0;

	get_vcpus_out(vmm);
	for (unsigned int i = 0; !ret && i < vmm->config.nr_vcpus; i++)
		ret = harvest_vcpu(&vmm->vcpus[i], dirty, context, st);
	if (ioctl(vmm->fd, KVM_RESET_DIRTY_RINGS, 0) < 0 && !ret)
		ret = status_fail(st, errno, "KVM_RESET_DIRTY_RINGS: %s",
				  strerror(errno));
	release_held(vmm);
	return ret;
}
