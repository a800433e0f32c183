#!/usr/bin/env bats
# kage explain from the outside: a trace, a database, text and JSON, and refusals.
bats_require_minimum_version 1.5.0

setup()
{
	command -v sqlite3 >/dev/null || skip "sqlite3 is not installed (apt-get install sqlite3)"
	command -v jq >/dev/null || skip "jq is not installed (apt-get install jq)"
	cd "$BATS_TEST_TMPDIR" || return 1
	"$KAGE" trace synth hotcold --pages 600 -n 20000 -o t.kgt >/dev/null
}

explain()
{
	run --separate-stderr "$KAGE" explain "$@"
}

# fails <code> <text>: nothing on stdout, <text> in the one line on stderr
fails()
{
	[ "$status" -eq "$1" ]
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "kage: "*"$2"* ]]
}

@test "a trace: one life per policy, in the order of time" {
	explain t.kgt --gfn 3 -l 50%
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[[ ${lines[0]} == "gfn 0x3 of t.kgt "*"memslot "* ]]
	[[ ${lines[1]} == "touched once, as the trace records it"* ]]
	for policy in none rmap batched fast-only; do
		[ "$(grep -cE "^$policy(\(.*\))? at 50% " <<<"$output")" -eq 1 ]
	done
	[ "$(grep -c 'first touch: faulted in, to the youngest generation' <<<"$output")" -eq 4 ]
	[ "$(grep -c 'the trace ends: ' <<<"$output")" -eq 4 ]
	[ "$(grep -c 'asked by: nobody' <<<"$output")" -eq 1 ]
	[ "$(grep -c 'asked by: eviction$' <<<"$output")" -eq 1 ]
	[ "$(grep -c 'asked by: aging walk eviction look-around$' <<<"$output")" -eq 2 ]
	explain t.kgt --gfn 0x3 -l 50%,60% -p rmap
	[ "$status" -eq 0 ]
	[ "$(grep -c '^rmap(flush=kernel) at ' <<<"$output")" -eq 2 ]
}

@test "lives are as long as asked for, and JSON has them whole" {
	explain t.kgt -g 3 -l 30% -p rmap --lines 0
	whole=$(grep -cE '^  [0-9]+\.[0-9]{6} ' <<<"$output")
	[ "$whole" -gt 9 ]
	explain t.kgt -g 3 -l 30% -p rmap --lines 6
	[ "$(grep -cE '^  [0-9]+\.[0-9]{6} ' <<<"$output")" -eq 7 ]
	grep -q "^  \.\.\. $((whole - 7)) more; --lines 0 shows all of them" <<<"$output"
	explain t.kgt -g 3 -l 30% -p rmap --json
	[ "$status" -eq 0 ]
	[ "$(jq length <<<"$output")" -eq 1 ]
	[ "$(jq '.[0].events | length' <<<"$output")" -eq $((whole - 1)) ]
	[ "$(jq -r '.[0].events[0].kind' <<<"$output")" = first_touch ]
	[ "$(jq '[.[0].events[] | select(.kind == "touched") | .count] | add == $t' \
		--argjson t "$(jq '.[0].totals.touched' <<<"$output")" <<<"$output")" = true ]
	[ "$(jq '.[0].events | map(.first_ns) | . == sort' <<<"$output")" = true ]
}

@test "all lives together are what the replay counted" {
	"$KAGE" trace synth hotcold --pages 40 -n 3000 -o small.kgt >/dev/null
	"$KAGE" replay small.kgt -p batched -l 50% -o r.db >/dev/null
	for gfn in $(seq 0 39); do
		"$KAGE" explain small.kgt -g "$gfn" -p batched -l 50% --json 2>>never || true
	done >lives
	for name in refault:refaults evicted:evictions first_touch:first_touches walk_young:aging_young; do
		[ "$(jq -s "[.[][].totals.${name%:*}] | add" lives)" -eq \
			"$(sqlite3 r.db "SELECT value FROM total WHERE name = '${name#*:}'")" ]
	done
}

@test "a database: its runs are repeated, and come to the same" {
	"$KAGE" replay -p none,batched:batch=8:lock=read,opt -l 30%,50% t.kgt -o r.db >/dev/null
	explain r.db --gfn 3
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$(grep -c '^  stored: .*; repeated: the same$' <<<"$output")" -eq 4 ]
	[ "$(grep -c '^gfn ' <<<"$output")" -eq 1 ]
	[ "$(grep -c '^batched(batch=8,lock=read,.*) at 30% ' <<<"$output")" -eq 1 ]
	explain r.db --gfn 3 -p batched -l 50%
	[ "$(grep -c '^  stored: ' <<<"$output")" -eq 1 ]
	direct=$("$KAGE" explain t.kgt -g 3 -p batched:batch=8:lock=read -l 50%)
	diff <(grep -v '^  stored: ' <<<"$output") - <<<"$direct"
	sqlite3 r.db "UPDATE run SET model_rev = 'older'; UPDATE total SET value = 7 WHERE name = 'refaults'"
	explain r.db --gfn 3 -p none -l 50%
	[[ $output == *"stored by another version of the models: 7 refaults, "*"; repeated: "*" and "* ]]
}

@test "other drivers, clocks and epochs are repeated as they were" {
	"$KAGE" trace synth hotcold --pages 600 -n 20000 --epoch 100us -o e.kgt >/dev/null
	"$KAGE" replay -p rmap,fast-only --driver proactive:period=2ms:pages=30 --pace 50ns \
		--ns-per-tick 2 --seed 5 --wrong-window 3ms t.kgt -o p.db >/dev/null
	"$KAGE" replay -p rmap,batched --epoch hold -l 40% e.kgt -o p2.db >/dev/null
	for db in p p2; do
		explain $db.db --gfn 3
		[ "$(grep -c '^  stored: .*; repeated: the same$' <<<"$output")" -eq 2 ]
	done
}

