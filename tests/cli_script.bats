# kage replay --driver script:FILE from the outside: results, messages, exit codes.
bats_require_minimum_version 1.5.0

setup()
{
	command -v python3 >/dev/null || skip "python3 is not installed (apt-get install python3)"
	cd "$BATS_TEST_TMPDIR" || return 1
	"$KAGE" trace synth hotcold --pages 2000 -n 100000 --epoch 1ms -o t.kgt >/dev/null
	"$KAGE" trace synth hotcold --pages 2000 -n 100000 -o s.kgt >/dev/null
	cat >a.scn <<-END
		populate
		repeat 2
			epochs 1   # of ten
			age force
		end
		snapshot aged
		reclaim 400 pages chunk 100 pages
		snapshot reclaimed
		sweep 0-999
		snapshot swept
	END
}

# script <scenario> <option>...: one policy, snapshots into r.json
script()
{
	run --separate-stderr "$KAGE" replay --driver "script:$1" -p rmap --snapshots r.json "${@:2}"
}

# value <python expression of r>: from r.json
value()
{
	python3 -c "import json; r = json.load(open('r.json')); print(($1))"
}

# fails <code> <text>: nothing on stdout, <text> in the one line on stderr
fails()
{
	[ "$status" -eq "$1" ]
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "kage: "*"$2"* ]]
	[ ! -e r.json ]
}

@test "a scenario writes its snapshots and what each step evicted" {
	script a.scn t.kgt
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$output" = "10 steps, 3 snapshots: r.json" ]
	[ "$(value 'r["by"], r["policy"], r["scenario"], r["trace"]')" = "('model', 'rmap:flush=kernel', 'a.scn', 't.kgt')" ]
	[ "$(value '[s["name"] for s in r["snapshots"]]')" = "['aged', 'reclaimed', 'swept']" ]
	[ "$(value '[s["epochs"] for s in r["snapshots"]]')" = "[2, 5, 5]" ]
	[ "$(value 'r["steps"][6]["word"], r["steps"][6]["line"], r["steps"][6]["requests"], r["steps"][6]["epochs"]')" = "('reclaim', 7, 4, 3)" ]
	[ "$(value 'sum(n for s in r["steps"] for g, n in s["evicted"])')" = \
		"$(value 'r["snapshots"][-1]["counters"]["pgsteal"]')" ]
	[ "$(value 'r["steps"][6]["evicted_pages"] >= 400')" = True ]
	[ "$(value 'r["snapshots"][0]["counters"]["guest_faults"] == r["footprint_pages"]')" = True ]
}

@test "two runs write the same bytes, and comments do not matter" {
	script a.scn t.kgt
	mv r.json first.json
	script a.scn t.kgt
	cmp first.json r.json
	sed 's/#.*//' a.scn >b.scn
	script b.scn t.kgt
	[ "$(value 'r["scenario_id"]')" = \
		"$(python3 -c "import json; print(json.load(open('first.json'))['scenario_id'])")" ]
}

@test "a stream is cut into epochs by the scenario" {
	script a.scn s.kgt
	fails 3 "a.scn: the trace is a stream: say 'epoch TIME' first"
	{ echo "epoch 1ms"; cat a.scn; } >e.scn
	script e.scn s.kgt
	[ "$status" -eq 0 ]
	[ "$(value 'r["snapshots"][0]["epochs"]')" = 2 ]
	script e.scn t.kgt
	rm -f r.json
	script e.scn t.kgt
	fails 3 "e.scn: 'epoch' is for streams"
}

@test "runs of a scenario are stored, and stored once" {
	command -v sqlite3 >/dev/null || skip "sqlite3 is not installed (apt-get install sqlite3)"
	run --separate-stderr "$KAGE" replay --driver script:a.scn t.kgt -o r.db
	[ "$output" = "4 runs stored, 0 were there already: r.db" ]
	mkdir other && sed 's/#.*//' a.scn >other/a.scn
	run --separate-stderr "$KAGE" replay --driver script:other/a.scn t.kgt -o r.db
	[ "$output" = "0 runs stored, 4 were there already: r.db" ]
	echo "age" >>a.scn
	run --separate-stderr "$KAGE" replay --driver script:a.scn t.kgt -o r.db
	[ "$output" = "4 runs stored, 0 were there already: r.db" ]
	[ "$(sqlite3 r.db "SELECT DISTINCT driver, pace_ns, limit_pages IS NULL FROM run")" = "script|0|1" ]
}

@test "damaged scenarios are refused with file and line" {
	n=0
	while IFS='|' read -r text message; do
		printf '%b' "$text" >bad.scn
		script bad.scn t.kgt
		fails 3 "bad.scn:$message"
		n=$((n + 1))
	done <<-'END'
		populate\nreclaim\n|2: 'reclaim' needs a size behind it
		populate\n\nreklaim 1M\n|3: unknown word 'reklaim'; known:
		reclaim 100\n|1: '100' of what?
		repeat 2\nage\n|1: its 'end' is missing
		repeat 9999\nrepeat 9999\nage\nend\nend\n|3: more than 65536 steps
		snapshot a\nsnapshot a\n|2: snapshot 'a' is there already, in line 1
		frozen\nepochs 1\nend\n|2: 'epochs' inside frozen
		epochs 11\n|1: the trace has 10 epochs, and 11 are played
		sweep 0-99999\n|1: the footprint of the trace has only
		age \x01\n|1: byte 0x01 does not belong here
	END
	[ "$n" -eq 10 ]
}

@test "what cannot be meant is said" {
	script absent.scn t.kgt
	fails 3 "absent.scn"
	script . t.kgt
	fails 3 "."
	run --separate-stderr "$KAGE" replay --driver script -p rmap --snapshots r.json t.kgt
	fails 2 "--driver script needs a scenario file: script:FILE.scn"
	run --separate-stderr "$KAGE" replay --driver script:a.scn --snapshots r.json t.kgt
	fails 2 "snapshots are of one policy"
	script a.scn t.kgt t.kgt
	fails 2 "--snapshots: needs exactly one trace"
	run --separate-stderr "$KAGE" replay --driver script:a.scn -p opt --snapshots r.json t.kgt
	fails 2 "opt is a bound for a fixed size"
	run --separate-stderr "$KAGE" replay --driver script:a.scn -p rmap -l 50% --snapshots r.json t.kgt
	fails 2 "--driver script has no limit"
	run --separate-stderr "$KAGE" replay --driver limit -l 50% -p rmap --snapshots r.json t.kgt
	fails 2 "only --driver script:FILE.scn has snapshots"
}
