/* SPDX-License-Identifier: MIT */
/* For tests: SQLite's own files, but for what they say of the Nth write or sync. */
#ifndef REPLAY_TEST_FAULTY_VFS_H
#define REPLAY_TEST_FAULTY_VFS_H

#include <stdbool.h>

/* Make it the default of all databases of this process.  Return: 0, or SQLite's code. */
int faulty_register(void);

/* The @nth write from now on (1 is the next) fails with SQLite's @code, a sync with
 * SQLITE_IOERR_FSYNC; if it @stays, all later ones, too. */
void faulty_arm(unsigned long nth, int code, bool stays);

/* No more of it.  Return: whether any has failed since it was armed. */
bool faulty_disarm(void);

#endif
