/* SPDX-License-Identifier: MIT */
/* cmocka with the headers that it needs before it; for *_test.c only. */
#ifndef BASE_TEST_H
#define BASE_TEST_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#endif
