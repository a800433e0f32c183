/* SPDX-License-Identifier: MIT */
/*
 * Whole captures of a real QEMU with a dirty ring, whose guest (tcg/guest/dirty.S)
 * writes to known pages and reads others; and what is left when QEMU, its socket or
 * kage ends in the middle.  Skipped where there is no KVM, no QEMU, or no right to
 * trace.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/test.h"
#include "capture/guest/guest.h"
#include "capture/qemu/qmp_proxy.h"
#include "capture/qemu/ring_trace.h"
#include "datasets/trace/trace.h"

#define SOCKET	   "qdr_test.qmp"
#define PROXY	   "qdr_test.proxy"
#define READY	   "qdr_test.ready"
#define LOG	   "qdr_test.log"
#define TRACE_FILE "qdr_test.kgt"

enum {
	SKIPPED = 77,
	FIRMWARE_END = 0x100, /* first gfn above what SeaBIOS works in */
	BOOT_MS = 120000,
};

/* What the guest writes above FIRMWARE_END, below and above the hole. */
static const gfn_t written[] = {0x200,	  0x202,    0x204,   0x206,    0x3ff,
				0x401,	  0x7f000,  0x7f003, 0x100001, 0x100003,
				0x100200, 0x123456, 0x13ffff};

enum {
	NR_WRITTEN = sizeof(written) / sizeof(written[0])
};

static void pause_ms(long ms)
{
	const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&pause, NULL);
}

/* In the child, or what follows is not a test any more. */
static pid_t run(const char *line)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	setpgid(0, 0);
	execl("/bin/sh", "sh", "-c", line, (char *)NULL);
	_exit(127);
}

static int wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool is_file_longer(const char *path, off_t bytes)
{
	struct stat info;

	return !stat(path, &info) && info.st_size > bytes;
}

static bool comes_to_be(const char *path, off_t bytes, int ms)
{
	for (; ms > 0 && !is_file_longer(path, bytes); ms -= 50)
		pause_ms(50);
	return ms > 0;
}

/* -- the guest -- */

static pid_t start_qemu(const char *accel, const char *options)
{
	char line[1024];

	snprintf(line, sizeof(line),
		 "exec qemu-system-x86_64 -accel %s %s -m 5G -nodefaults "
		 "-display none -qmp unix:" SOCKET ",server=on,wait=off "
		 "-debugcon file:" READY " -kernel " GUESTS "/dirty.elf "
		 "2>qdr_test.qemu",
		 accel, options);
	unlink(SOCKET);
	unlink(READY);
	return run(line);
}

static pid_t boot(void)
{
	pid_t pid = start_qemu("kvm,dirty-ring-size=4096", "");

	assert_true(comes_to_be(READY, 0, BOOT_MS));
	return pid;
}

static int start_guest(void **state)
{
	pid_t *pid = test_malloc(sizeof(*pid));

	*pid = boot();
	*state = pid;
	return 0;
}

static int end_guest(void **state)
{
	pid_t *pid = *state;

	if (!pid) /* it never came up */
		return 0;
	kill(*pid, SIGKILL);
	wait_for(*pid);
	test_free(pid);
	return 0;
}

/* -- kage -- */

static pid_t start_kage(const char *options)
{
	char line[512];

	snprintf(line, sizeof(line),
		 "exec " KAGE_PROGRAM
		 " record -b qemu-dirty-ring -o " TRACE_FILE " %s 2>" LOG,
		 options);
	unlink(TRACE_FILE);
	unlink(TRACE_FILE ".part");
	unlink(LOG);
	return run(line);
}

/* Return: the epochs in an unfinished file; 0 if there is none. */
static size_t count_written(void)
{
	struct trace_reader *reader;
	struct trace_block block;
	size_t n = 0;

	if (trace_reader_open(&reader, TRACE_FILE ".part", TRACE_OPEN_PARTIAL,
			      NULL))
		return 0;
	while (trace_reader_next(reader, &block, NULL) > 0)
		n += block.type == TRACE_BLOCK_EPOCH && block.is_last_part;
	trace_reader_close(reader);
	return n;
}

/* Up to its first epochs on disk. */
static void wait_for_epochs(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d", pid);
	for (int i = 0; i < 1200 && count_written() < 2; i++)
		pause_ms(100);
	assert_true(count_written() >= 2);
	assert_int_equal(access(path, F_OK), 0);
}

static void expect_said(const char *what)
{
	char text[4096] = "";
	FILE *file = fopen(LOG, "re");

	assert_non_null(file);
	fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	if (!strstr(text, what))
		fail_msg("kage did not say '%s' but: %s", what, text);
}

