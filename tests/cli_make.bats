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
	for limit in bogus -1 90x '' 1h30m; do
		run -2 "$datasets/make" --limit "$limit" redis
		[[ "$output" == *"--limit takes a time like 90m or 1.5h, not '$limit'"* ]]
	done
}

# stub: the recipe of redis in $copy is standard input, and writes down its seeds.
stub()
{
	{
		echo '#!/usr/bin/env bash'
		echo '# . "$(dirname "$0")/lib.sh" is what makes it one of the recipes'
		echo '. /dev/null "$(dirname "$0")/lib.sh"'
		echo "echo \"\$KAGE_SEED\" >>'$BATS_TEST_TMPDIR/seeds'; trace=$datasets/samples/redis.kgt"
		cat
	} >"$copy/recipes/redis"
	: >"$BATS_TEST_TMPDIR/seeds"
}

@test "a boot has its name when it ended well and passed, and is not made again" {
	expect 26232
	stub <<<'cp "$trace" "$1"'
	cd "$BATS_TEST_TMPDIR"
	run -0 "$copy/make" --captures 2 -o out redis
	run -0 "$copy/make" --captures 2 -o out redis
	[ "$(LC_ALL=C ls out | xargs)" = "redis-1.kgt redis-2.kgt" ]
	[ "$(xargs <seeds)" = "1 2" ]
}

@test "a boot that failed has no name, even with a whole trace and no row to judge it by" {
	expect 26232
	sed -i 's/^redis.*/redis\t-\t-\t-\t-\t1\t-\t-\t1/' "$copy/recipes/expected.tsv"
	cd "$BATS_TEST_TMPDIR"
	stub <<<'cp "$trace" "$1"; exit 124'
	run -1 "$copy/make" --captures 2 -o out redis
	[ "$(LC_ALL=C ls out | xargs)" = "redis-1.kgt.odd redis-2.kgt.odd" ]
	[ "$(xargs <seeds)" = "1 2" ]
	run -1 "$copy/make" -o out redis
	[ "$(LC_ALL=C ls out | xargs)" = "redis-1.kgt.odd redis-1.kgt.odd.~1~ redis-2.kgt.odd" ]
	cmp "$datasets/samples/redis.kgt" out/redis-1.kgt.odd
	stub <<<'cp "$trace" "$1"'
	run -0 "$copy/make" -o out redis
	cmp "$datasets/samples/redis.kgt" out/redis-1.kgt
}

@test "what is there and does not pass is set aside, not thrown away" {
	expect 25900
	cd "$BATS_TEST_TMPDIR"
	mkdir out
	cp "$datasets/samples/redis.kgt" out/redis-1.kgt
	echo left >out/redis-1.kgt.new
	echo cut >out/redis-1.kgt.new.part # kage does not write over it
	stub <<<'[ ! -e "$1.part" ] || exit 99; exit 1'
	run -1 "$copy/make" -o out redis
	[[ "$output" == *"did not finish (exit code 1)"* ]]
	[ "$(LC_ALL=C ls out | xargs)" = "redis-1.kgt.odd redis-1.kgt.odd.~1~ redis-1.kgt.part.odd" ]
	cmp "$datasets/samples/redis.kgt" out/redis-1.kgt.odd.~1~
}

@test "where nothing can be judged nothing is booted, moved or called odd" {
	expect 26232
	cd "$BATS_TEST_TMPDIR"
	mkdir out
	cp "$datasets/samples/redis.kgt" out/redis-1.kgt
	stub <<<'cp "$trace" "$1"'
	in_path python3 <<<'exit 127'
	run -4 "$copy/make" --captures 2 -o out redis
	run -4 "$copy/make" --check out/redis-1.kgt redis
	# it can be started, but does not judge
	in_path python3 <<<'[ $# -lt 4 ] || exit 1'
	run -4 "$copy/make" --captures 2 -o out redis
	[[ "$output" == *"cannot judge $PWD/out/redis-1.kgt, which stays as it is" ]]
	[ ! -s seeds ]
	run -4 "$copy/make" --seed 2 -o out redis
	[ "$(LC_ALL=C ls out | xargs)" = "redis-1.kgt redis-2.kgt.new" ]
	cmp "$datasets/samples/redis.kgt" out/redis-1.kgt
}

