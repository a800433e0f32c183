/* SPDX-License-Identifier: MIT */
/* What a capture was, on one screen, with warnings that name a cause. */
#ifndef CAPTURE_SUMMARY_H
#define CAPTURE_SUMMARY_H

#include <stdio.h>

#include "capture/session.h"

void summary_print(const struct session_plan *plan,
		   const struct session_report *report, FILE *out);

#endif
