# The experiments of doc/experiments: what belongs to each, and the costs they share.
bats_require_minimum_version 1.5.0

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
	command -v sqlite3 >/dev/null || skip "sqlite3 is not installed (apt-get install sqlite3)"
	root=$(dirname "$BATS_TEST_DIRNAME")
	folder=$root/doc/experiments
}

@test "an experiment has a question, a script and an answer" {
	n=0
	for run in "$folder"/*/run; do
		experiment=$(dirname "$run")
		[ -x "$run" ]
		for part in "**Asked**" "**Varied:**" "**Again:**" "**Answer.**" \
			"**What would change it:**"; do
			grep -qF "$part" "$experiment/README.md"
		done
		grep -qF "($(basename "$experiment")/README.md)" "$folder/README.md"
		for figure in $(grep -o '[A-Za-z0-9_-]*\.svg' "$run" | sort -u); do
			grep -qF "$figure" "$experiment/README.md"
		done
		n=$((n + 1))
	done
	[ "$n" -eq "$(find "$folder" -mindepth 2 -name README.md | grep -vc /costs/)" ]
	run "$root/scripts/experiments" -o out F16 nosuch
	[ "$status" -eq 2 ]
	[[ $output == *"no 'nosuch'"* ]]
	[ ! -e out ]
}

@test "a quick experiment runs through and leaves table, database and figure" {
	command -v gnuplot >/dev/null || skip "gnuplot is not installed (apt-get install gnuplot-nox)"
	run "$root/scripts/experiments" -o out F7
	[ "$status" -eq 0 ]
	[[ $output == *"F7: "*" s, "*"out/F7/table.txt" ]]
	grep -q '^tdp  *all  *1  *100.0  *1.000  *2.000  *99.4  *173.4  *74.0 *$' out/F7/table.txt
	grep -q '</svg>' out/F7/calls.svg
	[ "$(sqlite3 out/F7/results.db "SELECT count(*) FROM timing WHERE lacking = ''")" -eq 40 ]
}

@test "shared costs lack nothing, and say the range of what is assumed" {
	for file in "$folder"/costs/*.costs; do
		run --separate-stderr "$KAGE" list costs --costs "$file"
		[ "$status" -eq 0 ]
		! grep -q $'\tmissing\t' "$file"
		! awk -F '\t' '$6 == "assumed" && $2 > 0 && $3 == "-"' "$file" | grep .
		"$KAGE" trace synth hotcold --pages 600 -n 20000 -o t.kgt >/dev/null
		"$KAGE" replay t.kgt -p rmap,batched -l 50% --time --costs "$file" -o r.db >/dev/null
		run --separate-stderr "$KAGE" report --time r.db
		[ "$status" -eq 0 ]
		[[ $output != *"no cost for"* && $output != *"no price for"* ]]
		rm r.db
	done
}

@test "a shared profile with another cost is a profile of its own" {
	source "$folder/lib.sh"
	[ "$(profile tdp mine sptes=1.5)" = mine.costs ]
	grep -q $'^profile\tmine$' mine.costs
	grep -q $'^sptes\t1.5\t-\t-\tns\tassumed\t' mine.costs
	[ "$(diff mine.costs "$folder/costs/tdp.costs" | grep -c '^<')" -eq 2 ]
	"$KAGE" list costs --costs mine.costs | grep -q '^    sptes  *1.5 ns'
	[ "$(cost tdp sptes low)" = 1 ]
	[ "$(cost tdp calls_aging high)" = "$(cost tdp calls_aging value)" ]
	run profile tdp other nosuch=1
	[ "$status" -ne 0 ]
}
