/* SPDX-License-Identifier: MIT */
/* Deserves -Wconversion: tests/CMakeLists.txt expects the compiler to refuse it. */
int must_warn(long value);

int must_warn(long value)
{
	int narrowed = value;

	return narrowed;
}
