/* SPDX-License-Identifier: MIT */
/* Synchronous QMP; see qmp.h. */
#include "capture/guest/qmp.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"

enum {
	ANSWER_TIMEOUT_MS = 20000
};

/* jansson's callback: one byte at a time, so that nothing behind the document is
 * taken from the socket. */
static size_t read_byte(void *buffer, size_t size, void *arg)
{
	struct qmp *qmp = arg;
	struct pollfd fd = {.fd = qmp->fd, .events = POLLIN};
	ssize_t n;

	(void)size;
	if (poll(&fd, 1, ANSWER_TIMEOUT_MS) <= 0) {
		qmp->broken = "no answer";
		return 0;
	}
	n = recv(qmp->fd, buffer, 1, 0);
	if (n == 1)
		return 1;
	qmp->broken = "QEMU closed the connection";
	return 0;
}

static json_t *read_object(struct qmp *qmp)
{
	json_error_t error;
	json_t *object = json_load_callback(read_byte, qmp,
					    JSON_DISABLE_EOF_CHECK, &error);

	if (!object && !qmp->broken)
		qmp->broken = "the answer is no JSON";
	return object;
}

int qmp_send(struct qmp *qmp, const char *name, json_t *arguments,
	     struct status *st)
{
	json_t *command = json_pack("{s:s,s:o*}", "execute", name, "arguments",
				    arguments);
	char *text = command ? json_dumps(command, JSON_COMPACT) : NULL;
	size_t bytes = text ? strlen(text) : 0;
	int ret = 0;

	if (!text)
		ret = status_fail(st, ENOMEM, "out of memory for QMP");
	else if (send(qmp->fd, text, bytes, MSG_NOSIGNAL) != (ssize_t)bytes) {
		qmp->broken = "QEMU closed the connection";
		ret = status_fail(st, EPIPE, "QMP %s: %s", name, qmp->broken);
	}
	free(text);
	json_decref(command);
	return ret;
}

/* Return: the command's result; events in between are dropped. */
static json_t *read_result(struct qmp *qmp, const char *name, struct status *st)
{
	json_t *message, *result = NULL;
	const char *why = "";
	bool is_answer = false;

	while (!is_answer && (message = read_object(qmp))) {
		result = json_incref(json_object_get(message, "return"));
		is_answer = result || json_object_get(message, "error");
		if (!result && is_answer) {
			json_unpack(message, "{s:{s:s}}", "error", "desc",
				    &why);
			status_fail(st, EPROTO, "QMP %s: %s", name, why);
		}
		json_decref(message);
	}
	if (!is_answer)
		status_fail(st, EPIPE, "QMP %s: %s", name, qmp->broken);
	return result;
}

json_t *qmp_command(struct qmp *qmp, const char *name, json_t *arguments,
		    struct status *st)
{
	if (qmp_send(qmp, name, arguments, st))
		return NULL;
	return read_result(qmp, name, st);
}

int qmp_init(struct qmp *qmp, int fd, struct status *st)
{
	json_t *greeting, *done;
	int major = 0, minor = 0, micro = 0;

	*qmp = (struct qmp){.fd = fd};
	greeting = read_object(qmp);
	if (!greeting)
		return -EPIPE;
	json_unpack(greeting, "{s:{s:{s:{s:i,s:i,s:i}}}}", "QMP", "version",
		    "qemu", "major", &major, "minor", &minor, "micro", &micro);
	snprintf(qmp->version, sizeof(qmp->version), "%d.%d.%d", major, minor,
		 micro);
	json_decref(greeting);
	done = qmp_command(qmp, "qmp_capabilities", NULL, st);
	json_decref(done);
	return done ? 0 : -EPROTO;
}

char *qmp_monitor(struct qmp *qmp, const char *line, struct status *st)
{
	json_t *result = qmp_command(qmp, "human-monitor-command",
				     json_pack("{s:s}", "command-line", line),
				     st);
	char *text = NULL;

	if (json_is_string(result))
		text = kage_strdup(json_string_value(result), st);
	else if (result)
		status_fail(st, EPROTO, "QMP: '%s' answered no text", line);
	json_decref(result);
	return text;
}
