/* SPDX-License-Identifier: MIT */
/*
 * A main() for the fuzzers of texts: it replays files, whole, cut at every byte and
 * with each byte changed.  It finds what is near the corpus, and nothing else.
 */
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	static const uint8_t others[] = {0,   '\n', '\t', ' ', '#',
					 '-', '9',  'K',  'e', '"',
					 ',', ':',  '[',  '}', 255};
	uint8_t data[1 << 13]; /* the corpus is small */
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file) {
		perror(path);
		return 1;
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	if (size == sizeof(data)) {
		fprintf(stderr, "%s: longer than can be replayed\n", path);
		return 1;
	}
	for (size_t at = 0; at < size; at++) {
		uint8_t old = data[at];

		for (size_t i = 0; i < sizeof(others); i++) {
			data[at] = others[i];
			LLVMFuzzerTestOneInput(data, size);
		}
		data[at] = old;
		LLVMFuzzerTestOneInput(data, size - at);
	}
	return 0;
}

int main(int argc, char **argv)
{
	int bad = argc < 2;

	for (int i = 1; i < argc; i++)
		bad |= replay(argv[i]);
	return bad;
}
