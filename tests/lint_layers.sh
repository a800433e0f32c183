#!/bin/sh
# The layer rule: which folder may include from which, and that models/ is pure C
# (no file, clock, thread or printing).  Also: project includes name their folder.
cd "$1" || exit 1
status=0

fail()
{
	echo "$1"
	status=1
}

allowed()
{
	case $1 in
	base) echo "base" ;;
	datasets) echo "datasets base" ;;
	models) echo "models base" ;;
	capture) echo "capture datasets base" ;;
	replay) echo "replay models datasets base" ;;
	analysis) echo "analysis replay datasets base" ;;
	esac
}

for folder in base datasets models capture replay analysis; do
	[ -d "$folder" ] || continue
	for file in $(find "$folder" -name '*.[ch]'); do
		for header in $(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$file"); do
			case $header in
			version.h | model_rev.h | *.def) continue ;;
			esac
			top=${header%%/*}
			case " $(allowed "$folder") " in
			*" $top "*) ;;
			*) fail "$file: may not include \"$header\"" ;;
			esac
		done
	done
done

for file in $(find models -name '*.[ch]' ! -name '*_test.c' 2>/dev/null); do
	if grep -nE '#include <(stdio|time|pthread|threads|unistd|fcntl|sys/.*)\.h>' "$file"; then
		fail "$file: models/ is pure C: no file, clock, thread or printing"
	fi
	if grep -nE '^static [^(]*[;=]' "$file" | grep -v const; then
		fail "$file: models/ has no mutable global"
	fi
done

for header in $(sed -n 's/^#include "\([^"]*\)".*/\1/p' kage.c); do
	case $header in
	version.h | base/* | */cmd.h) ;;
	*) fail "kage.c: may not include \"$header\"" ;;
	esac
done
exit $status
