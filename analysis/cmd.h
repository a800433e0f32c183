/* SPDX-License-Identifier: MIT */
/* The commands of this folder. */
#ifndef ANALYSIS_CMD_H
#define ANALYSIS_CMD_H

#include "base/cmd.h"

extern const struct cmd cmd_explain;
extern const struct cmd cmd_mrc;
extern const struct cmd cmd_populate;
extern const struct cmd cmd_report;
extern const struct cmd cmd_trace_heat;
extern const struct cmd cmd_validate;

#endif
