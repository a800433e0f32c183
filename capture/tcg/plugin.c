/* SPDX-License-Identifier: MIT */
/*
 * kage-tcg.so: sees every guest access inside QEMU and sends it, folded, to kage.
 *
 * Time is the number of instructions that all vCPUs retired.  kage runs QEMU with
 * one thread for all vCPUs, so callbacks come one at a time, in the order of that
 * clock; nothing here is locked.  The clock moves once per translated block: all
 * accesses of a block carry the time of its end, and a block left early by an
 * exception counts as a whole.
 *
 * Each vCPU has a table from virtual page to guest page, because asking QEMU for
 * the physical address of every access costs seven times the run time.  It is
 * emptied by the instructions with which a guest drops its own TLB entries, so it
 * can be no staler than a TLB that the architecture allows.
 *
 * Not seen: DMA, page-table walks, the stack pushes of interrupt delivery, and
 * the second page of an instruction that crosses into it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/tcg/fold.h"
#include "capture/tcg/insn.h"
#include "capture/tcg/plugin_api.h"
#include "capture/tcg/wire.h"

enum {
	PAGE_SHIFT = 12,
	PAGE_BYTES = 1 << PAGE_SHIFT,
	ACCESS_BYTES_MAX = 64,
	VPAGES = 1024, /* entries of a vCPU's table */
	BATCH = 2048,  /* records per send */
};

/* Generations start at this value and step by it; 0 marks an empty entry. */
#define GENERATION_STEP (UINT64_C(1) << (64 - PAGE_SHIFT))

struct vpage {
	uint64_t tag; /* generation and virtual page number */
	struct fold *fold;
};

struct vcpu {
	struct vpage vpages[VPAGES];
	uint64_t generation; /* in the tag's bits above the page number */
	uint64_t insns;
};

/* A translated block; lives until QEMU drops its translations. */
struct block {
	struct block *next;
	uint64_t insns;
	struct fold *code[2]; /* the pages that it lies on, NULL if not RAM */
};

enum phase {
	BEFORE, /* waiting for the start mark */
	RECORDING,
	AFTER,
};

static struct tracer {
	int fd;
	struct wire_setup setup;
	uint64_t clock;
	uint64_t origin; /* clock value that kage sees as 0 */
	enum phase phase;
	struct folder folder;
	struct vcpu *vcpus;
	unsigned int nr_vcpus;
	struct block *blocks;
	struct wire_record batch[BATCH];
	size_t batched;
} tracer = {.clock = 1, .fd = -1};

int qemu_plugin_version = QEMU_PLUGIN_API;

/* When kage is gone there is nobody to run for: QEMU is asked to end. */
static void send_batch(void)
{
	const char *at = (const char *)tracer.batch;
	size_t left = tracer.batched * sizeof(tracer.batch[0]);

	while (left && tracer.fd >= 0) {
		ssize_t n = send(tracer.fd, at, left, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			tracer.fd = -1;
			kill(getpid(), SIGTERM);
			return;
		}
		at += n;
		left -= (size_t)n;
	}
	tracer.batched = 0;
}

static void put_record(const struct wire_record *record)
{
	if (tracer.batched == BATCH)
		send_batch();
	if (tracer.fd >= 0)
		tracer.batch[tracer.batched++] = *record;
}

static void emit(void *arg, const struct wire_record *record)
{
	struct wire_record sent = *record;

	(void)arg;
	sent.time -= tracer.origin;
	put_record(&sent);
}

static void start_recording(void)
{
	tracer.origin = tracer.folder.origin = tracer.clock - 1;
	tracer.phase = RECORDING;
}

static void stop_recording(void)
{
	const struct wire_record end = {
		.time = tracer.phase == RECORDING ? tracer.clock - tracer.origin
						  : 0,
		.kind = WIRE_END,
	};

	folder_drain(&tracer.folder);
	for (unsigned int i = 0; i < tracer.nr_vcpus; i++)
		put_record(&(struct wire_record){
			.time = tracer.vcpus[i].insns,
			.vcpu = (uint16_t)i,
			.kind = WIRE_VCPU,
		});
	put_record(&end);
	send_batch();
	tracer.phase = AFTER;
}

/* Return: the fold of the page at @byte of guest RAM, NULL if not inside. */
static struct fold *ram_fold(uint64_t byte)
{
	uint64_t page = byte >> PAGE_SHIFT;

