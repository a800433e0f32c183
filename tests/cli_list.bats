# kage list from the outside: what can be named, and every parameter's facts.
bats_require_minimum_version 1.5.0

@test "list names policies, bounds, releases, drivers, mmus, kernels and costs" {
	run --separate-stderr "$KAGE" list
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	for heading in policies bounds "released kernels" drivers "secondary MMUs" kernels costs; do
		[ "$(grep -c "^$heading " <<<"$output")" -eq 1 ]
	done
}

@test "list of some names only these" {
	run --separate-stderr "$KAGE" list drivers
	[ "$status" -eq 0 ]
	[[ $output == drivers* ]]
	[[ $output != *policies* ]]
	run --separate-stderr "$KAGE" list drivers nosuch
	[ "$status" -eq 2 ]
	[ -z "$output" ]
	[[ $stderr == "kage: list: no 'nosuch'; known: policies bounds releases drivers mmus memory numa kernels costs" ]]
}

# facts <fact>: how many parameters state it
facts()
{
	grep -c "^      $1 *[^ ]" <<<"$output"
}

@test "verbose lists tell unit, default, range and source of every parameter" {
	run --separate-stderr "$KAGE" list -v policies drivers memory
	[ "$status" -eq 0 ]
	parameters=$(grep -c '^    [a-z]' <<<"$output")
	[ "$parameters" -ge 8 ]
	[ "$(facts unit)" -eq "$parameters" ]
	[ "$(facts default)" -eq "$parameters" ]
	[ "$(facts range)" -eq "$parameters" ]
	[ "$(facts source)" -eq "$parameters" ]
	[ "$(grep -c '^      source   -$' <<<"$output")" -eq 0 ]
	grep -q '^      range    write, read, none$' <<<"$output"
	grep -q '^      range    1 to 512$' <<<"$output"
}

@test "verbose costs have a value or are missing, with unit, source and way" {
	run --separate-stderr "$KAGE" list -v costs
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	rows=$(grep -c '^    [a-z]' <<<"$output")
	[ "$rows" -ge 200 ]
	for fact in of unit source how; do
		[ "$(facts $fact)" -eq "$rows" ]
	done
	[ "$(grep -cE '^    [a-z_]+ +(missing|[0-9.]+ ns, (measured|derived|assumed)(, [0-9.]+ to [0-9.]+ ns)?)$' <<<"$output")" -eq "$rows" ]
	grep -q '^    zap  *missing$' <<<"$output"
}

@test "costs are a line each if asked for, and profiles only in the list of all" {
	run --separate-stderr "$KAGE" list costs
	[ "$status" -eq 0 ]
	[ "$(grep -cE '^    [a-z_]+ +(missing|[0-9.]+ ns, )' <<<"$output")" -eq "$(grep -c '^    ' <<<"$output")" ]
	[ "$(grep -c '^    lock_handover ' <<<"$output")" -eq "$(grep -c '^  [a-z]' <<<"$output")" ]
	run --separate-stderr "$KAGE" list
	[[ $output == *"  x86-shadow  "* ]]
	[[ $output != *lock_handover* ]]
}

# own <line>...: a profile with these rows
own()
{
	printf 'kage-costs\t1\nprofile\tmine\nhost\tmy laptop\n' >"$BATS_TEST_TMPDIR/mine.costs"
	printf 'name\tvalue\tlow\thigh\tunit\tkind\tsource\thow\n' >>"$BATS_TEST_TMPDIR/mine.costs"
	printf '%b\n' "$@" >>"$BATS_TEST_TMPDIR/mine.costs"
	run --separate-stderr "$KAGE" list -v --costs "$BATS_TEST_TMPDIR/mine.costs"
}

@test "a profile of one's own is listed, or refused with its line" {
	own 'zap\t1.5\t1\t2\tus\tmeasured\tme\tby hand'
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "${lines[0]}" = "  mine             my laptop" ]
	[[ ${lines[1]} == *"zap"*"1500 ns, measured, 1000 to 2000 ns" ]]
	own 'zap\t-1\t-\t-\tns\tmeasured\tme\tby hand'
	[ "$status" -eq 3 ]
	[ -z "$output" ]
	[[ $stderr == "kage: "*"/mine.costs:5: '-1': a cost is not negative" ]]
	own 'zap\t1\t-\t-\tns\tmeasured\tme\th' 'zap\t2\t-\t-\tns\tmeasured\tme\th'
	[ "$status" -eq 3 ]
	[[ $stderr == *"/mine.costs:6: cost 'zap' is in line 5 already" ]]
	own 'zip\t1\t-\t-\tns\tmeasured\tme\th'
	[ "$status" -eq 3 ]
	[[ $stderr == *"/mine.costs:5: no cost 'zip' (kage list costs)" ]]
	run -3 --separate-stderr "$KAGE" list --costs "$BATS_TEST_TMPDIR/absent.costs"
}
