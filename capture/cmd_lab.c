/* SPDX-License-Identifier: MIT */
/*
 * kage lab: becomes scripts/kage-lab of the tree or the installation that this program
 * is of.  What it cannot know: anything the script does; all words and the exit code
 * are the script's.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/self.h"
#include "capture/cmd.h"

/* From the program's folder: the build tree is in the source tree. */
static const char *const places[] = {
	"../scripts/kage-lab",
	"../share/kage/scripts/kage-lab",
	NULL,
};

static int become(char *script, const struct cmd_call *call, struct status *st)
{
	char **argv = calloc((size_t)call->argc + 2, sizeof(*argv));

	if (!argv)
		return -ENOMEM;
	argv[0] = script;
	memcpy(argv + 1, call->argv, (size_t)call->argc * sizeof(*argv));
	execv(script, argv);
	free(argv);
	return status_fail(st, ENOSYS, "cannot run %s: %s", script,
			   strerror(errno));
}

/* The machines of the lab get this program, unless KAGE names another. */
static int lab_run(const struct cmd_call *call, struct status *st)
{
	char self[PATH_MAX], script[PATH_MAX];
	int ret = self_path(self, st);

	if (!ret)
		ret = self_find(script, places, X_OK, st);
	if (ret)
		return ret;
	setenv("KAGE", self, 0);
	return become(script, call, st);
}

const struct cmd cmd_lab = {
	.name = "lab",
	.summary = "traces and scripts on real kernels under QEMU",
	.is_raw = true,
	.run = lab_run,
};
