# kage list from the outside: what can be named, and every parameter's facts.
bats_require_minimum_version 1.5.0

@test "list names policies, bounds, releases, drivers, mmus and kernels" {
	run --separate-stderr "$KAGE" list
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	for heading in policies bounds "released kernels" drivers "secondary MMUs" kernels; do
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
	[[ $stderr == "kage: list: no 'nosuch'; known: policies bounds releases drivers mmus numa kernels" ]]
}

# facts <fact>: how many parameters state it
facts()
{
	grep -c "^      $1 *[^ ]" <<<"$output"
}

@test "verbose lists tell unit, default, range and source of every parameter" {
	run --separate-stderr "$KAGE" list -v policies drivers
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
