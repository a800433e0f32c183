/* SPDX-License-Identifier: MIT */
/* Guest memory: its backing, the two slots, page tables, code and boot page. */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/vmm/image.h"
#include "capture/vmm/internal.h"

enum {
	HUGE_PAGE = 2 << 20,
	TABLE_ENTRIES = 512,
};

/* x86 page-table entries (Intel SDM volume 3, 4.5). */
#define PTE_PRESENT  (1u << 0)
#define PTE_WRITABLE (1u << 1)
#define PTE_ACCESSED (1u << 5)
#define PTE_DIRTY    (1u << 6)
#define PTE_HUGE     (1u << 7)
#define PTE_TABLE    (PTE_PRESENT | PTE_WRITABLE | PTE_ACCESSED)
#define PTE_LEAF     (PTE_TABLE | PTE_DIRTY | PTE_HUGE)

/* Map @bytes at an address that is a multiple of a huge page. */
static int map_aligned(struct mapping *mapping, uint64_t *hva, size_t bytes,
		       int fd, struct status *st)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	size_t all = bytes + HUGE_PAGE;
	void *base = mmap(NULL, all, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *at;

	if (base == MAP_FAILED)
		return status_fail(st, errno, "guest memory, %zu bytes: %s",
				   all, strerror(errno));
	mapping->base = base;
	mapping->bytes = all;
	at = (char *)base + (HUGE_PAGE - (uintptr_t)base % HUGE_PAGE);
	if (mmap(at, bytes, PROT_READ | PROT_WRITE,
		 flags | MAP_FIXED | MAP_NORESERVE, fd, 0) == MAP_FAILED)
		return status_fail(st, errno, "guest memory, %zu bytes: %s",
				   bytes, strerror(errno));
	*hva = (uintptr_t)at;
	return 0;
}

static int open_memfd(struct vmm *vmm, size_t bytes, struct status *st)
{
	vmm->memfd = memfd_create("kage-guest", MFD_CLOEXEC);
	if (vmm->memfd < 0 || ftruncate(vmm->memfd, (off_t)bytes))
		return status_fail(st, errno, "memfd of %zu bytes: %s", bytes,
				   strerror(errno));
	return 0;
}

/* A kernel without huge pages has none to refuse. */
static int set_thp(const struct vmm *vmm, void *at, size_t bytes,
		   struct status *st)
{
	int advice = vmm->config.is_thp ? MADV_HUGEPAGE : MADV_NOHUGEPAGE;

	if (madvise(at, bytes, advice) &&
	    (vmm->config.is_thp || errno != EINVAL))
		return status_fail(st, errno, "huge pages for the guest: %s",
				   strerror(errno));
	return 0;
}

static int map_slot(struct vmm *vmm, unsigned int slot, struct status *st)
{
	struct trace_slot *s = &vmm->slots[slot];
	size_t bytes = s->npages * GUEST_PAGE;
	int ret = 0;

	if (slot == VMM_SLOT_DATA && vmm->config.backing == VMM_MEMFD)
		ret = open_memfd(vmm, bytes, st);
	if (!ret)
		ret = map_aligned(&vmm->mappings[slot], &s->hva, bytes,
				  slot == VMM_SLOT_DATA ? vmm->memfd : -1, st);
	if (!ret && slot == VMM_SLOT_DATA)
		ret = set_thp(vmm, (void *)s->hva, bytes, st);
	return ret;
}

static int register_slot(const struct vmm *vmm, unsigned int slot,
			 struct status *st)
{
	const struct trace_slot *s = &vmm->slots[slot];
	bool is_logged = slot == VMM_SLOT_DATA &&
			 vmm->config.logging != VMM_LOG_NONE;
	const struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = is_logged ? KVM_MEM_LOG_DIRTY_PAGES : 0,
		.guest_phys_addr = s->gfn * GUEST_PAGE,
		.memory_size = s->npages * GUEST_PAGE,
		.userspace_addr = s->hva,
	};

	if (ioctl(vmm->fd, KVM_SET_USER_MEMORY_REGION, &region))
		return status_fail(st, errno,
				   "KVM_SET_USER_MEMORY_REGION slot %u: %s",
				   slot, strerror(errno));
	return 0;
}

static uint64_t *table_at(const struct vmm *vmm, uint64_t address)
{
	return (uint64_t *)(vmm->slots[VMM_SLOT_LOW].hva + address);
}

