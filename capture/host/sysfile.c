/* SPDX-License-Identifier: MIT */
/* Small text files of /proc and /sys; see sysfile.h. */
#include "capture/host/sysfile.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

bool sysfile_read(int root, const char *path, char text[SYSFILE_MAX])
{
	int fd = openat(root, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t n = 0;
	ssize_t got;

	if (fd < 0)
		return false;
	do {
		got = read(fd, text + n, SYSFILE_MAX - 1 - n);
		n += got > 0 ? (size_t)got : 0;
	} while (got > 0 && n < SYSFILE_MAX - 1);
	close(fd);
	text[n] = '\0';
	return got >= 0;
}

char *sysfile_line(char *text)
{
	char *end;

	text += strspn(text, " \t");
	end = text + strcspn(text, "\n");
	while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	return text;
}

char *sysfile_key(char *text, const char *key)
{
	size_t n = strlen(key);

	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, n) &&
		    line[n + strspn(line + n, " \t")] == ':')
			return strchr(line + n, ':') + 1;
	}
	return NULL;
}

bool sysfile_has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (list += strspn(list, " \t"); *list; list += strspn(list, " \t")) {
		size_t length = strcspn(list, " \t");

		if (length == n && !strncmp(list, word, n))
			return true;
		list += length;
	}
	return false;
}

bool sysfile_exists(int root, const char *path)
{
	return !faccessat(root, path, F_OK, 0);
}
