/* SPDX-License-Identifier: MIT */
/*
 * Capturing needs privileges to open things, not to read them afterwards.
 */
#ifndef CAPTURE_PRIVILEGES_H
#define CAPTURE_PRIVILEGES_H

#include "base/status.h"

/*
 * Give up every capability of this thread for good, and of the threads and
 * programs it starts.  Kept is CAP_DAC_OVERRIDE where finishing @output needs it
 * (its folder belongs to somebody else).  Without privileges: nothing happens.
 */
int privileges_drop(const char *output, struct status *st);

#endif