/* Each epoch but a last one that was cut: all of the pages, and no other ones. */
static void expect_epoch(const struct trace_block *block, bool is_whole)
{
	bool seen[NR_WRITTEN] = {false};
	size_t n = 0;

	assert_true(block->is_last_part);
	for (size_t i = 0; i < block->nr_runs; i++)
		for (gfn_t page = 0; page < block->runs[i].npages; page++) {
			gfn_t gfn = block->runs[i].gfn + page;
			size_t k = 0;

			assert_int_equal(block->runs[i].flags,
					 TRACE_4K | TRACE_RUN_DIRTY);
			if (gfn < FIRMWARE_END)
				continue;
			while (k < NR_WRITTEN && written[k] != gfn)
				k++;
			if (k == NR_WRITTEN)
				fail_msg("nobody wrote gfn %#llx",
					 (unsigned long long)gfn);
			assert_false(seen[k]);
			seen[k] = true;
			n++;
		}
	if (is_whole)
		assert_int_equal(n, NR_WRITTEN);
}

/* Return: the number of epochs. */
static size_t expect_trace(bool is_cut)
{
	struct trace_reader *reader;
	struct trace_block block;
	struct status st = {""};
	size_t epochs = 0;
	uint64_t total;
	int ret;

	assert_int_equal(trace_reader_open(&reader, TRACE_FILE, 0, &st), 0);
	total = trace_reader_totals(reader)->epochs;
	assert_int_equal(trace_reader_meta(reader)->fidelity,
			 TRACE_FIRST_WRITE);
	assert_int_equal(trace_reader_meta(reader)->channels,
			 TRACE_CHANNEL_DIRTY);
	while ((ret = trace_reader_next(reader, &block, &st)) > 0)
		if (block.type == TRACE_BLOCK_EPOCH) {
			epochs++;
			expect_epoch(&block, !is_cut || epochs < total);
		}
	assert_int_equal(ret, 0);
	assert_int_equal(trace_reader_totals(reader)->lost, 0);
	trace_reader_close(reader);
	return epochs;
}

/* -- QEMU from our side -- */

static void connect_guest(struct guest *guest)
{
	const struct guest_words words = {.qmp = SOCKET};
	struct status st = {""};

	if (guest_open(guest, &words, GUEST_QMP | GUEST_VCPUS, &st))
		fail_msg("%s", st.message);
}

/* Whether QEMU still measures. */
static bool is_measuring(struct guest *guest)
{
	struct status st = {""};
	json_t *answer =
		qmp_command(&guest->qmp, "query-dirty-rate", NULL, &st);
	const char *status =
		json_string_value(json_object_get(answer, "status"));
	bool is_on = status && !strcmp(status, "measuring");

	assert_non_null(status);
	json_decref(answer);
	return is_on;
}

/* How many pages go into the rings in a second, in which the guest writes to all
 * of its pages many times. */
static size_t count_pushes(const struct guest *guest)
{
	struct ring_trace *trace;
	struct status st = {""};
	size_t n;

	assert_int_equal(ring_trace_open(&trace, guest, 2 << 20, &st), 0);
	assert_int_equal(ring_trace_enable(trace, &st), 0);
	ring_trace_keep(trace, 0);
	pause_ms(1000);
	assert_true(ring_trace_drain(trace, &st) >= 0);
	n = ring_trace_pushes(trace)->nr;
	ring_trace_close(trace);
	return n;
}

static void expect_logging_off(void)
{
	struct guest *guest = test_calloc(1, sizeof(*guest));

	connect_guest(guest);
	assert_false(is_measuring(guest));
	assert_int_equal(count_pushes(guest), 0);
	guest_close(guest);
	test_free(guest);
}

/* A measurement that kage could not end any more ends by itself. */
static void await_end_of_measurement(void)
{
	struct guest *guest = test_calloc(1, sizeof(*guest));

	connect_guest(guest);
	for (int i = 0; is_measuring(guest) && i < 6000; i++)
		pause_ms(10);
	guest_close(guest);
	test_free(guest);
}

/* -- the tests -- */

static void written_pages_are_found_and_no_others(void **state)
{
	pid_t kage = start_kage("--qmp " SOCKET " --epochs 3");

	(void)state;
	assert_int_equal(wait_for(kage), 0);
	assert_int_equal(expect_trace(false), 3);
	expect_logging_off();
}

static void interrupt_ends_with_a_whole_epoch(void **state)
{
	pid_t kage = start_kage("--qmp " SOCKET);

	(void)state;
	wait_for_epochs(kage);
	kill(kage, SIGINT);
	assert_int_equal(wait_for(kage), 130);
	assert_true(expect_trace(false) >= 2);
	expect_logging_off();
}

static void killed_kage_leaves_epochs_and_no_logging(void **state)
{
	struct trace_totals totals;
	struct status st = {""};
	uint64_t dropped;
	pid_t kage = start_kage("--qmp " SOCKET);

	(void)state;
	wait_for_epochs(kage);
	kill(kage, SIGKILL);
	assert_int_equal(wait_for(kage), 128 + SIGKILL);
	await_end_of_measurement();
	expect_logging_off();
	assert_int_equal(
		trace_recover(TRACE_FILE ".part", &totals, &dropped, &st), 0);
	assert_true(totals.epochs >= 1);
	assert_int_equal(expect_trace(false), totals.epochs);
}

