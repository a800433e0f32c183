/* SPDX-License-Identifier: MIT */
/*
 * Every importer on arbitrary bytes: LLVMFuzzerTestOneInput() for libFuzzer, and with
 * scenario/fuzz/replay.c, for any compiler, the test.  What other programs read
 * (perf.data, trace.dat) is theirs to fuzz.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "datasets/convert/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds, const char *format, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s: %s\n", format, what);
	abort();
}

static bool is_ours(const struct importer *importer)
{
	return strcmp(importer->name, "perf-data") &&
	       strcmp(importer->name, "trace-dat");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, data, size) != (ssize_t)size)
		abort();
	for (size_t i = 0; importers[i]; i++) {
		struct status st = {""};
		int ret;

		if (!is_ours(importers[i]))
			continue;
		ret = import_run(importers[i], NULL, path, "/dev/null", NULL,
				 &st);
		require(!ret || ret == -EBADMSG, importers[i]->name, "errno");
		require(!ret || !strncmp(st.message, path, strlen(path)),
			importers[i]->name, "message");
	}
	close(fd);
	return 0;
}
