/* SPDX-License-Identifier: MIT */
/* The subcommands of this folder. */
#ifndef CAPTURE_CMD_H
#define CAPTURE_CMD_H

#include "base/cmd.h"

extern const struct cmd cmd_calibrate;
extern const struct cmd cmd_guest;
extern const struct cmd cmd_lab;
extern const struct cmd cmd_live;
extern const struct cmd cmd_probe;
extern const struct cmd cmd_record;

#endif
