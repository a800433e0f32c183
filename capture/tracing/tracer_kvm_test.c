/* SPDX-License-Identifier: MIT */
/*
 * KVM's tracepoints, of a guest of a few instructions whose every exit is known.
 * Skipped without KVM or without the privileges to trace.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/test.h"
#include "capture/tracing/hostfs.h"
#include "capture/tracing/tracer.h"

enum {
	SKIPPED = 77,
	RAM = 1 << 16,
	CODE = 0x1000,
	PORT = 0x10,
	OUTS = 1000,
	RING = 1 << 20,
};

/* Real mode: OUTS times to a port, counting down. */
static const unsigned char code[] = {
	0xb9, OUTS & 255, OUTS >> 8, /*    mov $OUTS, %cx */
	0x89, 0xc8,		     /* 1: mov %cx, %ax */
	0xe6, PORT,		     /*    out %al, $PORT */
	0xe2, 0xfa,		     /*    loop 1b */
	0xf4,			     /*    hlt */
};

struct vm {
	int kvm, vm, vcpu;
	unsigned char *ram;
	struct kvm_run *run;
	size_t run_size;
};

static int set_registers(const struct vm *vm)
{
	struct kvm_regs regs = {.rip = CODE, .rflags = 2};
	struct kvm_sregs sregs;

	if (ioctl(vm->vcpu, KVM_GET_SREGS, &sregs))
		return -1;
	sregs.cs.base = sregs.cs.selector = 0;
	return ioctl(vm->vcpu, KVM_SET_SREGS, &sregs) ||
	       ioctl(vm->vcpu, KVM_SET_REGS, &regs);
}

static int make_vm(struct vm *vm)
{
	struct kvm_userspace_memory_region slot = {.memory_size = RAM};

	vm->vm = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	vm->ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(vm->vm >= 0 && vm->ram != MAP_FAILED);
	memcpy(vm->ram + CODE, code, sizeof(code));
	slot.userspace_addr = (uintptr_t)vm->ram;
	if (ioctl(vm->vm, KVM_SET_USER_MEMORY_REGION, &slot))
		return -1;
	vm->vcpu = ioctl(vm->vm, KVM_CREATE_VCPU, 0);
	vm->run_size = (size_t)ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	vm->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		       vm->vcpu, 0);
	assert_true(vm->vcpu >= 0 && vm->run != MAP_FAILED);
	return set_registers(vm);
}

/* Return: how often the guest wrote to the port before it halted. */
static size_t run_vm(struct vm *vm)
{
	size_t outs = 0;

	while (!ioctl(vm->vcpu, KVM_RUN, 0) &&
	       vm->run->exit_reason == KVM_EXIT_IO)
		outs++;
	assert_int_equal(vm->run->exit_reason, KVM_EXIT_HLT);
	return outs;
}

static void end_vm(struct vm *vm)
{
	munmap(vm->run, vm->run_size);
	close(vm->vcpu);
	close(vm->vm);
	munmap(vm->ram, RAM);
}

struct seen {
	size_t outs, exits, halts;
};

static const struct tracer_point points[] = {
	{"kvm", "kvm_pio", {"rw", "port", "val"}, NULL},
	{"kvm", "kvm_userspace_exit", {"reason"}, NULL},
};

static int take(void *arg, const struct tracer_event *event, struct status *st)
{
	struct seen *seen = arg;

	(void)st;
	if (event->which == 0) {
		assert_int_equal(event->field[0], 1); /* a write */
		assert_int_equal(event->field[1], PORT);
		assert_int_equal(event->field[2], (OUTS - seen->outs) & 255);
		seen->outs++;
	} else if (event->field[0] == KVM_EXIT_IO) {
		seen->exits++;
		assert_int_equal(seen->exits, seen->outs);
	} else {
		assert_int_equal(event->field[0], KVM_EXIT_HLT);
		seen->halts++;
	}
	return 0;
}

/* Return: a tracer for this thread, or NULL, saying why not. */
static struct tracer *open_tracer(void)
{
	pid_t self = (pid_t)syscall(SYS_gettid);
	const struct tracer_plan plan = {points, 2, &self, 1, RING, 0};
	struct tracer *tracer = NULL;
	struct status st;
	int tracefs = hostfs_open("tracefs", &st);

	if (tracefs < 0 || tracer_open(&tracer, tracefs, &plan, &st))
		printf("skip: %s\n", st.message);
	if (tracefs >= 0)
		close(tracefs);
	return tracer;
}

static void every_exit_is_seen(void **state)
{
	struct vm *vm = *state;
	struct tracer *tracer = open_tracer();
	struct seen seen = {.outs = 0};
	uint64_t lost;

	assert_non_null(tracer);
	assert_int_equal(make_vm(vm), 0);
	assert_int_equal(tracer_enable(tracer, NULL), 0);
	assert_int_equal(run_vm(vm), OUTS);
	assert_int_equal(tracer_finish(tracer, take, &seen, &lost, NULL), 1);
	assert_int_equal(lost, 0);
	assert_int_equal(seen.outs, OUTS);
	assert_int_equal(seen.exits, OUTS);
	assert_int_equal(seen.halts, 1);
	tracer_close(tracer);
	end_vm(vm);
}

struct unmapped {
	uint64_t start, end;
	size_t hits; /* exactly these addresses */
};

static int take_unmap(void *arg, const struct tracer_event *event,
		      struct status *st)
{
	struct unmapped *unmapped = arg;

	(void)st;
	unmapped->hits += event->field[0] == unmapped->start &&
			  event->field[1] == unmapped->end;
	return 0;
}

/* Memory of a VM that is given back, page for page what KVM is told. */
static void an_invalidation_names_its_range(void **state)
{
	static const struct tracer_point unmap = {
		"kvm", "kvm_unmap_hva_range", {"start", "end"}, NULL};
	const struct tracer_plan plan = {&unmap, 1, NULL, 0, RING, 0};
	struct vm *vm = *state;
	int tracefs = hostfs_open("tracefs", NULL);
	struct unmapped unmapped = {.hits = 0};
	struct tracer *tracer;
	uint64_t lost;

	assert_int_equal(tracer_open(&tracer, tracefs, &plan, NULL), 0);
	close(tracefs);
	assert_int_equal(make_vm(vm), 0);
	unmapped.start = (uintptr_t)vm->ram + 0x2000;
	unmapped.end = unmapped.start + 0x3000;
	assert_int_equal(tracer_enable(tracer, NULL), 0);
	assert_int_equal(madvise(vm->ram + 0x2000, 0x3000, MADV_DONTNEED), 0);
	assert_int_equal(
		tracer_finish(tracer, take_unmap, &unmapped, &lost, NULL), 1);
	assert_int_equal(lost, 0);
	assert_int_equal(unmapped.hits, 1);
	tracer_close(tracer);
	end_vm(vm);
}

int main(void)
{
	struct vm vm = {.kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC)};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(every_exit_is_seen, &vm),
		cmocka_unit_test_prestate(an_invalidation_names_its_range, &vm),
	};
	struct tracer *tracer = NULL;
	int ret = SKIPPED;

	if (vm.kvm < 0)
		printf("skip: /dev/kvm: %s\n", strerror(errno));
	else
		tracer = open_tracer();
	if (tracer) {
		tracer_close(tracer);
		ret = cmocka_run_group_tests(tests, NULL, NULL);
	}
	if (vm.kvm >= 0)
		close(vm.kvm);
	return ret;
}
