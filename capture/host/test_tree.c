/* SPDX-License-Identifier: MIT */
/* Trees of small files for tests; see test_tree.h. */
#include "capture/host/test_tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"

static void make_file(int root, const struct test_file *file)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s", file->path);
	for (char *cut = strchr(path, '/'); cut; cut = strchr(cut + 1, '/')) {
		*cut = '\0';
		mkdirat(root, path, 0700);
		*cut = '/';
	}
	fd = openat(root, path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, file->text, strlen(file->text)),
			 strlen(file->text));
	close(fd);
}

int test_tree_make(const struct test_file *files, char name[TEST_TREE_NAME])
{
	int root;

	snprintf(name, TEST_TREE_NAME, "test_tree.XXXXXX");
	assert_non_null(mkdtemp(name));
	root = open(name, O_RDONLY | O_DIRECTORY);
	assert_true(root >= 0);
	for (; files->path; files++)
		make_file(root, files);
	return root;
}

void test_tree_remove(int root, const char *name)
{
	char command[64];

	close(root);
	snprintf(command, sizeof(command), "rm -r %s", name);
	assert_int_equal(system(command), 0);
}
