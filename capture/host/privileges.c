/* SPDX-License-Identifier: MIT */
/* Dropping capabilities; see privileges.h. */
#include "capture/host/privileges.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The trace is renamed when it is complete, which is a write to its folder. */
static bool is_folder_ours(const char *output)
{
	char folder[PATH_MAX];
	struct stat info;
	char *slash;

	if (snprintf(folder, sizeof(folder), "%s", output) >= PATH_MAX)
		return false;
	slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder] = '\0';
	return !stat(slash ? folder : ".", &info) && info.st_uid == geteuid() &&
	       info.st_mode & S_IWUSR;
}

int privileges_drop(const char *output, struct status *st)
{
	static const cap_value_t finish[] = {CAP_DAC_OVERRIDE};
	cap_t caps = cap_get_proc();
	cap_flag_value_t has = CAP_CLEAR;
	int ret = caps ? 0 : -1;

	if (!ret && !is_folder_ours(output))
		ret = cap_get_flag(caps, CAP_DAC_OVERRIDE, CAP_EFFECTIVE, &has);
	if (!ret)
		ret = cap_clear(caps);
	if (!ret && has == CAP_SET)
		ret = cap_set_flag(caps, CAP_PERMITTED, 1, finish, CAP_SET) ||
		      cap_set_flag(caps, CAP_EFFECTIVE, 1, finish, CAP_SET);
	if (!ret)
		ret = cap_set_proc(caps) ||
		      prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (ret)
		ret = status_fail(st, errno, "cannot drop privileges: %s",
				  strerror(errno));
	cap_free(caps);
	return ret;
}
