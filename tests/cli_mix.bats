# kage replay --mix, --swappiness and --memory from the outside: a second trace's pages
# are file pages of the memcg, and every report says that this is synthetic.
bats_require_minimum_version 1.5.0

setup()
{
	command -v sqlite3 >/dev/null || skip "sqlite3 is not installed (apt-get install sqlite3)"
	cd "$BATS_TEST_TMPDIR" || return 1
	"$KAGE" trace synth hotcold --pages 600 -n 20000 -o t.kgt >/dev/null
	"$KAGE" trace synth zipf --pages 500 -n 10000 --tick 2us -o files.kgt >/dev/null
}

# replay <option>...
replay()
{
	"$KAGE" replay t.kgt -p linux-6.1,linux-6.12,linux-7.2 -l 50% "$@" >/dev/null
}

# sum <counter> <database>
sum()
{
	sqlite3 "$2" "SELECT sum(value) FROM total WHERE name = '$1'"
}

# fails <code> <text> <option>...
fails()
{
	local code=$1 text=$2
	shift 2
	run --separate-stderr "$KAGE" replay t.kgt -l 50% "$@" -o fails.db
	[ "$status" -eq "$code" ]
	[ -z "$output" ]
	[[ $stderr == "kage: "*"$text"* ]]
}

@test "a mixed trace is evicted by swappiness" {
	for s in 0 60 200; do
		replay --mix files.kgt:file --swappiness $s -o $s.db
	done
	[ "$(sum file_evictions 0.db)" -gt 500 ]
	[ "$(sum file_evictions 0.db)" -eq "$(sum evictions 0.db)" ]
	[ "$(sum file_evictions 60.db)" -lt "$(sum evictions 60.db)" ]
	[ "$(sum file_faults 200.db)" -gt 500 ]
}

@test "without a mix there are no files, and the default is swappiness 60" {
	replay -o a.db
	replay --memory swappiness=60 -o b.db
	[ "$(sum file_faults a.db)" -eq 0 ]
	[ "$(sqlite3 a.db "SELECT DISTINCT params || coalesce(mix, ' none') FROM memory")" = \
		"$(sqlite3 b.db "SELECT DISTINCT params || coalesce(mix, ' none') FROM memory")" ]
	totals="SELECT * FROM total ORDER BY run_id, name"
	[ "$(sqlite3 a.db "$totals")" = "$(sqlite3 b.db "$totals")" ]
}

@test "reports of a mix say that it is synthetic, in every format" {
	replay --mix files.kgt:file -o r.db
	replay -o plain.db
	for format in text changelog markdown rst json csv; do
		"$KAGE" report r.db --format $format >mixed
		"$KAGE" report plain.db --format $format >plain
		grep -q "files.kgt" mixed
		run grep -i "synthetic: \|files.kgt" plain
		[ -z "$output" ]
	done
	"$KAGE" report r.db | grep -q "SYNTHETIC: mixed with file:files.kgt:"
	"$KAGE" report r.db | grep -q "synthetic: file:files.kgt:.* was mixed in"
}

@test "a mix changes neither the footprint of its trace nor runs without it" {
	"$KAGE" replay t.kgt -p linux-6.12 -l 50% -o r.db >/dev/null
	alone=$(sqlite3 r.db "SELECT footprint_pages FROM trace")
	"$KAGE" replay t.kgt --mix files.kgt:file -p linux-6.12,opt -l 50% -o r.db >/dev/null
	[ "$(sqlite3 r.db "SELECT footprint_pages FROM trace")" -eq "$alone" ]
	[ "$(sqlite3 r.db "SELECT max(limit_pages) FROM run")" -gt $((alone / 2)) ]
}

@test "curves of a trace leave runs with a mix out" {
	replay --mix files.kgt:file -o r.db
	"$KAGE" mrc t.kgt --db r.db >curve
	grep -q "3 runs of other setups are left out" curve
	run grep "SYNTHETIC\|refaults of" curve
	[ -z "$output" ]
	"$KAGE" replay t.kgt --mix files.kgt:file -d proactive:period=1ms -p rmap -o p.db >/dev/null
	"$KAGE" mrc t.kgt --vmin --db p.db >curve
	grep -q "1 runs of other setups are left out" curve
	"$KAGE" replay t.kgt -d proactive:period=1ms -p rmap -o p.db >/dev/null
	"$KAGE" mrc t.kgt --vmin --db p.db | grep -q "Policies: .*proactive"
}

@test "a scenario beside a mix has the footprint of its guest" {
	"$KAGE" trace synth hotcold --pages 600 -n 20000 --epoch 100us -o e.kgt >/dev/null
	printf 'populate\nepochs 3\nage force\nreclaim 100 pages\nsnapshot a\n' >s.scn
	"$KAGE" replay e.kgt -d script:s.scn -p rmap -o alone.db >/dev/null
	"$KAGE" replay e.kgt -d script:s.scn -p rmap --mix files.kgt:file -o r.db >/dev/null
	footprint="SELECT footprint_pages FROM trace"
	[ "$(sqlite3 r.db "$footprint")" -eq "$(sqlite3 alone.db "$footprint")" ]
}

@test "a mix gives the same results on any number of threads" {
	replay --mix files.kgt:file -j 1 -o one.db
	replay --mix files.kgt:file -j 3 -o three.db
	totals="SELECT * FROM total ORDER BY run_id, name"
	[ "$(sqlite3 one.db "$totals")" = "$(sqlite3 three.db "$totals")" ]
}

