/* SPDX-License-Identifier: MIT */
/* A folder of files with a number each; see kvm_stats.h. */
#include "capture/live/kvm_stats.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture/tracing/hostfs.h"

/* Return: a stream of the folder, or NULL. */
static DIR *open_folder(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);

	if (!folder && fd >= 0)
		close(fd);
	return folder;
}

static DIR *open_vm(DIR *all, pid_t wanted)
{
	struct dirent *entry;
	int pid, vm;

	while ((entry = readdir(all)))
		if (sscanf(entry->d_name, "%d-%d", &pid, &vm) == 2 &&
		    pid == wanted)
			return open_folder(dirfd(all), entry->d_name);
	return NULL;
}

/* Folders of vCPUs are left out. */
static void read_numbers(DIR *vm, json_t *stats)
{
	struct dirent *entry;
	char text[64], *end;

	while ((entry = readdir(vm))) {
		if (entry->d_type != DT_REG ||
		    hostfs_read(dirfd(vm), entry->d_name, text, sizeof(text),
				NULL) <= 0)
			continue;
		json_int_t value = strtoll(text, &end, 10);

		if (end != text && *end == '\n')
			json_object_set_new(stats, entry->d_name,
					    json_integer(value));
	}
}

json_t *kvm_stats_read(int debugfs, pid_t pid)
{
	DIR *all = open_folder(debugfs, "kvm");
	DIR *vm = all ? open_vm(all, pid) : NULL;
	json_t *stats = vm ? json_object() : NULL;

	if (vm)
		read_numbers(vm, stats);
	if (vm)
		closedir(vm);
	if (all)
		closedir(all);
	return stats;
}
