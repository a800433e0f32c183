/* SPDX-License-Identifier: MIT */
/* A process between kage and QEMU; see qmp_proxy.h. */
#include "capture/qemu/qmp_proxy.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/test.h"

static int make_address(struct sockaddr_un *name, const char *path)
{
	*name = (struct sockaddr_un){.sun_family = AF_UNIX};
	strcpy(name->sun_path, path);
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* Pass on one read from @from to @to.  Return: whether there was one. */
static bool pass_on(int from, int to)
{
	char buffer[4096];
	ssize_t n = recv(from, buffer, sizeof(buffer), 0);

	return n > 0 && send(to, buffer, (size_t)n, MSG_NOSIGNAL) == n;
}

/* In a child: stand between kage and QEMU until killed. */
static void be_proxy(int listener, const char *path)
{
	struct sockaddr_un name;
	int qemu = make_address(&name, path);
	int client = accept(listener, NULL, NULL);
	struct pollfd fds[2] = {{.fd = qemu, .events = POLLIN},
				{.fd = client, .events = POLLIN}};
	bool is_fine = !connect(qemu, (struct sockaddr *)&name, sizeof(name));

	while (is_fine && poll(fds, 2, -1) > 0) {
		if (fds[0].revents)
			is_fine &= pass_on(qemu, client);
		if (fds[1].revents)
			is_fine &= pass_on(client, qemu);
	}
	_exit(0);
}

pid_t qmp_proxy_start(const char *path, const char *qemu)
{
	struct sockaddr_un name;
	int listener = make_address(&name, path);
	pid_t pid;

	unlink(path);
	assert_int_equal(bind(listener, (struct sockaddr *)&name, sizeof(name)),
			 0);
	assert_int_equal(listen(listener, 1), 0);
	pid = fork();
	if (!pid)
		be_proxy(listener, qemu);
	close(listener);
	return pid;
}
