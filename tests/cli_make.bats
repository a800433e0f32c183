#!/usr/bin/env bats
# datasets/make and its recipes, as far as they go without a boot.
bats_require_minimum_version 1.5.0

datasets=$BATS_TEST_DIRNAME/../datasets
recipes=$datasets/recipes

@test "every recipe can be read by bash" {
	for recipe in "$recipes"/* "$datasets/make"; do
		case $recipe in *.md | *.tsv | *.py) continue ;; esac
		bash -n "$recipe"
	done
}

@test "shellcheck has nothing against the recipes" {
	command -v shellcheck >/dev/null || skip "shellcheck is not installed"
	# of init: what the guest's shell runs, in a here-document, is not seen by it
	for recipe in $("$datasets/make" --list | cut -d ' ' -f 1); do
		shellcheck -x -P "$recipes" "$recipes/$recipe"
	done
	shellcheck "$datasets/make"
}

@test "ten guests and more are listed, each with what it is and a row to judge it by" {
	run -0 "$datasets/make" --list
	[ "${#lines[@]}" -ge 11 ]
	for line in "${lines[@]}"; do
		[[ "$line" =~ ^([a-z]+)\ +[^\ ].+ ]]
		grep -q "^${BASH_REMATCH[1]}	" "$recipes/expected.tsv"
	done
	[ "${#lines[@]}" -eq "$(grep -c '^[a-z]*	[-0-9]' "$recipes/expected.tsv")" ]
}

# expect <footprint>: a copy of make, in $copy, that expects the shipped trace of redis, but
# with this footprint.
expect()
{
	copy=$BATS_TEST_TMPDIR/copy
	mkdir -p "$copy"
	cp -r "$datasets/make" "$recipes" "$copy"
	{
		echo "# a comment"
		head -n 20 "$recipes/expected.tsv" | grep '^name	'
		printf 'redis\t7.95\t1319000\t3802000000\t%s\t1\t-\t-\t1\n' "$1"
	} >"$copy/recipes/expected.tsv"
}

@test "a trace within the tolerance passes, one outside of it does not" {
	expect 26200
	run -0 "$copy/make" --check "$datasets/samples/redis.kgt" redis
	[[ "$output" == *"footprint_pages 26232, +0.1 % from 26200"* ]]
	expect 25900
	run -1 "$copy/make" --check "$datasets/samples/redis.kgt" redis
	[[ "$output" == *"more than 1 % off: footprint_pages"* ]]
}

@test "a trace of another workload does not pass, nor a damaged one" {
	run -1 "$datasets/make" --check "$datasets/samples/sqlite.kgt" redis
	[[ "$output" == *"a trace of sqlite, not of redis"* ]]
	head -c 100000 "$datasets/samples/redis.kgt" >"$BATS_TEST_TMPDIR/cut.kgt"
	expect 26232
	run -1 "$copy/make" --check "$BATS_TEST_TMPDIR/cut.kgt" redis
}

@test "what is there and passes is not made again" {
	expect 26232
	cp "$datasets/samples/redis.kgt" "$BATS_TEST_TMPDIR/redis-1.kgt"
	run -0 "$copy/make" -o "$BATS_TEST_TMPDIR" redis
	[ "$output" = "$BATS_TEST_TMPDIR/redis-1.kgt: is there already" ]
}

@test "wrong usage boots nothing" {
	run -2 "$datasets/make"
	run -2 "$datasets/make" nothing
	[[ "$output" == *"no recipe 'nothing'; --list has them"* ]]
	run -2 "$datasets/make" --captures 29 redis
	run -2 "$datasets/make" --seed 0 redis
	run -2 "$datasets/make" redis --seed
}
