/* SPDX-License-Identifier: MIT */
/* The commands of this folder. */
#ifndef DATASETS_CMD_H
#define DATASETS_CMD_H

#include "base/cmd.h"

/* Of `kage trace`; kage.c has the table. */
extern const struct cmd cmd_trace_info;
extern const struct cmd cmd_trace_check;
extern const struct cmd cmd_trace_dump;
extern const struct cmd cmd_trace_cut;
extern const struct cmd cmd_trace_coarsen;
extern const struct cmd cmd_trace_recover;
extern const struct cmd cmd_trace_synth;
extern const struct cmd cmd_trace_truth;
extern const struct cmd cmd_trace_import;
extern const struct cmd cmd_trace_export;
extern const struct cmd cmd_trace_sample;
extern const struct cmd cmd_trace_anonymize;
extern const struct cmd cmd_trace_merge;

/* Of kage. */
extern const struct cmd cmd_dataset;

#endif
