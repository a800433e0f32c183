#!/usr/bin/env bats
# The shipped traces are what datasets/manifest.tsv says, whole and readable.
bats_require_minimum_version 1.5.0

datasets=$BATS_TEST_DIRNAME/../datasets

# each <function>: call it with the name, file, id, sha256, bytes and records of
# every row
each()
{
	local rows=0 name file id sha256 bytes records rest
	while IFS=$'\t' read -r name file id sha256 bytes records rest; do
		[ "$name" = name ] && continue
		"$1" "$datasets/$file" "$id" "$sha256" "$bytes" "$records" || return 1
		rows=$((rows + 1))
	done <"$datasets/manifest.tsv"
	[ "$rows" -gt 0 ]
}

same_bytes()
{
	[ "$(stat -c %s "$1")" -eq "$4" ]
	[ "$(sha256sum <"$1")" = "$3  -" ]
}

same_content()
{
	run -0 "$KAGE" trace info --json "$1"
	[[ "$output" == *'"id": "'"$2"'"'* ]]
	# a stream's records, or the number of epochs
	[[ "$output" =~ \"(events|epochs)\":\ $5[,[:space:]] ]]
}

whole()
{
	run -0 "$KAGE" trace check "$1"
}

@test "every sample has the size and the hash of its row" { each same_bytes; }

@test "every sample has the content id and the records of its row" { each same_content; }

@test "every sample passes trace check" { each whole; }

@test "a sample of writes only is replayed on request, as a lower bound" {
	writes=$datasets/samples/writes/zipf.kgt
	cd "$BATS_TEST_TMPDIR"
	run -2 --separate-stderr "$KAGE" replay "$writes" --limit 50% --policy lru -o refused.db
	[[ "$stderr" == *"holds writes only; --writes-as-accesses"* ]]
	run -0 "$KAGE" replay "$writes" --limit 50% --policy lru --writes-as-accesses -o bound.db
	run -0 "$KAGE" report bound.db
	[[ "$output" == *"lower_bound"* ]]
}
