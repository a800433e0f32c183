/* SPDX-License-Identifier: MIT */
/*
 * The reader on arbitrary bytes: LLVMFuzzerTestOneInput() for libFuzzer, and with
 * KAGE_FUZZ_MAIN a main() that replays files, for any compiler (the test).
 *
 * A fuzzer cannot guess checksums: the corpus holds valid files, and what lies
 * behind the checksums is also fed to the decoders directly.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "datasets/trace/epoch.h"
#include "datasets/trace/format.h"
#include "datasets/trace/meta.h"
#include "datasets/trace/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_file(const uint8_t *data, size_t size, unsigned int flags)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct trace_reader *reader;
	struct trace_block block;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, data, size) == (ssize_t)size &&
	    !trace_reader_open(&reader, path, flags, NULL)) {
		while (trace_reader_next(reader, &block, NULL) > 0)
			;
		trace_reader_close(reader);
	}
	close(fd);
}

static void decode_payload(const uint8_t *data, size_t size, size_t n)
{
	struct trace_slot slot = {.npages = 1 << 20,
				  .page_bytes = TRACE_PAGE_BYTES,
				  .backing = "anon"};
	struct trace_meta meta = {
		.channels = 3, .nr_vcpus = 4, .nr_slots = 1, .slots = &slot};
	uint64_t *scratch = kage_calloc(EPOCH_RUNS_MAX, 8, NULL);
	struct stream_buffer stream;
	struct epoch_buffer epoch;
	struct epoch_cursor cursor = {0};
	struct trace_block block = {0};

	if (scratch && !stream_buffer_init(&stream, NULL)) {
		stream_decode(&stream, n, data, size, scratch, &meta, 0, NULL);
		stream_buffer_fini(&stream);
	}
	if (scratch && !epoch_buffer_init(&epoch, NULL)) {
		epoch_decode(&block, &epoch, n, data, size, scratch, &meta,
			     &cursor, NULL);
		epoch_buffer_fini(&epoch);
	}
	free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trace_meta meta;

	read_file(data, size, TRACE_OPEN_VERIFY);
	read_file(data, size, TRACE_OPEN_PARTIAL);
	if (!meta_from_json(&meta, (const char *)data, size, NULL))
		trace_meta_fini(&meta);
	if (size > 2)
		decode_payload(data + 2, size - 2, data[0] + 256u * data[1]);
	return 0;
}

#ifdef KAGE_FUZZ_MAIN
static int replay(const char *path)
{
	uint8_t data[1 << 14]; /* the corpus is small */
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file) {
		perror(path);
		return 1;
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	for (size_t cut = 0; cut < size; cut += 1 + size / 64)
		LLVMFuzzerTestOneInput(data, size - cut);
	return 0;
}

int main(int argc, char **argv)
{
	int bad = argc < 2;

	for (int i = 1; i < argc; i++)
		bad |= replay(argv[i]);
	return bad;
}
#endif