/* Huge pages, virtual equal to physical: the low slot, and all data pages. */
static void build_tables(struct vmm *vmm)
{
	uint64_t bytes = vmm->config.pages * GUEST_PAGE;
	uint64_t nr_leaves = (bytes + HUGE_PAGE - 1) / HUGE_PAGE;
	uint64_t *pdpt = table_at(vmm, GUEST_PDPT);
	uint64_t *data = table_at(vmm, GUEST_PD_DATA);

	table_at(vmm, GUEST_PML4)[0] = GUEST_PDPT | PTE_TABLE;
	pdpt[0] = GUEST_PD_LOW | PTE_TABLE;
	table_at(vmm, GUEST_PD_LOW)[0] = PTE_LEAF;
	for (uint64_t i = 0; i < nr_leaves; i++) {
		uint64_t table = i / TABLE_ENTRIES;

		pdpt[(GUEST_DATA >> 30) + table] =
			(GUEST_PD_DATA + table * GUEST_PAGE) | PTE_TABLE;
		data[i] = (GUEST_DATA + i * HUGE_PAGE) | PTE_LEAF;
	}
}

static void write_boot_page(struct vmm *vmm)
{
	struct guest_boot *boot =
		(struct guest_boot *)(vmm->slots[VMM_SLOT_LOW].hva +
				      GUEST_BOOT);

	const struct program_entry *program = vmm->config.program;

	boot->program = program ? (uint64_t)(program - guest_programs)
				: GUEST_NO_PROGRAM;
	boot->rounds = vmm->config.rounds;
	boot->share = vmm->config.pages / vmm->config.nr_vcpus;
	boot->breath = vmm->config.breath;
	if (program)
		memcpy(boot->params, vmm->config.params,
		       program->program->params_size);
}

int vmm_find_backing(const char *name, enum vmm_backing *backing,
		     struct status *st)
{
	for (unsigned int i = 0; vmm_backing_names[i]; i++)
		if (!strcmp(vmm_backing_names[i], name)) {
			*backing = (enum vmm_backing)i;
			return 0;
		}
	return status_fail(st, EINVAL, "--backing %s: known are anon, memfd",
			   name);
}

uint64_t vmm_order_value(uint64_t round)
{
	return GUEST_ORDER_VALUE(round);
}

void vmm_order(struct vmm *vmm, unsigned int vcpu, const uint32_t *orders,
	       size_t n)
{
	struct guest_orders *to =
		(struct guest_orders *)(vmm->slots[VMM_SLOT_LOW].hva +
					GUEST_ORDERS +
					(uint64_t)vcpu * GUEST_ORDERS_BYTES);

	_Static_assert((int)VMM_ORDERS_MAX == (int)GUEST_ORDERS_MAX,
		       "vmm.h promises another number");
	assert(!vmm->config.program && vcpu < vmm->config.nr_vcpus &&
	       n <= VMM_ORDERS_MAX);
	memcpy(to->order, orders, n * sizeof(*orders));
	to->n = (uint32_t)n;
}

int vmm_memory_init(struct vmm *vmm, struct status *st)
{
	struct trace_slot *low = &vmm->slots[VMM_SLOT_LOW];
	struct trace_slot *data = &vmm->slots[VMM_SLOT_DATA];
	int ret;

	*low = (struct trace_slot){.npages = GUEST_LOW_BYTES / GUEST_PAGE,
				   .page_bytes = GUEST_PAGE,
				   .node = -1,
				   .backing = "anon"};
	*data = *low;
	data->gfn = GUEST_DATA_GFN;
	data->npages = vmm->config.pages;
	strcpy(data->backing, vmm_backing_names[vmm->config.backing]);
	for (unsigned int slot = 0; slot < VMM_SLOTS; slot++) {
		ret = map_slot(vmm, slot, st);
		if (!ret)
			ret = register_slot(vmm, slot, st);
		if (ret)
			return ret;
	}
	memcpy((void *)(low->hva + GUEST_CODE), guest_image,
	       (size_t)(guest_image_end - guest_image));
	build_tables(vmm);
	write_boot_page(vmm);
	return 0;
}

void vmm_memory_fini(struct vmm *vmm)
{
	for (unsigned int slot = 0; slot < VMM_SLOTS; slot++)
		if (vmm->mappings[slot].base)
			munmap(vmm->mappings[slot].base,
			       vmm->mappings[slot].bytes);
	if (vmm->memfd >= 0)
		close(vmm->memfd);
}
