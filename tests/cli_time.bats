# kage replay --time and kage report --time from the outside.
bats_require_minimum_version 1.5.0

setup()
{
	command -v sqlite3 >/dev/null || skip "sqlite3 is not installed (apt-get install sqlite3)"
	cd "$BATS_TEST_TMPDIR" || return 1
	"$KAGE" trace synth zipf --pages 3000 -n 40000 -o t.kgt >/dev/null
}

# all_costs: a profile that knows a price of everything, in mine.costs
all_costs()
{
	printf 'kage-costs\t1\nprofile\tmine\nhost\tinvented\nname\tvalue\tlow\thigh\tunit\tkind\tsource\thow\n'
	sed -n 's/^\(COUNTER\|COST\)(\([a-z0-9_]*\),.*/\2/p' \
		"$BATS_TEST_DIRNAME/../models/counters.def" "$BATS_TEST_DIRNAME/../replay/costs.def" |
		while read -r name; do
			printf '%s\t%d\t-\t-\tns\tassumed\tinvented\tinvented\n' "$name" $((${#name} * 10))
		done
}

timed()
{
	run --separate-stderr "$KAGE" replay t.kgt --limit 40% -p rmap,batched --time "$@"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
}

sql()
{
	sqlite3 "$1" "$2"
}

# fails <code> <text>
fails()
{
	[ "$status" -eq "$1" ]
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "kage: "*"$2"* ]]
}

@test "what the profile has no cost for is missing and named; acquisitions are known" {
	timed -o r.db
	[ "$(sql r.db "SELECT count(*) FROM timing WHERE lacking LIKE '%hold_fault%' AND stall_p50_ns IS NULL AND ipis IS NULL AND faults > 0")" -eq 2 ]
	[ "$(sql r.db "SELECT count(*) FROM lock_time WHERE hold_sum_ns IS NOT NULL AND class = 'fault'")" -eq 0 ]
	[ "$(sql r.db "SELECT sum(acquisitions) FROM lock_time WHERE lock = 'mmu_lock'")" -eq \
		"$(sql r.db "SELECT sum(value) FROM total WHERE name IN ('lock_write_young', 'lock_write_unmap', 'lock_read_fault')")" ]
	run --separate-stderr "$KAGE" report --time r.db
	[ "$status" -eq 0 ]
	[[ $output == *"has no cost for: "*"hold_fault"*"what depends on it is missing"* ]]
}

@test "costs for all: times are known, decisions are those without, and threads add rows" {
	all_costs >mine.costs
	timed --costs mine.costs -o r.db
	timed --costs mine.costs -o r.db --vcpus 8 --reclaimers 2 --agers 1
	[[ $output == "2 runs stored"* ]]
	timed --costs mine.costs -o r.db --vcpus 8 --reclaimers 2 --agers 1
	[[ $output == "0 runs stored, 2 were there already"* ]]
	[ "$(sql r.db "SELECT count(*) FROM run")" -eq 2 ]
	[ "$(sql r.db "SELECT count(*) FROM timing WHERE lacking = '' AND stall_share > 0 AND stall_p50_ns <= stall_p99_ns AND stall_p99_ns <= stall_max_ns")" -eq 4 ]
	"$KAGE" replay t.kgt --limit 40% -p rmap,batched --costs mine.costs -o plain.db >/dev/null
	[ "$(sql plain.db "SELECT * FROM total ORDER BY 1, 2")" = "$(sql r.db "SELECT * FROM total ORDER BY 1, 2")" ]
	[ "$(sql plain.db "SELECT count(*) FROM timing")" -eq 0 ]
	for format in text csv json markdown rst; do
		run --separate-stderr "$KAGE" report --time --format $format r.db
		[ "$status" -eq 0 ]
		[[ $output == *invalidation*fault* ]]
	done
}

@test "the same times on any number of threads" {
	all_costs >mine.costs
	timed --costs mine.costs -o one.db -j 1 --vcpus 4
	timed --costs mine.costs -o two.db -j 2 --vcpus 4
	for table in timing lock_time; do
		[ "$(sql one.db "SELECT * FROM $table ORDER BY 1, 2, 3, 4")" = "$(sql two.db "SELECT * FROM $table ORDER BY 1, 2, 3, 4")" ]
	done
}

@test "epochs have neither order nor time: waits and stalls are missing" {
	all_costs >mine.costs
	"$KAGE" trace coarsen t.kgt --period 2ms -o e.kgt >/dev/null
	run --separate-stderr "$KAGE" replay e.kgt --limit 40% -p batched --time --costs mine.costs -o r.db
	[ "$status" -eq 0 ]
	[ "$(sql r.db "SELECT count(*) FROM timing WHERE NOT has_time AND stall_share IS NULL AND pass_max_ns IS NULL AND ager_cpu_ns > 0")" -eq 1 ]
	[ "$(sql r.db "SELECT count(*) FROM lock_time WHERE wait_sum_ns IS NULL AND hold_sum_ns > 0 AND lock = 'mmu_lock'")" -eq 3 ]
	run --separate-stderr "$KAGE" report --time r.db
	[[ $output == *"the trace has no order and time"* ]]
}

@test "closed loop: runs of their own, marked, the same on any number of threads" {
	all_costs >mine.costs
	"$KAGE" replay t.kgt --limit 40% -p rmap,batched,opt --costs mine.costs -o r.db >/dev/null
	timed --closed-loop --costs mine.costs -o r.db -j 1 --vcpus 4
	[[ $output == "2 runs stored"* ]]
	timed --closed-loop --costs mine.costs -o r.db -j 2 --vcpus 4
	[[ $output == "0 runs stored, 2 were there already"* ]]
	timed --closed-loop --costs mine.costs -o two.db -j 2 --vcpus 4
	closed="run_id IN (SELECT run_id FROM closed_loop)"
	for table in timing lock_time total; do
		[ "$(sql r.db "SELECT * FROM $table WHERE $closed ORDER BY 1, 2, 3, 4")" = \
			"$(sql two.db "SELECT * FROM $table ORDER BY 1, 2, 3, 4")" ]
	done
	[ "$(sql r.db "SELECT count(*) FROM timing WHERE behind_ns > 0 AND setup = 'vcpus=4,reclaimers=0,agers=0,closed-loop'")" -eq 2 ]
	[ "$(sql r.db "SELECT count(*) FROM closed_loop JOIN cost_profile ON setup LIKE '%,closed-loop,costs=' || digest WHERE profile = 'mine'")" -eq 2 ]
	run --separate-stderr "$KAGE" report r.db
	[[ $output == *"CLOSED LOOP (vcpus=4,reclaimers=0,agers=0,closed-loop,costs="*"closed loop: stalls by costs 'mine' delayed the guest"* ]]
	[ "$("$KAGE" report r.db --format csv | grep -c ',closed-loop,costs=')" -ge 2 ]
	run --separate-stderr "$KAGE" report --sensitivity r.db
	[[ $output != *"CLOSED LOOP"* ]]
	run --separate-stderr "$KAGE" explain r.db --gfn 5 --trace t.kgt
	[ "$(grep -c 'as stored' <<<"$output")" -le 2 ]
}

@test "closed loop: all costs at zero are the open loop's decisions" {
	all_costs | sed 's/\t[0-9]*\t-\t-\tns/\t0\t-\t-\tns/' >zero.costs
	driver=proactive:period=500us:pages=40
	"$KAGE" replay t.kgt -p rmap,batched -d $driver --costs zero.costs -o open.db >/dev/null
	"$KAGE" replay t.kgt -p rmap,batched -d $driver --costs zero.costs -o closed.db --time --closed-loop --vcpus 3 >/dev/null
	[ "$(sql closed.db "SELECT count(*) FROM closed_loop")" -eq 2 ]
	for table in total series generation refault_age; do
		columns=$(sql open.db "SELECT group_concat(name) FROM pragma_table_info('$table') WHERE name <> 'run_id'")
		query="SELECT policy, $columns FROM $table JOIN run USING (run_id) ORDER BY 1, 2, 3"
		[ -n "$(sql open.db "$query" | head -1)" ] || [ $table = refault_age ]
		[ "$(sql open.db "$query")" = "$(sql closed.db "$query")" ]
	done
	all_costs | sed 's/\t-\t-\tns/0\t-\t-\tns/' >dear.costs
	"$KAGE" replay t.kgt -p rmap,batched -d $driver --costs dear.costs -o dear.db --time --closed-loop --vcpus 3 >/dev/null
	query="SELECT policy, name, value FROM total JOIN run USING (run_id) ORDER BY 1, 2"
	[ "$(sql open.db "$query")" != "$(sql dear.db "$query")" ]
	[ "$(sql dear.db "SELECT min(behind_ns) FROM timing")" -gt 1000000 ]
}

@test "closed loop: what cannot have it is refused" {
	all_costs >mine.costs
	closed=(--time --closed-loop --costs mine.costs -o r.db)
	run --separate-stderr "$KAGE" replay t.kgt --limit 40% -p batched --closed-loop -o r.db
	fails 2 "need --time"
	run --separate-stderr "$KAGE" replay t.kgt --limit 40% -p batched,opt "${closed[@]}"
	fails 2 "opt is a bound"
	run --separate-stderr "$KAGE" replay t.kgt --limit 40% -p batched --time --closed-loop -o r.db
	fails 2 "profile 'x86-tdp' has no cost for "
	[ "$(sql r.db "SELECT count(*) FROM run")" -eq 0 ]
	"$KAGE" trace coarsen t.kgt --period 2ms -o e.kgt >/dev/null
	run --separate-stderr "$KAGE" replay e.kgt --limit 40% -p batched "${closed[@]}"
	fails 2 "needs a stream"
}

@test "options that make no sense are refused in one line" {
	run --separate-stderr "$KAGE" replay t.kgt --limit 40% -o r.db --vcpus 4
	fails 2 "need --time"
	run --separate-stderr "$KAGE" replay t.kgt --limit 40% -o r.db --time --vcpus 1025
	fails 2 "--vcpus: up to 1024"
	run --separate-stderr "$KAGE" replay t.kgt --limit 40% -o r.db --time --agers 65
	fails 2 "up to 64 each"
	run --separate-stderr "$KAGE" report --time --accuracy r.db
	fails 2 "a report of its own"
}

@test "a database without times says how to get them" {
	"$KAGE" replay t.kgt --limit 40% -p none -o r.db >/dev/null
	run --separate-stderr "$KAGE" report --time r.db
	[ "$status" -eq 0 ]
	[[ $output == *"nothing was timed: kage replay --time does"* ]]
}

# Where sanitizers look, a lock beyond the last rmap is an error; else it may go unseen.
@test "look-around at the end of memory locks no rmap beyond it" {
	"$KAGE" trace synth nolocality --pages 1024 -n 20000 --tick 1us -o end.kgt >/dev/null
	run "$KAGE" replay end.kgt --limit 50% -p fast-only --mmu shadow-nested:share=50:ad=on \
		--time --vcpus 8 --reclaimers 1 --agers 1 -o end.db \
		--costs "${BATS_TEST_DIRNAME%/*}/doc/experiments/costs/tdp.costs"
	[ "$status" -eq 0 ]
	run "$KAGE" report --time end.db
	[ "$status" -eq 0 ]
	[[ $output == *rmap* ]]
}
