#!/usr/bin/env bats
# kage dataset: the manifest, and whether files are what it says.
bats_require_minimum_version 1.5.0

datasets=$BATS_TEST_DIRNAME/../datasets

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
}

# copied: a manifest and files of our own in d, the last of them not shipped
copied()
{
	mkdir -p d/samples/writes
	head -n 1 "$datasets/manifest.tsv" >d/manifest.tsv
	grep '^writes-zipf	' "$datasets/manifest.tsv" >>d/manifest.tsv
	cp "$datasets/samples/writes/zipf.kgt" d/samples/writes
	tail -n 1 d/manifest.tsv | awk 'BEGIN { FS = OFS = "\t" } { $1 = "other"; $2 = "-"; print }' >>d/manifest.tsv
}

@test "what is shipped is what the manifest says" {
	run -0 "$KAGE" dataset verify
	[ "$(grep -c ' ok, ' <<<"$output")" -eq "$(awk -F '\t' 'NR > 1 && $2 != "-"' "$datasets/manifest.tsv" | wc -l)" ]
}

@test "list and info show every set and every cell" {
	"$KAGE" dataset list --json >list.json
	[ "$(jq length list.json)" -eq $(($(wc -l <"$datasets/manifest.tsv") - 1)) ]
	jq -e 'map(select(.name == "redis"))[0] | .footprint_pages == 26232 and .fidelity == "exact"
		and .licence == "CC0-1.0" and (.citation | test("db4882dd"))' list.json
	run -0 "$KAGE" dataset list
	[[ "$output" == *$'\nredis '*" exact "* ]]
	run -0 "$KAGE" dataset info redis
	[[ "$output" == *"file "*"/samples/redis.kgt"*"versions "*"redis-server_5"*"citation "* ]]
	run -2 --separate-stderr "$KAGE" dataset info nothing
	[[ "$stderr" == "kage: no data set 'nothing'; known: redis "* ]]
}

@test "another file, a cut one and none fail the check, each with what is wrong" {
	copied
	run -0 "$KAGE" dataset verify --dir d
	[[ "${lines[1]}" == "other "*"not shipped: kage dataset make other" ]]
	"$KAGE" trace cut --epochs 0..9 "$datasets/samples/writes/zipf.kgt" -o d/samples/writes/zipf.kgt >/dev/null
	run -1 "$KAGE" dataset verify --dir d
	[[ "${lines[0]}" == *"BAD: bytes is "*"sha256 is "*"; id is "*"; records_or_epochs is 10, the manifest has 998"* ]]
	truncate -s 500 d/samples/writes/zipf.kgt
	run -1 "$KAGE" dataset verify --dir d writes-zipf
	[[ "$output" == *"BAD: bytes is 500"*": offset "* ]]
	rm d/samples/writes/zipf.kgt
	run -1 "$KAGE" dataset verify --dir d
	[[ "$output" == *"BAD: "*"No such file"* ]]
	run -2 "$KAGE" dataset verify --dir d nothing
}

@test "a folder or a loop in a file's place is a flaw of that set, and the next is looked at" {
	copied
	sed -n 2p d/manifest.tsv | awk 'BEGIN { FS = OFS = "\t" } { $1 = "good"; $2 = "samples/zipf.kgt"; print }' >>d/manifest.tsv
	mv d/samples/writes/zipf.kgt d/samples
	mkdir d/samples/writes/zipf.kgt
	run -1 "$KAGE" dataset verify --dir d
	[[ "${lines[0]}" == "writes-zipf "*"BAD: "*": Is a directory" ]]
	[[ "${lines[2]}" == "good "*" ok, "* ]]
	rmdir d/samples/writes/zipf.kgt
	ln -s zipf.kgt d/samples/writes/zipf.kgt
	run -1 "$KAGE" dataset verify --dir d
	[[ "${lines[0]}" == "writes-zipf "*"BAD: "*": Too many levels of symbolic links" ]]
	[[ "${lines[2]}" == "good "*" ok, "* ]]
}

@test "a bad manifest is bad input, with the line" {
	copied
	printf 'short\tline\n' >>d/manifest.tsv
	run -3 --separate-stderr "$KAGE" dataset list --dir d
	[ "$stderr" = "kage: d/manifest.tsv: line 4: not as many cells as columns" ]
	copied
	tail -n 1 d/manifest.tsv >>d/manifest.tsv
	run -3 --separate-stderr "$KAGE" dataset verify --dir d
	[[ "$stderr" == *"line 4: a name that is there already" ]]
	sed -i 1s/sha256/sha512/ d/manifest.tsv
	run -3 --separate-stderr "$KAGE" dataset list --dir d
	[[ "$stderr" == *"line 1: no column sha256" ]]
	run -3 "$KAGE" dataset list --dir nowhere
}

@test "make becomes datasets/make, or says that it is not here" {
	if [ -x "$datasets/make" ]; then
		run -0 "$KAGE" dataset make --list
		[ "$output" = "$("$datasets/make" --list)" ]
	else
		run -4 --separate-stderr "$KAGE" dataset make redis
		[[ "$stderr" == "kage: not here: neither "*"/datasets/make"* ]]
	fi
}
