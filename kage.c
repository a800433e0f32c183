/* SPDX-License-Identifier: MIT */
/* The program: a table of commands, and a check that stdout was written. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analysis/cmd.h"
#include "base/cmd.h"
#include "capture/cmd.h"
#include "datasets/cmd.h"
#include "replay/cmd.h"
#include "version.h"

/* Figures of traces are drawn above the layer that reads them. */
static const struct cmd *const trace_commands[] = {
	&cmd_trace_info,      &cmd_trace_check,	 &cmd_trace_dump,
	&cmd_trace_heat,      &cmd_trace_cut,	 &cmd_trace_coarsen,
	&cmd_trace_recover,   &cmd_trace_synth,	 &cmd_trace_truth,
	&cmd_trace_import,    &cmd_trace_export, &cmd_trace_sample,
	&cmd_trace_anonymize, &cmd_trace_merge,	 NULL,
};

static const struct cmd cmd_trace = {
	.name = "trace",
	.summary = "look at, check, change and make traces",
	.subs = trace_commands,
};

static const struct cmd *const commands[] = {
	&cmd_probe,   &cmd_record,  &cmd_guest,	   &cmd_live,
	&cmd_lab,     &cmd_trace,   &cmd_replay,   &cmd_validate,
	&cmd_report,  &cmd_explain, &cmd_mrc,	   &cmd_calibrate,
	&cmd_dataset, &cmd_list,    &cmd_populate, NULL,
};

static const struct cmd kage = {
	.name = "kage",
	.summary =
		"capture, replay and judge page-aging policies for KVM guests",
	.details =
		"Exit codes: 0 ok, 1 a check failed, 2 usage, 3 bad input, 4 not possible on\n"
		"this machine, 5 events were lost, 130 interrupted.",
	.subs = commands,
};

/* A file that is opened must not get the number of a stream that the caller closed:
 * messages would be written into it.  These refuse what a closed one refuses. */
static void occupy_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd ? O_RDONLY : O_WRONLY);
}

int main(int argc, char **argv)
{
	int code;

	occupy_streams();
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts("kage " KAGE_VERSION);
		code = KAGE_EXIT_OK;
	} else {
		code = cmd_main(&kage, "", argc, argv);
	}
	if (fflush(stdout) || ferror(stdout)) {
		perror("kage: standard output");
		return KAGE_EXIT_IMPOSSIBLE;
	}
	return code;
}