@test "the trace of a database is looked for by content" {
	"$KAGE" replay -p none -l 50% t.kgt -o r.db >/dev/null
	"$KAGE" trace synth hotcold --pages 601 -n 20000 -o other.kgt >/dev/null
	mkdir sub
	mv t.kgt r.db sub
	explain sub/r.db --gfn 3
	[ "$status" -eq 0 ]
	mv sub/t.kgt elsewhere.kgt
	cp other.kgt t.kgt
	explain sub/r.db --gfn 3
	fails 3 "trace 't' ("
	explain sub/r.db --gfn 3 --trace elsewhere.kgt
	[ "$status" -eq 0 ]
	explain sub/r.db --gfn 3 --trace other.kgt
	fails 2 "no run of a policy is as asked for"
	"$KAGE" replay -p none -l 50% other.kgt -o sub/r.db >/dev/null
	explain sub/r.db --gfn 3
	fails 2 "holds runs of several traces"
	explain sub/r.db --gfn 3 --trace other.kgt
	[ "$status" -eq 0 ]
}

@test "what cannot be explained says why" {
	explain t.kgt -l 50%
	fails 2 "--gfn N says which page"
	explain t.kgt --gfn 12x -l 50%
	fails 2 "'12x' is no frame number"
	explain t.kgt --gfn -1 -l 50%
	fails 2 "'-1' is no frame number"
	explain t.kgt --gfn 0x7fffffff -l 50%
	fails 2 "gfn 0x7fffffff is in none of its 1 memslots"
	explain t.kgt --gfn 3 -l 50% -p opt
	fails 2 "bounds keep no generations"
	explain t.kgt --gfn 3
	fails 2 "needs --limit"
	explain t.kgt --gfn 3 -l 50% -p nosuch
	fails 2 "no policy 'nosuch'"
	explain t.kgt --gfn 3 -l 50% --trace t.kgt
	fails 2 "--trace is for databases"
	explain nosuch.kgt --gfn 3 -l 50%
	fails 3 "nosuch.kgt"
	explain --gfn 3
	fails 2 "needs one results database or one trace"
	"$KAGE" trace synth hotcold --pages 5000 -n 10 -o few.kgt >/dev/null
	for gfn in $(seq 0 10); do
		explain few.kgt --gfn "$gfn" -l 50%
		[ "$status" -eq 0 ] || break
	done
	fails 2 "is never touched"
}

@test "runs by a scenario are repeated, wherever that is now" {
	"$KAGE" trace synth hotcold --pages 600 -n 20000 --epoch 100us -o e.kgt >/dev/null
	printf 'populate\nepochs 2\nage force\nreclaim 200 pages\nepochs 1\n' >a.scn
	echo populate >b.scn
	"$KAGE" replay e.kgt --driver script:a.scn -p rmap,batched -o r.db >/dev/null
	"$KAGE" replay e.kgt --driver script:b.scn -p rmap -o r.db >/dev/null
	# where the command had it
	explain r.db --gfn 3
	[ "$status" -eq 0 ]
	[ "$(grep -c '^  stored: .*; repeated: the same$' <<<"$output")" -eq 3 ]
	# only the runs of one, from a file of another name
	mkdir kept
	mv a.scn kept/other.scn
	explain r.db --gfn 3 --scenario kept/other.scn
	[ "$(grep -c '^  stored: .*; repeated: the same$' <<<"$output")" -eq 2 ]
	# a folder is searched by content
	cp b.scn kept/a.scn
	explain r.db --gfn 3 --scenario kept
	[ "$(grep -c '^  stored: .*; repeated: the same$' <<<"$output")" -eq 3 ]
	explain r.db --gfn 3 -p batched
	[ "$status" -eq 3 ]
	[[ $stderr == *"scenario 'a.scn' ("*") is not where it was, beside it or here; --scenario FILE"* ]]
	# a file that has changed is another one
	printf 'populate\nage\n' >a.scn
	explain r.db --gfn 3 -p batched
	[ "$status" -eq 3 ]
	explain r.db --gfn 3 --scenario a.scn
	[ "$status" -eq 2 ]
	explain e.kgt --gfn 3 --scenario kept/other.scn
	[ "$status" -eq 2 ]
	[[ $stderr == *"--scenario is for databases"* ]]
}

@test "a trace is explained with all options that replay has for it" {
	options=(-p batched -l 80% --thp --memory min=64M:nested=1 --swappiness 100 --chunk page --mmu arm64)
	explain t.kgt -g 3 "${options[@]}" --json
	[ "$status" -eq 0 ]
	"$KAGE" replay t.kgt "${options[@]}" -o r.db >/dev/null
	[ "$(sqlite3 r.db "SELECT params LIKE '%swappiness=100%' FROM memory")" -eq 1 ]
	stored=$output
	explain r.db -g 3 --trace t.kgt --json
	[ "$(jq '.[0].events' <<<"$output")" = "$(jq '.[0].events' <<<"$stored")" ]
	[ "$(jq '.[0].totals' <<<"$output")" = "$(jq '.[0].totals' <<<"$stored")" ]
	explain t.kgt -g 3 -p batched -l 80% --json
	[ "$(jq '.[0].events' <<<"$output")" != "$(jq '.[0].events' <<<"$stored")" ]
	explain t.kgt -g 3 -p batched -l 80% --numa range --thp
	fails 2 "does not know folios of 2 MiB"
	explain t.kgt -g 3 -p batched -l 80% --epoch never
	fails 2 "--epoch: no 'never'; known: once hold"
}
