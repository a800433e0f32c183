# shellcheck shell=bash
# run --scenario: kage live for one scenario after the other in one boot.  Their traces
# and options go along; the results come out and say what machine they are from.

# play_usage: refuse what cannot be played
play_usage()
{
	local file
	[ ${#script[@]} -eq 0 ] || die $lab_usage "--scenario or -- SCRIPT, not both"
	[ ${#traces[@]} -eq 0 ] || [ ${#traces[@]} -eq ${#scenarios[@]} ] ||
		die $lab_usage "${#traces[@]} --trace for ${#scenarios[@]} --scenario: one for each," \
			"or none, then each scenario's comment '# trace:' makes it"
	for file in "${scenarios[@]}" "${traces[@]}"; do
		[ -f "$file" ] || die $lab_usage "no file $file"
	done
	[ "${output%.json}" = "$output" ] || [ ${#scenarios[@]} -eq 1 ] ||
		die $lab_usage "${#scenarios[@]} scenarios need -o FOLDER, not $output"
	[ "${kage:-none}" != none ] || die $lab_usage "--scenario needs a kage: build it, or give --kage FILE"
	need jq
}

# play_results: the names of the results: NAME.json of NAME.scn; NAME.2.json when there
# is one of that name
play_results()
{
	local file name n
	declare -A seen
	for file in "${scenarios[@]}"; do
		name=$(basename "$file" .scn)
		n=$((${seen[$name]:-0} + 1))
		seen[$name]=$n
		[ $n -eq 1 ] || name=$name.$n
		results+=("$name.json")
	done
}

# play_output: an OUT.json has its machine's files beside it while it runs, and
# afterwards when it failed; a folder has them inside
play_output()
{
	play_results
	if [ "${output%.json}" != "$output" ]; then
		result=$output
		output=${output%.json}.lab
		rm -f "$result"
	fi
	(cd "$output" 2>/dev/null && rm -f "${results[@]}")
}

# play_traces: where none was given, the one that the scenario names
play_traces()
{
	local file
	[ ${#traces[@]} -eq 0 ] || return 0
	mkdir "$work/traces"
	for file in "${results[@]}"; do
		traces+=("$work/traces/${file%.json}.kgt")
		KAGE=$kage "$lab/scenarios/make_trace" "${scenarios[${#traces[@]} - 1]}" "${traces[-1]}" ||
			die $lab_usage "no trace for $file"
	done
}

# play_sizes: memory and swap for the largest guest, where they were not given
play_sizes()
{
	local trace pages most=0
	for trace in "${traces[@]}"; do
		pages=$("$kage" trace info --json "$trace" | jq -e .pages.footprint) ||
			die $lab_usage "cannot read $trace"
		[ "$pages" -le $most ] || most=$pages
	done
	most=$((most / 256)) # MiB
	: "${memory:=$((most > 341 ? 1024 + 3 * most : 2048))M}"
	: "${swap:=$((most > 256 ? 2 * most : 512))M}"
}

# play_options <scenario>...: of kage live, from the comments "# live:"
play_options()
{
	sed -n 's/^# live: //p' "$@" | tr '\n' ' '
}

# play_kernel_line: kernel memory is charged to nobody, so that a limit counts the guest's
# pages alone; what the user says of cgroup.memory stands
play_kernel_line()
{
	[[ " $append" == *" cgroup.memory="* ]] || append="cgroup.memory=nokmem${append:+ $append}"
}

# play_prepare: what is played, in what machine, for how long
play_prepare()
{
	play_traces
	play_sizes
	play_kernel_line
	: "${mmu:=tdp}" "${timeout:=$((240 + 60 * ${#scenarios[@]}))}"
	script=("$lab/play")
}

# put_plays <root>: into /lab/play, and what is to be done with it
put_plays()
{
	local i folder options
	for i in "${!scenarios[@]}"; do
		folder=/lab/play/$i
		mkdir -p "$1$folder"
		cp "${traces[i]}" "${scenarios[i]}" "$1$folder/" || return 1
		options=$(play_options "${scenarios[i]}")
		printf 'play %q %q %q %s %s\n' "${results[i]}" "$folder/$(basename "${traces[i]}")" \
			"$folder/$(basename "${scenarios[i]}")" "$options" "$live" >>"$1/lab/plays"
	done
}

# play_collect: each result says what machine it is from
play_collect()
{
	local name
	for name in "${results[@]}"; do
		[ -f "$output/$name" ] || continue
		jq -c --slurpfile lab "$output/lab.json" '.details.lab = ($lab[0] | del(.seconds))' \
			"$output/$name" >"$work/result" && mv "$work/result" "$output/$name" || return 1
	done
	[ -n "$result" ] && [ "$code" -eq 0 ] || return 0
	mv "$output/$name" "$result" && rm -f "$output"/lab.* && rmdir "$output" 2>/dev/null
	[ -f "$result" ]
}
