/* SPDX-License-Identifier: MIT */
/*
 * Can this host run `kage live`, and what on it would disturb a run?
 *
 * What it cannot know: whether something starts later, and settings that have no
 * file (a kernel's own patches).
 */
#ifndef CAPTURE_LIVE_HOST_H
#define CAPTURE_LIVE_HOST_H

#include <jansson.h>

#include "base/status.h"

/* Return: 0, or -ENODEV with all that is missing and how to get it. */
int live_host_check(struct status *st);

/**
 * live_host_disturbers - what ages, moves or merges pages besides the scenario
 * @root: a descriptor of "/", or of a test's tree
 *
 * Return: an array of sentences with their fix, to json_decref().
 */
json_t *live_host_disturbers(int root);

/* Return: the settings that a run depends on, as {file: text}; files that this
 * kernel does not have are left out. */
json_t *live_host_settings(int root);

#endif