@test "an interrupt ends the run, not only one boot of it" {
	expect 26232
	cd "$BATS_TEST_TMPDIR"
	# kage closes its trace and says so
	stub <<<'cp "$trace" "$1"; exit 130'
	run -130 "$copy/make" --captures 3 -o out redis
	# the recipe takes no notice of it; its parent is timeout, whose parent is make
	stub <<<'cp "$trace" "$1"; read -r _ _ _ make _ </proc/$PPID/stat; kill -INT "$make"'
	run -130 env --default-signal=INT "$copy/make" --seed 2 -o out redis
	run -130 env --default-signal=INT "$copy/make" --captures 3 -o out redis
	[ "$(xargs <seeds)" = "2 1" ]
	[ "$(LC_ALL=C ls out | xargs)" = "redis-1.kgt.odd redis-1.kgt.odd.~1~ redis-2.kgt.odd" ]
}

# in_path <name>: a program of ours before the machine's, from standard input.
in_path()
{
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	{
		echo '#!/bin/sh'
		cat
	} >"$BATS_TEST_TMPDIR/bin/$1"
	chmod +x "$BATS_TEST_TMPDIR/bin/$1"
	PATH=$BATS_TEST_TMPDIR/bin:${PATH#"$BATS_TEST_TMPDIR/bin:"}
}

# with_lib: run what standard input has behind recipes/lib.sh, with a cache of the test's own.
with_lib()
{
	{
		echo "workload=none; . '$recipes/lib.sh'"
		cat
	} >"$BATS_TEST_TMPDIR/with_lib"
	XDG_CACHE_HOME=$BATS_TEST_TMPDIR/cache bash "$BATS_TEST_TMPDIR/with_lib" </dev/null
}

@test "a package that cannot be fetched ends the recipe, and is not kept as an empty folder" {
	in_path apt-cache <<<"echo '  Candidate: 1.0'"
	in_path apt-get <<<'exit 100'
	for call in 'need_packages thing' 'search=$(package_dir thing)' 'add_tree thing' 'start_root'; do
		run -1 with_lib <<<"$call; echo went on"
		[[ "$output" == *"none: cannot fetch "*" 1.0" ]]
		[ -z "$(ls "$BATS_TEST_TMPDIR/cache/kage/packages")" ]
	done
	in_path apt-get <<<'touch thing.deb'
	in_path dpkg-deb <<<'touch "$3/file"'
	run -0 with_lib <<<'need_packages thing; echo "${search[@]}"; find "${search[@]}" -type f'
	[ "${lines[-2]}" = "$BATS_TEST_TMPDIR/cache/kage/packages/thing_1.0" ]
	[ "${lines[-1]}" = "$BATS_TEST_TMPDIR/cache/kage/packages/thing_1.0/file" ]
}

@test "a file that many packages have is found in the first, one that none has is nothing" {
	for ((i = 0; i < 40; i++)); do
		mkdir -p "$BATS_TEST_TMPDIR/p$i/lib/x"
		touch "$BATS_TEST_TMPDIR/p$i/lib/x/libthing.so"
	done
	# a reader that ends at once is what broke the pipe
	in_path head <<<'exec /usr/bin/head "$@" </dev/null'
	run -0 with_lib <<-SCRIPT
		search=("$BATS_TEST_TMPDIR"/p{0..39})
		file=\$(found libthing.so)
		none=\$(found libother.so)
		echo "\$file, '\$none'"
	SCRIPT
	[ "$output" = "$BATS_TEST_TMPDIR/p0/lib/x/libthing.so, ''" ]
}

@test "writes-zipf runs the kage that KAGE names" {
	in_path mine <<<'echo "mine $1 $2 $3 $4 $5"'
	KAGE=$BATS_TEST_TMPDIR/bin/mine run -0 "$recipes/writes-zipf" there/out.kgt
	[ "$output" = "mine record -b dirty-ring -o there/out.kgt" ]
}