@test "a mix of epochs, with accuracy and a bound, counts all pages" {
	"$KAGE" trace synth hotcold --pages 600 -n 20000 --epoch 100us -o e.kgt >/dev/null
	"$KAGE" replay t.kgt --mix e.kgt:file --accuracy --idle-age -p linux-6.12,opt -l 50% \
		-o r.db >/dev/null
	[ "$(sum file_evictions r.db)" -gt 0 ]
	[ "$(sqlite3 r.db "SELECT footprint_pages FROM trace")" -le 600 ]
	[ "$(sqlite3 r.db "SELECT limit_pages FROM run LIMIT 1")" -gt 350 ]
}

@test "what no kernel has, and what is no mix, is refused" {
	fails 2 "--mix: 'files.kgt' is not TRACE:file" --mix files.kgt
	fails 3 "nosuch" --mix nosuch.kgt:file
	fails 2 "Linux 6.12 has no swappiness beyond 200" --swappiness max
	fails 2 "swappiness" --swappiness 202
	"$KAGE" replay t.kgt --kernel 7.2 -p batched -l 50% --swappiness max -o max.db >/dev/null
	replay --mix files.kgt:file -o r.db
	run --separate-stderr "$KAGE" explain r.db --gfn 1 --trace t.kgt
	[ "$status" -eq 2 ]
	[[ $stderr == *"with a mixed trace"* ]]
}

@test "kswapd keeps free pages, and 7.2 alone scans by protection" {
	k() { "$KAGE" replay t.kgt -p linux-6.12,linux-7.2 -l 50% "$@" >/dev/null; }
	k --driver kswapd:min_free=10 -o kswapd.db
	k -o limit.db
	k --memory low=64K:nested=1 -o low.db
	[ "$(sum evictions kswapd.db)" -gt 0 ]
	[ "$(sqlite3 kswapd.db "SELECT max(resident_pages + 10 <= limit_pages)
		FROM series JOIN run USING (run_id)")" -eq 1 ]
	of="SELECT value FROM total JOIN run USING (run_id) WHERE name = 'scanned' AND kernel ="
	[ "$(sqlite3 limit.db "$of '6.12'")" -eq "$(sqlite3 low.db "$of '6.12'")" ]
	[ "$(sqlite3 limit.db "$of '7.2'")" -ne "$(sqlite3 low.db "$of '7.2'")" ]
}

@test "swap on a disk is read ahead, zram is not" {
	"$KAGE" trace synth loop --pages 600 -n 5000 -o t.kgt >/dev/null
	replay -o zram.db
	replay --memory swap=zram -o same.db
	replay --memory swap=ssd -o ssd.db
	replay --memory swap=ssd:page_cluster=0 -o single.db
	totals="SELECT * FROM total ORDER BY run_id, name"
	[ "$(sqlite3 zram.db "$totals")" = "$(sqlite3 same.db "$totals")" ]
	[ "$(sum read_ahead zram.db)" -eq 0 ]
	[ "$(sum read_ahead single.db)" -eq 0 ]
	[ "$(sum read_ahead_hits ssd.db)" -gt 100 ]
	[ "$(sum read_ahead ssd.db)" -ge "$(($(sum read_ahead_hits ssd.db) +
		$(sum read_ahead_unused ssd.db)))" ]
	[[ $(sqlite3 ssd.db "SELECT params FROM memory") == *swap=ssd* ]]
	[ "$(sqlite3 ssd.db "SELECT count(*) FROM series
		WHERE resident_pages > (SELECT max(limit_pages) FROM run)")" -eq 0 ]
	fails 2 "page_cluster needs swap=ssd" --memory page_cluster=2
}

@test "min_ttl calls the OOM killer, and memory.min keeps what it says" {
	replay --driver kswapd:min_free=10:wake=20us --memory min_ttl=3600s -o ttl.db
	[ "$(sum min_ttl_ooms ttl.db)" -gt 0 ]
	replay --memory min=64M:nested=1 -o min.db
	[ "$(sum evictions min.db)" -eq 0 ]
	[ "$(sum protected_skips min.db)" -gt 0 ]
	[ "$(sum failed_reclaims min.db)" -gt 0 ]
	replay --memory min=64M:nested=1 --swappiness 100 -o both.db
	[ "$(sum evictions both.db)" -eq 0 ]
	[[ $(sqlite3 both.db "SELECT params FROM memory") == *swappiness=100,min=67108864,*nested=1* ]]
}

@test "results of a scenario name what was mixed in, and no kernel judges them" {
	command -v jq >/dev/null || skip "jq is not installed (apt-get install jq)"
	"$KAGE" trace synth loop --pages 500 -n 4000 -o f.kgt >/dev/null
	"$KAGE" trace synth hotcold --pages 600 -n 20000 --epoch 500us -o g.kgt >/dev/null
	printf 'populate\nepochs 2\nage\nsnapshot aged\n' >s.scn
	"$KAGE" replay g.kgt -d script:s.scn -p rmap --snapshots plain.json >/dev/null
	"$KAGE" replay g.kgt -d script:s.scn -p rmap --mix f.kgt:file --snapshots mixed.json >/dev/null
	[ "$(jq 'has("mix")' plain.json)" = false ]
	[[ $(jq -r .mix mixed.json) == file:f.kgt:* ]]
	jq '.by = "kernel" | del(.policy) | del(.mix)' plain.json >kernel.json
	run --separate-stderr "$KAGE" validate kernel.json --model mixed.json
	[ "$status" -eq 3 ]
	[[ $stderr == *"mixed with 'file:f.kgt:"* ]]
}
