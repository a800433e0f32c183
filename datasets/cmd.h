/* SPDX-License-Identifier: MIT */
/* The commands of this folder. */
#ifndef DATASETS_CMD_H
#define DATASETS_CMD_H

#include "base/cmd.h"

extern const struct cmd cmd_trace;

#endif
