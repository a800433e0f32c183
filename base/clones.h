/* SPDX-License-Identifier: MIT */
/*
 * Vector code for newer CPUs in a build for all of x86-64: a function marked with
 * KAGE_CLONES is compiled for each of these levels, and the one that the machine has
 * is chosen when the program starts.  What it calls is only compiled along if it is
 * inlined: KAGE_INLINE.  It cannot know whether a level is faster, only that it runs.
 * Sanitizers are not ready yet when the choice is made: they get one version.
 */
#ifndef BASE_CLONES_H
#define BASE_CLONES_H

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) &&          \
	!defined(__clang__) && __GNUC__ >= 12 &&                               \
	!defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define KAGE_CLONES                                                            \
	__attribute__((                                                        \
		target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define KAGE_CLONES
#endif

#define KAGE_INLINE static inline __attribute__((always_inline))

#endif