static void closed_socket_keeps_the_trace(void **state)
{
	pid_t qemu = *(pid_t *)*state, proxy = qmp_proxy_start(PROXY, SOCKET),
	      kage;
	char options[64];

	snprintf(options, sizeof(options), "--qmp " PROXY " --pid %d", qemu);
	kage = start_kage(options);
	wait_for_epochs(kage);
	kill(proxy, SIGKILL);
	assert_int_equal(wait_for(kage), 4);
	assert_int_equal(wait_for(proxy), 128 + SIGKILL);
	expect_said("QEMU closed the connection; the trace is complete up to");
	assert_true(expect_trace(true) >= 2);
	await_end_of_measurement();
	expect_logging_off();
}

/* Record an epoch, and stand still meanwhile.  Return: the exit code. */
static int record_with_a_stop(void)
{
	pid_t kage = start_kage("--qmp " SOCKET " --epoch 6s --epochs 1 "
				"--params ring_bytes=16K");

	assert_true(comes_to_be(TRACE_FILE ".part", 0, BOOT_MS));
	pause_ms(1000); /* the measurement goes on */
	kill(kage, SIGSTOP);
	pause_ms(6500);
	kill(kage, SIGCONT);
	return wait_for(kage);
}

/* Some 200 pushes fit into our buffer; the guest makes thousands in a second, if the
 * machine lets it, and if the measurement began before the stop. */
static void losses_are_counted(void **state)
{
	int code = 0;

	(void)state;
	for (int i = 0; i < 8 && code != 5; i++)
		code = record_with_a_stop();
	assert_int_equal(code, 5);
	expect_said("of all (--max-loss)");
}

static void held_socket_is_named(void **state)
{
	struct guest *guest = test_calloc(1, sizeof(*guest));

	(void)state;
	connect_guest(guest);
	assert_int_equal(wait_for(start_kage("--qmp " SOCKET)), 4);
	expect_said("does another client hold the socket?");
	assert_int_equal(access(TRACE_FILE, F_OK), -1);
	guest_close(guest);
	test_free(guest);
}

static void killed_qemu_keeps_the_trace(void **state)
{
	pid_t *qemu = *state, kage = start_kage("--qmp " SOCKET);

	wait_for_epochs(kage);
	kill(*qemu, SIGKILL);
	assert_int_equal(wait_for(kage), 4);
	expect_said("QEMU ended; the trace is complete up to then");
	assert_true(expect_trace(true) >= 2);
}

static void refuse(const char *accel, const char *why)
{
	pid_t qemu = start_qemu(accel, "-S");

	for (int i = 0; access(SOCKET, F_OK) && i < 200; i++)
		pause_ms(50);
	pause_ms(200);
	assert_int_equal(wait_for(start_kage("--qmp " SOCKET)), 4);
	expect_said(why);
	assert_int_equal(access(TRACE_FILE, F_OK), -1);
	assert_int_equal(access(TRACE_FILE ".part", F_OK), -1);
	kill(qemu, SIGKILL);
	wait_for(qemu);
}

static void qemu_without_a_ring_is_told_how(void **state)
{
	(void)state;
	refuse("kvm", "start it with -accel kvm,dirty-ring-size=4096");
}

static void emulating_qemu_is_told_how(void **state)
{
	(void)state;
	refuse("tcg", "this QEMU emulates its guest: start it with -accel kvm");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_pages_are_found_and_no_others),
		cmocka_unit_test(interrupt_ends_with_a_whole_epoch),
		cmocka_unit_test(killed_kage_leaves_epochs_and_no_logging),
		cmocka_unit_test(closed_socket_keeps_the_trace),
		cmocka_unit_test(losses_are_counted),
		cmocka_unit_test(held_socket_is_named),
		cmocka_unit_test(killed_qemu_keeps_the_trace), /* the last */
	};
	const struct CMUnitTest refusals[] = {
		cmocka_unit_test(qemu_without_a_ring_is_told_how),
		cmocka_unit_test(emulating_qemu_is_told_how),
	};
	struct status why = {""};

	if (access("/dev/kvm", R_OK | W_OK))
		printf("skip: /dev/kvm cannot be used\n");
	else if (system("qemu-system-x86_64 --version >" LOG " 2>&1"))
		printf("skip: qemu-system-x86_64 is not installed\n");
	else if (ring_trace_probe(&why))
		printf("skip: %s\n", why.message);
	else
		return cmocka_run_group_tests(tests, start_guest, end_guest) |
		       cmocka_run_group_tests(refusals, NULL, NULL);
	return SKIPPED;
}
