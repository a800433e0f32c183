# The shipped scenarios: each plays, is small enough for a machine without hardware
# virtualisation, and shows on the models what its comment says.
bats_require_minimum_version 1.5.0

scenarios=$BATS_TEST_DIRNAME/../scripts/lab/scenarios

setup()
{
	command -v jq >/dev/null || skip "jq is not installed (apt-get install jq)"
	cd "$BATS_TEST_TMPDIR" || return 1
}

# play <scenario> <policy>...: the trace, and the results POLICY.json
play()
{
	local file=$scenarios/$1.scn policy thp
	shift
	"$scenarios/make_trace" "$file" t.kgt
	thp=$(sed -n 's/^# live: --thp$/--thp/p' "$file")
	for policy; do
		"$KAGE" replay t.kgt ${thp:+"$thp"} --driver "script:$file" -p "$policy" \
			--snapshots "$policy.json" >/dev/null
	done
}

# number <policy> <snapshot> <counter>
number()
{
	jq -e ".snapshots[] | select(.name == \"$2\") | .counters.$3" "$1.json"
}

# fits: pages, touches and evictions that a guest under emulation does in a minute
fits()
{
	local pages epochs
	pages=$(jq .footprint_pages "$1.json")
	epochs=$(jq '[.steps[].epochs] | add' "$1.json")
	[ "$pages" -ge 7000 ] && [ "$pages" -le 40000 ]
	[ "$epochs" -ge 6 ] && [ "$epochs" -le 40 ]
	[ "$(jq '[.snapshots[].counters.guest_faults] | max' "$1.json")" -le 50000 ]
}

@test "every scenario has a trace, plays, and is small" {
	n=0
	for file in "$scenarios"/*.scn; do
		name=$(basename "$file" .scn)
		play "$name" rmap
		fits rmap
		grep -q "^| .*\`$name\`" "$scenarios/README.md"
		n=$((n + 1))
	done
	[ "$n" -ge 8 ]
}

@test "idle: the hot pages stay where accesses are seen, and scans are evictions" {
	play idle rmap fast-only
	[ "$(number fast-only reclaimed pgscan)" -eq "$(number fast-only reclaimed pgsteal)" ]
	[ "$(number rmap reclaimed pgscan)" -gt $((2 * $(number rmap reclaimed pgsteal))) ]
	[ "$(number fast-only after refaults)" -eq 0 ]
	[ "$(number rmap after refaults)" -le 64 ]
}

@test "proactive: asking at eviction scans the hot pages again and again" {
	play proactive none rmap fast-only
	[ "$(number rmap after pgscan)" -gt $((2 * $(number fast-only after pgscan))) ]
	[ "$(number none round.3 refaults)" -gt "$(number fast-only round.3 refaults)" ]
}

@test "hot-fits, hot-thrashes: knowing ages helps only where the hot set fits" {
	play hot-fits none fast-only
	[ "$(number none end refaults)" -gt $((3 * $(number fast-only end refaults) / 2)) ]
	play hot-thrashes none fast-only
	[ "$(number none end refaults)" -gt $((4 * $(number fast-only end refaults) / 5)) ]
	[ "$(number none end refaults)" -lt $((6 * $(number fast-only end refaults) / 5)) ]
	[ "$(number none end kvm_age_hva)" -eq 0 ]
	[ "$(number fast-only end kvm_age_hva)" -gt 0 ]
}

@test "strided: looking around a victim finds next to nothing" {
	play strided batched
	[ "$(number batched reclaimed lookaround_ptes)" -gt 0 ]
	[ "$(number batched aged tables_skipped)" -eq 0 ] # all were forced
	[ "$((6 * $(number batched after lookaround_young)))" -lt \
		"$(number batched after lookaround_ptes)" ]
}

@test "refault-storm: what was taken comes back" {
	play refault-storm rmap
	[ "$(number rmap taken.1 pgsteal)" -ge 12000 ]
	[ "$(number rmap taken.1 refaults)" -eq 0 ]
	[ "$(number rmap back.1 refaults)" -gt 6000 ]
	[ "$(number rmap back.2 refaults)" -gt $((2 * $(number rmap back.1 refaults))) ]
}

@test "thp: asking is cheap and tells little" {
	play thp linux-6.12
	[ "$(number linux-6.12 aged kvm_age_hva)" -eq $((3 * 64)) ] # passes, huge pages
	[ "$(number linux-6.12 aged guest_faults)" -eq 64 ]
	[ "$(number linux-6.12 reclaimed pgscan)" -gt $((10 * $(number linux-6.12 reclaimed pgsteal))) ]
}

@test "a scenario without a trace line is told so" {
	echo populate >x.scn
	run --separate-stderr "$scenarios/make_trace" x.scn t.kgt
	[ "$status" -eq 3 ]
	[[ $stderr == *"x.scn does not say '# trace:"* ]]
}