	return page < tracer.setup.ram_pages ? &tracer.folder.folds[page]
					     : NULL;
}

static inline struct vpage *vpage_slot(struct vcpu *vcpu, uint64_t vaddr)
{
	return &vcpu->vpages[(vaddr >> PAGE_SHIFT) % VPAGES];
}

static inline uint64_t vpage_tag(const struct vcpu *vcpu, uint64_t vaddr)
{
	return vaddr >> PAGE_SHIFT | vcpu->generation;
}

static struct fold *look_up(qemu_plugin_meminfo_t info, uint64_t vaddr)
{
	struct qemu_plugin_hwaddr *hwaddr = qemu_plugin_get_hwaddr(info, vaddr);

	if (!hwaddr || qemu_plugin_hwaddr_is_io(hwaddr))
		return NULL;
	return ram_fold(qemu_plugin_hwaddr_phys_addr(hwaddr) -
			tracer.setup.ram_offset);
}

/* A page that has no window: rare, kept out of the path of every access. */
static __attribute__((noinline)) void
open_fold(struct fold *fold, enum fold_access access, unsigned int vcpu)
{
	if (tracer.phase == RECORDING)
		folder_open(&tracer.folder, fold, tracer.clock, access, vcpu);
}

static inline void touch(struct fold *fold, enum fold_access access,
			 unsigned int vcpu)
{
	if (!fold_add(fold, tracer.clock, access))
		open_fold(fold, access, vcpu);
}

static __attribute__((noinline)) void
touch_unknown_page(unsigned int index, qemu_plugin_meminfo_t info,
		   uint64_t vaddr, enum fold_access access)
{
	struct fold *fold = look_up(info, vaddr);
	struct vcpu *vcpu = &tracer.vcpus[index];

	if (!fold)
		return;
	*vpage_slot(vcpu, vaddr) = (struct vpage){vpage_tag(vcpu, vaddr), fold};
	touch(fold, access, index);
}

static inline void touch_page(unsigned int index, qemu_plugin_meminfo_t info,
			      uint64_t vaddr, enum fold_access access)
{
	struct vcpu *vcpu = &tracer.vcpus[index];
	const struct vpage *vpage = vpage_slot(vcpu, vaddr);

	if (__builtin_expect(vpage->tag == vpage_tag(vcpu, vaddr), 1))
		touch(vpage->fold, access, index);
	else
		touch_unknown_page(index, info, vaddr, access);
}

static __attribute__((noinline)) void touch_end(unsigned int index,
						qemu_plugin_meminfo_t info,
						uint64_t vaddr,
						enum fold_access access)
{
	uint64_t last = vaddr + (1u << qemu_plugin_mem_size_shift(info)) - 1;

	if (last >> PAGE_SHIFT != vaddr >> PAGE_SHIFT)
		touch_page(index, info, last & -(uint64_t)PAGE_BYTES, access);
}

/* One callback for reads and writes: QEMU 7.2 sorts them wrongly when asked to
 * call for one kind only. */
static void on_access(unsigned int index, qemu_plugin_meminfo_t info,
		      uint64_t vaddr, void *arg)
{
	enum fold_access access = qemu_plugin_mem_is_store(info) ? FOLD_WRITE
								 : FOLD_READ;

	(void)arg;
	touch_page(index, info, vaddr, access);
	if (__builtin_expect(vaddr % PAGE_BYTES > PAGE_BYTES - ACCESS_BYTES_MAX,
			     0))
		touch_end(index, info, vaddr, access);
}

static void on_block(unsigned int index, void *arg)
{
	const struct block *block = arg;

	tracer.clock += block->insns;
	if (tracer.phase == RECORDING)
		tracer.vcpus[index].insns += block->insns;
	for (int i = 0; i < 2; i++)
		if (block->code[i])
			touch(block->code[i], FOLD_FETCH, index);
}

static void on_remap(unsigned int index, void *arg)
{
	struct vcpu *vcpu = &tracer.vcpus[index];

	(void)arg;
	vcpu->generation += GENERATION_STEP;
	if (!vcpu->generation) {
		memset(vcpu->vpages, 0, sizeof(vcpu->vpages));
		vcpu->generation = GENERATION_STEP;
	}
}

static void on_start(unsigned int index, void *arg)
{
	(void)index;
	(void)arg;
	if (tracer.phase == BEFORE)
		start_recording();
}

