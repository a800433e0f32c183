#!/usr/bin/env bats
# kage trace sample, anonymize and merge from the outside.
bats_require_minimum_version 1.5.0

sample=$BATS_TEST_DIRNAME/../datasets/samples/sqlite.kgt

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
	printf 'sixteen bytes and more' >key
}

# refaults <trace>: of exact LRU at half of the footprint
refaults()
{
	rm -f x.db
	"$KAGE" replay "$1" --policy lru --limit 50% -o x.db >/dev/null
	sqlite3 x.db "SELECT value FROM total WHERE name = 'refaults'"
}

@test "what is anonymized is the same to LRU, and tells less" {
	run -0 "$KAGE" trace anonymize --key key "$sample" -o a.kgt
	[[ "$output" == *"  a.kgt" ]]
	[ "$(refaults a.kgt)" -eq "$(refaults "$sample")" ]
	"$KAGE" trace info a.kgt >info
	! grep -qE 'qemu|workload' info
	grep -q '^changed .*"anonymize"' info
	# blocks of 2 MiB hold as much as before
	for trace in a.kgt "$sample"; do
		"$KAGE" trace dump "$trace" | sed -n 's/.*gfn=\(0x[0-9a-f]*\|0\) .*/\1/p' | sort -u |
			python3 -c 'import collections, sys
print(sorted(collections.Counter(int(line, 16) >> 9 for line in sys.stdin).values()))' >"${trace##*/}.blocks"
	done
	cmp a.kgt.blocks sqlite.kgt.blocks
}

@test "a key that is short or absent is bad input" {
	printf short >short
	run -3 --separate-stderr "$KAGE" trace anonymize --key short "$sample" -o a.kgt
	[[ "$stderr" == "kage: short: a key has 16 bytes"* ]]
	run -3 "$KAGE" trace anonymize --key absent "$sample" -o a.kgt
	run -2 "$KAGE" trace anonymize "$sample" -o a.kgt
	[ ! -e a.kgt ]
}

@test "a sample has its share in the header" {
	"$KAGE" trace sample --share 1/4 --seed 3 "$sample" -o s.kgt >/dev/null
	"$KAGE" trace info --json s.kgt |
		jq -e '.meta.details.changed == [{"sample": {"share": 0.25, "block_pages": 64, "seed": 3}}]'
	"$KAGE" trace sample --share 0.25 --seed 3 "$sample" -o - 2>/dev/null | "$KAGE" trace check - >/dev/null
	all=$("$KAGE" trace info --json "$sample" | jq .pages.footprint)
	kept=$("$KAGE" trace info --json s.kgt | jq .pages.footprint)
	[ "$kept" -gt $((all / 6)) ] && [ "$kept" -lt $((all / 3)) ]
	run -2 "$KAGE" trace sample --share 3/2 "$sample" -o n.kgt
	run -2 "$KAGE" trace sample --share 0 "$sample" -o n.kgt
	[ ! -e n.kgt ]
}

@test "two guests become one, and two parts the whole" {
	"$KAGE" trace synth zipf --pages 300 -n 1000 -o z.kgt >id
	"$KAGE" trace synth nolocality --pages 500 -n 1000 -o s.kgt >/dev/null
	"$KAGE" trace merge z.kgt s.kgt -o m.kgt >/dev/null
	"$KAGE" trace info --json m.kgt |
		jq -e '.totals.events == 2000 and .meta.vcpus == 2 and (.meta.slots | map(.gfn)) == [0, 262144]'
	"$KAGE" trace cut z.kgt --to 30us -o 1.kgt >/dev/null
	"$KAGE" trace cut z.kgt --from 30us -o 2.kgt >/dev/null
	"$KAGE" trace merge --append 1.kgt 2.kgt -o again.kgt >again.id
	[ "$(cut -d ' ' -f 1 id)" = "$(cut -d ' ' -f 1 again.id)" ]
	"$KAGE" trace info --json again.kgt |
		jq -e '.meta.details.changed[0].append | length == 2 and all(has("details"))'
	# and who anonymizes does not tell of what
	"$KAGE" trace sample --share 1/2 --seed 7 again.kgt -o half.kgt >/dev/null
	"$KAGE" trace anonymize --key key half.kgt -o a.kgt >/dev/null
	"$KAGE" trace info --json a.kgt | jq -e '.meta.details.changed[:2] ==
		[{"append": {"inputs": 2}}, {"sample": {"share": 0.5, "block_pages": 64}}]'
	run -2 --separate-stderr "$KAGE" trace merge --append z.kgt s.kgt -o n.kgt
	[[ "$stderr" == *"trace 2 is of another guest"* ]]
	run -2 "$KAGE" trace merge z.kgt -o n.kgt
	[ ! -e n.kgt ]
}
