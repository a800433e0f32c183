/* SPDX-License-Identifier: MIT */
/* The commands of this folder. */
#ifndef REPLAY_CMD_H
#define REPLAY_CMD_H

#include "base/cmd.h"

extern const struct cmd cmd_replay;
extern const struct cmd cmd_list;

#endif
