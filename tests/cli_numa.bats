# NUMA balancing and chunks of invalidations from the outside.
bats_require_minimum_version 1.5.0

setup()
{
	command -v sqlite3 >/dev/null || skip "sqlite3 is not installed (apt-get install sqlite3)"
	cd "$BATS_TEST_TMPDIR" || return 1
	"$KAGE" trace synth hotcold --pages 600 -n 20000 -o t.kgt >/dev/null
}

# replay <option>...: one lane
replay()
{
	run --separate-stderr "$KAGE" replay t.kgt -p batched -l 80% -o r.db "$@"
}

# total <counter>: of all runs stored; nothing if it is missing
total()
{
	sqlite3 r.db "SELECT value FROM total WHERE name = '$1'"
}

fast=delay=10us:min=1ms:size=2M:adapt=0

@test "NUMA balancing is off unless asked for, and its counters are missing" {
	replay
	[ "$status" -eq 0 ]
	[ "$(sqlite3 r.db 'SELECT numa, numa_params, chunk FROM run')" = "off||range" ]
	[ -z "$(total numa_faults)" ]
	[ "$(total calls_unmap)" -eq "$(total calls_unmap_evict)" ]
}

@test "a balanced run is another run, with its own counters and columns in reports" {
	replay --numa "range:$fast:pinned=50"
	[ "$status" -eq 0 ]
	[ "$(total numa_scans)" -gt 0 ]
	[ "$(total unmap_unchanged)" -gt 0 ]
	[ "$(total zap_faults)" -ge "$(total numa_faults)" ]
	run --separate-stderr "$KAGE" report r.db
	[ "$status" -eq 0 ]
	[[ $output == *"NUMA range(delay=10000,"* ]]
	[[ $output == *"for nothing"* ]]
	replay
	[[ $output == "1 runs stored, 0 were there already: r.db" ]]
	replay --numa "range:$fast:pinned=50"
	[[ $output == "0 runs stored, 1 were there already: r.db" ]]
}

@test "chunks change calls and locks, not what is zapped" {
	for chunk in range 512 page; do
		rm -f r.db
		replay --numa "range:$fast" --chunk $chunk
		[ "$status" -eq 0 ]
		total unmap_zapped >>zapped
		total calls_unmap >>calls
	done
	[ "$(sort -u zapped | wc -l)" -eq 1 ]
	[ "$(sort -n calls)" = "$(cat calls)" ]
	[ "$(sort -u calls | wc -l)" -ge 2 ]
}

@test "what is not known is refused in one line" {
	for bad in "--numa sometimes" "--numa range:pinned=101" "--numa range:no=1" \
		"--numa off:size=4M" "--chunk 511" "--chunk page --mmu xpmem" \
		"--numa range --thp" "--numa precise --mmu shadow:level=thp"; do
		# shellcheck disable=SC2086
		replay $bad
		[ "$status" -eq 2 ]
		[ -z "$output" ]
		[ "${#stderr_lines[@]}" -eq 1 ]
	done
	[ ! -e r.db ]
	printf 'limit none\n' >a.scn
	run --separate-stderr "$KAGE" replay t.kgt -p batched -d script:a.scn --numa range -o r.db
	[ "$status" -ne 0 ]
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "lists tell unit, default, range and source of every NUMA parameter" {
	run --separate-stderr "$KAGE" list -v numa
	[ "$status" -eq 0 ]
	parameters=$(grep -c '^    [a-z]' <<<"$output")
	[ "$parameters" -ge 11 ]
	[ "$(grep -c '^      source *[^ -]' <<<"$output")" -eq "$parameters" ]
	for mode in off range deferred precise; do
		grep -q "^  $mode " <<<"$output"
	done
}

# rows <database>: all counters of the lane without pressure
rows()
{
	sqlite3 "$1" "SELECT total.name, value FROM total JOIN run USING (run_id)
		WHERE limit_text = '200%' ORDER BY 1"
}

@test "a scan that a fault calls for sooner does not wait for other lanes" {
	"$KAGE" trace synth phase --pages 8192 -n 1000000 --tick 200us \
		-p set=1024,shift=1024,length=125000 -o d.kgt >/dev/null
	n=0
	for how in "-l 200% --samples 1" "-l 200%,15% --samples 1 -j 4" "-l 200% --samples 5000"; do
		n=$((n + 1))
		# shellcheck disable=SC2086 # words of a command line
		"$KAGE" replay d.kgt -p rmap $how -o $n.db \
			--numa range:size=2M:delay=1s:min=20s:max=20s:migratable=100 >/dev/null
		rows $n.db >$n
		[ "$(grep -c . $n)" -gt 50 ]
		cmp 1 $n
	done
}

@test "only SPTEs that go take ages with them" {
	"$KAGE" trace synth hotcold --pages 3000 -n 100000 --tick 1us -p bias=0.95,hot=0.2 -o t.kgt >/dev/null
	for kernel in 6.1 6.12 7.2; do
		rm -f r.db
		replay -l 200% --kernel $kernel \
			--numa range:size=2M:delay=1ms:min=5ms:max=40ms:migratable=100
		[ "$status" -eq 0 ]
		[ "$(total numa_migrations)" -gt 1000 ]
		[ $(($(total ages_marked) + $(total ages_erased))) -le "$(total unmap_zapped)" ]
	done
}

@test "a run with all its parameters is explained" {
	replay --numa deferred:delay=1000s:min=1000s:max=10000s:size=1G:block=1024:pinned=50:migratable=10:private=50:seed=12345678:scanner=other
	[ "$status" -eq 0 ]
	run --separate-stderr "$KAGE" explain r.db -t t.kgt --gfn 5
	[ "$status" -eq 0 ]
}
