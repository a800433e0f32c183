#!/bin/sh
# Every C file is as clang-format 14 would write it (.clang-format).
cd "$1" || exit 1
format=$(command -v clang-format-14) || {
	echo "skipped: clang-format-14 is not installed (apt-get install clang-format-14)"
	exit 77
}
find base datasets models capture replay analysis tests kage.c -name '*.[ch]' -print0 2>/dev/null |
	xargs -0 "$format" --dry-run --Werror
