/* SPDX-License-Identifier: MIT */
/* A tree of small files that stands for / in a test. */
#ifndef CAPTURE_TEST_TREE_H
#define CAPTURE_TEST_TREE_H

enum {
	TEST_TREE_NAME = 32,
};

struct test_file {
	const char *path; /* NULL ends a list */
	const char *text;
};

/* Make the files in a new folder of the working directory.
 * Return: the folder, open. */
int test_tree_make(const struct test_file *files, char name[TEST_TREE_NAME]);

/* Close and remove it. */
void test_tree_remove(int root, const char *name);

#endif
