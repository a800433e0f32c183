#!/bin/sh
# No C file over 500 lines, no function body over 50: what does not fit wants a split.
cd "$1" || exit 1
find base datasets models capture replay analysis tests kage.c -name '*.[ch]' 2>/dev/null |
	xargs awk '
	FNR == 1 { open = 0 }
	FNR == 501 { print FILENAME ": more than 500 lines"; bad = 1 }
	/^[A-Za-z_].*\(/ { name = $0 }
	/^\{/ { open = FNR }
	/^\}/ && open {
		if (FNR - open - 1 > 50) {
			print FILENAME ":" open ": " FNR - open - 1 " lines: " name
			bad = 1
		}
		open = 0
	}
	END { exit bad }'
