/* SPDX-License-Identifier: MIT */
/*
 * Small text files of /proc and /sys, read below a directory so that tests bring
 * their own.  What cannot be read is missing; why does not matter here.
 */
#ifndef CAPTURE_SYSFILE_H
#define CAPTURE_SYSFILE_H

#include <stdbool.h>

enum {
	SYSFILE_MAX = 16384, /* enough for the first CPU of /proc/cpuinfo */
};

/* Return: whether @text now holds the beginning of the file. */
bool sysfile_read(int root, const char *path, char text[SYSFILE_MAX]);

bool sysfile_exists(int root, const char *path);

/* Return: the first line of @text without the blanks around it, in place. */
char *sysfile_line(char *text);

/* Return: what follows "key :" in the first such line, or NULL. */
char *sysfile_key(char *text, const char *key);

/* Is @word one of the words of one line? */
bool sysfile_has_word(const char *line, const char *word);

#endif
