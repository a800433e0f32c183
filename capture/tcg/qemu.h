/* SPDX-License-Identifier: MIT */
/*
 * The QEMU process: started stopped, with our plugin and one thread for all
 * vCPUs, and two sockets of our own (QMP and records), so that nothing of it
 * shows in the file system.
 */
#ifndef CAPTURE_TCG_QEMU_H
#define CAPTURE_TCG_QEMU_H

#include <sys/types.h>

#include "base/status.h"
#include "capture/guest/qmp.h"

struct qemu {
	pid_t pid;   /* 0: none */
	int monitor; /* QMP */
	int records; /* struct wire_setup out, struct wire_record in */
	struct qmp qmp;
};

/**
 * qemu_start - run @command with our options behind its first word
 *
 * Options of the same name that follow win or lose as QEMU decides; of several
 * -accel the first counts, which is ours.
 * Return: 0 with the guest stopped before its first instruction; -ENOENT when
 * the program or the plugin does not exist; or another error.  qemu_end() is due
 * in every case.
 */
int qemu_start(struct qemu *qemu, const char *const *command,
	       struct status *st);

int qemu_nr_vcpus(struct qemu *qemu, unsigned int *nr, struct status *st);

int qemu_continue(struct qemu *qemu, struct status *st);

/* Ask QEMU to end by itself, which flushes the plugin.  It may take the request
 * only while the sockets are open: read records to their end before qemu_end(). */
void qemu_quit(struct qemu *qemu);

/* End it now; what the plugin holds back is lost.  Harmless after the end. */
void qemu_kill(const struct qemu *qemu);

/* Close the sockets and wait for the end, which somebody must have caused.
 * Return: the wait status; 0 without a process. */
int qemu_end(struct qemu *qemu);

#endif
