# kage populate from the outside; replay/populate_test.c holds the numbers.
bats_require_minimum_version 1.5.0

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
	printf '# vcpus ...\n1 1 0.879 0.938 0.0082 0.912 0.0073\n4 1 1.265 1.319 0.0562 1.315 0.0293\n' >two.tsv
}

# fails <code> <text>
fails()
{
	[ "$status" -eq "$1" ]
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "kage: "*"$2"* ]]
}

@test "two rows are one pair: a calibration, and both rows as it has them" {
	run --separate-stderr "$KAGE" populate two.tsv --format json
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	python3 -c '
import json, sys
first, second = json.loads(sys.argv[1])["tables"]
assert len(first["rows"]) == 1 and first["rows"][0]["near_rows"] == "2 of 2"
assert [r["vcpus"] for r in second["rows"]] == [1, 4]
assert all(0.5 < r["ratio_x"] < 2 for r in second["rows"])' "$output"
}

@test "tables and options that make no sense are refused in one line" {
	run --separate-stderr "$KAGE" populate absent.tsv
	fails 3 "absent.tsv: No such file"
	echo 1 1 1 >bad.tsv
	run --separate-stderr "$KAGE" populate bad.tsv
	fails 3 "bad.tsv:1: no row"
	head -2 two.tsv >one.tsv
	run --separate-stderr "$KAGE" populate one.tsv
	fails 2 "two rows inside"
	run --separate-stderr "$KAGE" populate two.tsv --hold-share 2
	fails 2 "--hold-share: 0 to 1"
	run --separate-stderr "$KAGE" populate two.tsv --changes bad.tsv
	fails 3 "bad.tsv:1: no change of a lock"
}
