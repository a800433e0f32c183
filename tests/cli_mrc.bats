# kage mrc from the outside: the curve, its sample, and policies beside it.
bats_require_minimum_version 1.5.0

setup()
{
	command -v sqlite3 >/dev/null || skip "sqlite3 is not installed (apt-get install sqlite3)"
	cd "$BATS_TEST_TMPDIR" || return 1
	"$KAGE" trace synth zipf --pages 16000 -n 120000 -o t.kgt >/dev/null
}

# mrc <option>...: its JSON in $output
mrc()
{
	run --separate-stderr "$KAGE" mrc --json "$@"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
}

# rows <python expression over rows, a list of dicts>: must hold of $output
rows()
{
	python3 -c '
import json, sys
rows = json.loads(sys.argv[1])["tables"][0]["rows"]
assert eval(sys.argv[2]), rows' "$output" "$1"
}

# fails <code> <text>
fails()
{
	[ "$status" -eq "$1" ]
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "kage: "*"$2"* ]]
}

@test "the exact curve is what replay finds for lru at the same limits" {
	"$KAGE" replay -p lru,batched -l 15%,50%,80% t.kgt -o r.db >/dev/null
	mrc t.kgt --db r.db -n 10
	rows 'len(rows) == 11' # 50 and 80 % are among the ten
	rows 'sum(r["lru"] is not None for r in rows) == 3'
	rows 'all(r["lru"] == r["refaults"] for r in rows if r["lru"] is not None)'
	rows 'all(r["batched"] > 0 for r in rows if r["lru"] is not None)'
	rows 'all(a["refaults"] >= b["refaults"] for a, b in zip(rows, rows[1:]))'
	rows 'rows[-1]["refaults"] == 0'
	rows '"refaults_low" not in rows[0]'
}

@test "a sampled curve says how far it may be off, and is not" {
	mrc t.kgt -n 10
	exact=$output
	mrc t.kgt -n 10 --sample 3/4
	python3 -c '
import json, sys
exact, sampled = (json.loads(a)["tables"][0]["rows"] for a in sys.argv[1:])
assert len(exact) == len(sampled) == 10
inside = sum(s["refaults_low"] <= e["refaults"] <= s["refaults_high"]
             for e, s in zip(exact, sampled))
assert inside >= 9, (exact, sampled)
assert any(s["refaults"] != e["refaults"] for e, s in zip(exact, sampled))' "$exact" "$output"
	grep -q '"The 95 % interval is +-[0-9.]* % of accesses on average, +-[0-9.]* % at worst"' \
		<<<"$output"
	sampled=$output
	mrc t.kgt -n 10 --sample 0.75
	[ "$output" = "$sampled" ]
	mrc t.kgt -n 10 --sample 0.75 --seed 1
	[ "$output" != "$sampled" ]
}

@test "epochs are sampled and counted as a replay plays them" {
	"$KAGE" trace synth zipf --pages 2000 -n 60000 --epoch 500us -o e.kgt >/dev/null
	"$KAGE" replay -p lru -l 25%,50% --seed 3 e.kgt -o r.db >/dev/null
	mrc e.kgt --db r.db --seed 3 -n 4
	rows 'sum(r["lru"] is not None for r in rows) == 2'
	rows 'all(r["lru"] == r["refaults"] for r in rows if r["lru"] is not None)'
}

@test "text names trace, method and setup; what is not known is a dash" {
	"$KAGE" replay -p lru -l 50% t.kgt -o r.db >/dev/null
	run --separate-stderr "$KAGE" mrc t.kgt -n 3 --db r.db
	[ "$status" -eq 0 ]
	[[ ${lines[0]} == "Trace: t "*" 120,000 accesses to "* ]]
	[[ ${lines[1]} == "Exact LRU over every access;"* ]]
	[[ ${lines[2]} == "Policies: "*"driver limit"* ]]
	[ "$(grep -c '^[0-9].* -$' <<<"$output")" -eq 3 ]
	[[ $output == *"-: not known or not applicable; not zero"* ]]
}

@test "a figure has the curve, its interval and the policies" {
	command -v gnuplot >/dev/null || skip "gnuplot is not installed (apt-get install gnuplot-nox)"
	"$KAGE" replay -p lru,batched -l 50% t.kgt -o r.db >/dev/null
	run --separate-stderr "$KAGE" mrc t.kgt --sample 0.9 --db r.db --plot figures
	[ "$status" -eq 0 ]
	for kind in gp dat svg png; do
		[ -s "figures/t.mrc.$kind" ]
	done
	grep -q "title 'batched'" figures/t.mrc.gp
	grep -q '95 % interval' figures/t.mrc.svg
	run --separate-stderr "$KAGE" mrc t.kgt --vmin --plot figures
	[ "$status" -eq 0 ]
	grep -q 'vmin' figures/t.vmin.svg
}

@test "at equal memory on average no policy beats VMIN" {
	"$KAGE" replay -p none,rmap,batched t.kgt -o r.db \
		--driver proactive:period=10us:pages=500 >/dev/null
	mrc t.kgt --vmin --db r.db -n 5
	rows 'len(rows) == 8'
	rows 'sorted(r["policy"] for r in rows if r["policy"]) == ["batched", "none", "rmap"]'
	rows 'all(r["refaults"] >= r["vmin_refaults"] for r in rows if r["policy"])'
	rows 'all(r["ws_refaults"] >= r["vmin_refaults"] for r in rows)'
	rows 'all(a["vmin_refaults"] >= b["vmin_refaults"] for a, b in zip(rows, rows[1:]))'
	rows 'rows[-1]["vmin_refaults"] == 0 and rows[0]["vmin_refaults"] > 1000'
	average=$(sqlite3 r.db "SELECT CAST(round(avg(resident_pages)) AS INTEGER) FROM series
		JOIN run USING (run_id) WHERE policy = 'rmap'")
	rows "[r['resident_pages'] for r in rows if r['policy'] == 'rmap'] == [$average]"
	# runs under a limit have their place in the other table
	"$KAGE" replay -p rmap -l 50% t.kgt -o l.db >/dev/null
	mrc t.kgt --vmin --db l.db -n 5
	rows 'len(rows) == 5 and not any(r["policy"] for r in rows)'
}

@test "what makes no sense is refused in one line" {
	run --separate-stderr "$KAGE" mrc
	fails 2 "needs one trace"
	for share in 0 2 1/0 3/2 x; do
		run --separate-stderr "$KAGE" mrc t.kgt --sample "$share"
		fails 2 ""
	done
	run --separate-stderr "$KAGE" mrc t.kgt --sample 1/100
	fails 2 "says too little"
	run --separate-stderr "$KAGE" mrc t.kgt --vmin --sample 1/2
	fails 2 "leave out --sample"
	run --separate-stderr "$KAGE" mrc t.kgt -n 0
	fails 2 "--points"
	run --separate-stderr "$KAGE" mrc t.kgt --format nosuch
	fails 2 "nosuch"
	run --separate-stderr "$KAGE" mrc nosuch.kgt
	fails 3 "nosuch.kgt"
	run --separate-stderr "$KAGE" mrc t.kgt --db nosuch.db
	[ "$status" -ne 0 ]
	[ -z "$output" ]
}