static void on_stop(unsigned int index, void *arg)
{
	(void)index;
	(void)arg;
	if (tracer.phase == RECORDING && tracer.setup.flags & WIRE_MARKED)
		stop_recording();
}

static void on_exit_qemu(qemu_plugin_id_t id, void *arg)
{
	(void)id;
	(void)arg;
	if (tracer.phase != AFTER)
		stop_recording();
}

static const qemu_plugin_exec_fn insn_hooks[] = {
	[INSN_REMAPS] = on_remap,
	[INSN_MARK_START] = on_start,
	[INSN_MARK_STOP] = on_stop,
};

static void instrument(struct qemu_plugin_insn *insn)
{
	enum insn_class class = insn_classify(qemu_plugin_insn_data(insn),
					      qemu_plugin_insn_size(insn));

	if (insn_hooks[class])
		qemu_plugin_register_vcpu_insn_exec_cb(
			insn, insn_hooks[class], QEMU_PLUGIN_CB_NO_REGS, NULL);
	qemu_plugin_register_vcpu_mem_cb(insn, on_access,
					 QEMU_PLUGIN_CB_NO_REGS,
					 QEMU_PLUGIN_MEM_RW, NULL);
}

/* The page that an instruction starts on; NULL if it is not guest RAM. */
static struct fold *code_page(const struct qemu_plugin_insn *insn)
{
	return ram_fold((uint64_t)qemu_plugin_insn_haddr(insn) -
			tracer.setup.ram_host);
}

static int setup_from_kage(void)
{
	ssize_t n = recv(tracer.fd, &tracer.setup, sizeof(tracer.setup),
			 MSG_WAITALL);

	if (n != sizeof(tracer.setup) || tracer.setup.magic != WIRE_MAGIC)
		return -EPROTO;
	return folder_init(&tracer.folder, tracer.setup.ram_pages,
			   tracer.setup.window,
			   tracer.setup.flags & WIRE_ALIGNED, emit, NULL);
}

static struct block *new_block(const struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);
	struct block *block = malloc(sizeof(*block));

	if (!block)
		return NULL;
	*block = (struct block){
		.next = tracer.blocks,
		.insns = n,
		.code = {code_page(qemu_plugin_tb_get_insn(tb, 0)),
			 code_page(qemu_plugin_tb_get_insn(tb, n - 1))},
	};
	if (block->code[1] == block->code[0])
		block->code[1] = NULL;
	return tracer.blocks = block;
}

/* The guest runs only after kage has sent the setup; without one, end the
 * stream, which kage notices. */
static bool is_set_up(void)
{
	if (tracer.fd < 0 || tracer.folder.folds)
		return tracer.fd >= 0;
	if (setup_from_kage()) {
		close(tracer.fd);
		tracer.fd = -1;
		return false;
	}
	if (!(tracer.setup.flags & WIRE_MARKED))
		start_recording();
	return true;
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	struct block *block = is_set_up() ? new_block(tb) : NULL;

	(void)id;
	if (!block)
		return;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block,
					     QEMU_PLUGIN_CB_NO_REGS, block);
	for (size_t i = 0; i < block->insns; i++)
		instrument(qemu_plugin_tb_get_insn(tb, i));
}

static void on_flush(qemu_plugin_id_t id)
{
	(void)id;
	while (tracer.blocks) {
		struct block *block = tracer.blocks;

		tracer.blocks = block->next;
		free(block);
	}
}

int qemu_plugin_install(qemu_plugin_id_t id,
			const struct qemu_plugin_info *info, int argc,
			char **argv)
{
	if (!info->system_emulation || strcmp(info->target_name, "x86_64") ||
	    argc != 1 || sscanf(argv[0], "fd=%d", &tracer.fd) != 1)
		return -1;
	tracer.nr_vcpus = (unsigned int)info->max_vcpus;
	tracer.vcpus = calloc(tracer.nr_vcpus, sizeof(*tracer.vcpus));
	if (!tracer.vcpus)
		return -1;
	for (unsigned int i = 0; i < tracer.nr_vcpus; i++)
		tracer.vcpus[i].generation = GENERATION_STEP;
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	qemu_plugin_register_flush_cb(id, on_flush);
	qemu_plugin_register_atexit_cb(id, on_exit_qemu, NULL);
	return 0;
}
