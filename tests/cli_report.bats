#!/usr/bin/env bats
# kage report from the outside: stdout, stderr and exit code.
bats_require_minimum_version 1.5.0

setup()
{
	command -v sqlite3 >/dev/null || skip "sqlite3 is not installed (apt-get install sqlite3)"
	cd "$BATS_TEST_TMPDIR" || return 1
	schema=$BATS_TEST_DIRNAME/../replay/schema.sql
	cat "$schema" "$BATS_TEST_DIRNAME/fixtures/results.sql" | sqlite3 r.db
}

report()
{
	run --separate-stderr "$KAGE" report "$@"
}

need_gnuplot()
{
	command -v gnuplot >/dev/null || skip "gnuplot is not installed (apt-get install gnuplot-nox)"
}

# lacks <grep arguments>: no line of the output matches (a bare ! does not fail a test)
lacks()
{
	if LC_ALL=C grep "$@" <<<"$output"; then
		return 1
	fi
}

fits_mail()
{
	lacks '[^ -~]'
	lacks -E '^.{76}'
	lacks ' $'
}

# fails <code> <text>: nothing on stdout, <text> in the one line on stderr
fails()
{
	[ "$status" -eq "$1" ]
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "kage: "*"$2"* ]]
}

@test "the default is a table per trace and limit" {
	report r.db
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$(grep -c '^trace: ' <<<"$output")" -eq 2 ]
	[ "$(grep -c '^limit: ' <<<"$output")" -eq 6 ]
	[[ $output == *"[c] profile 'published' has no price for: flushes"* ]]
	[[ $output == *"wrong: needed again within 1 s"* ]]
}

@test "work without a price is named for each run" {
	sqlite3 r.db "INSERT INTO cost VALUES ('mine', 'calls_aging', 1.0, NULL, NULL, 'assumed', 'me', 'test'), ('mine', 'sptes', 1.0, NULL, NULL, 'assumed', 'me', 'test');
		UPDATE run SET cost_profile = 'mine'"
	report --changelog --trace redis-ycsb-a r.db
	fits_mail
	output=$(sed 's/^  //' <<<"$output" | tr '\n' ' ')
	[[ $output == *"'mine' has no price for: calls_victim, flushes, lock_write_young; the sum leaves them out, so prices with different footnotes do not compare"* ]]
	[[ $output == *"'mine' has no price for: flushes; the sum"* ]]
	[[ $output =~ opt\[[a-z]\]\ +[0-9,]+\ +[0-9,]+\ +-\ +-\ +-\  ]]
	report --trace redis-ycsb-a r.db
	[[ $output == *"has no price for: refaults"* ]]
	sqlite3 r.db "UPDATE run SET cost_profile = 'p' || run_id"
	report r.db # more profiles than a table has footnotes
	[ "$status" -eq 0 ]
	[[ $output == *"] work has no price in part"* ]]
	sqlite3 r.db "UPDATE run SET cost_profile = 'published'; UPDATE total SET value = 0 WHERE name = 'refaults'"
	report --format json r.db
	[ "$(grep -c '"swap_in_ms": 0.0' <<<"$output")" -eq 36 ]
}

@test "a trace says how far it was folded, a driver its period in seconds" {
	sqlite3 r.db "UPDATE trace SET details = '{\"fold_ticks\": 12000000}';
		UPDATE run SET driver = 'proactive', driver_params = 'period=1000000000,pages=0,force=1'"
	report --changelog r.db
	fits_mail
	[[ $output == *"tcg (exact, folded to 6 ms)"* ]]
	[[ $output == *"(accessed-bit, epochs of 500"* ]]
	output=$(tr -d '\n' <<<"$output")
	[[ $output == *"proactive(period=1s,pages=0,force=1)"* ]]
	sqlite3 r.db "UPDATE trace SET details = 'no json'"
	report r.db
	[ "$status" -eq 0 ]
	[[ $output == *"trace: redis-ycsb-a 8f3ac01b22de, tcg (exact)"* ]]
}

@test "policies that this MMU keeps alike are named" {
	report r.db
	lacks 'decide alike'
	sqlite3 r.db "UPDATE total SET value = 5000 WHERE name IN ('refaults', 'evictions', 'scanned') AND run_id LIKE '%-fast-only-50';
		UPDATE total SET value = 5000 WHERE name IN ('refaults', 'evictions', 'scanned') AND run_id LIKE '%-batched-50'"
	report r.db
	[ "$(grep -c 'batched and fast-only decide alike here: this MMU always answers' <<<"$output")" -eq 1 ]
	sqlite3 r.db "UPDATE run SET mmu = 'shadow'"
	report r.db
	lacks 'decide alike'
}

@test "bounds come last and are marked" {
	report r.db
	[ "$(grep -A1 '^lru\[e\]' <<<"$output" | grep -c '^opt\[e\]')" -eq 6 ]
	[[ $output == *"[e] bound: "* ]]
}

@test "--trace selects one, and names all when it is unknown" {
	report --trace redis-ycsb-a r.db
	[ "$status" -eq 0 ]
	[ "$(grep -c '^trace: ' <<<"$output")" -eq 1 ]
	report --trace nosuch r.db
	fails 2 "known: kernel-build redis-ycsb-a"
}

@test "a changelog is ASCII of at most 75 columns without tabs" {
	sqlite3 r.db "UPDATE run SET policy_params = 'batch=64,lock=write,window=64,order=random' WHERE policy = 'rmap';
		UPDATE trace SET name = 'näme with a	tab and a name that is too long for a line, by far' WHERE epochs > 0"
	report --changelog r.db
	[ "$status" -eq 0 ]
	fits_mail
	[ "$(grep -c 'n=1 capture: figures of one run, no verdict on the policies' <<<"$output")" -eq 2 ]
	[[ "$(tr -s ' \n' ' ' <<<"$output")" == *"1 insn = 0.5 ns"* ]]
}

@test "a limit whose columns are wider than a mail continues below" {
	sqlite3 r.db "UPDATE total SET value = value * 10000000; UPDATE epoch_fit SET coarse_refaults = coarse_refaults * 10000000"
	report --changelog r.db
	[ "$status" -eq 0 ]
	fits_mail
	[ "$(grep -c -- '- 50% ([0-9.]* MiB) -' <<<"$output")" -eq 4 ]
	[ "$(grep -c '^batched\[a\] ' <<<"$output")" -ge 9 ]
}

@test "any table fits a mail in that format" {
	report --format changelog r.db
	[ "$status" -eq 0 ]
	fits_mail
	[ "$(grep -c '^limit: ' <<<"$output")" -eq 6 ]
}

@test "setups are told apart in tables and file names" {
	need_gnuplot
	sqlite3 r.db "UPDATE run SET pace_ns = 0 WHERE policy = 'rmap'"
	report --changelog --plot out --trace redis-ycsb-a r.db
	[ "$status" -eq 0 ]
	[ "$(grep -c '^Method: ' <<<"$output")" -eq 2 ]
	[ -s out/redis-ycsb-a.limits.png ]
	[ -s out/redis-ycsb-a+2.limits.png ]
}

@test "footnotes name what is unjudged, a lower bound, a frozen guest" {
	sqlite3 r.db "UPDATE run SET pace_ns = 0, lower_bound = 1"
	report --changelog r.db
	[[ $output == *"frozen guest"* ]]
	[[ $output == *"] unjudged: "* ]]
	[[ $output == *"] lower_bound: "* ]]
}

@test "what epochs hide is shown, and only where there are epochs" {
	for format in text changelog markdown rst; do
		report --changelog --format "$format" --trace kernel-build r.db
		[ "$status" -eq 0 ]
		[[ $output == *"change: refaults more or less"* ]]
		[ "$(grep -cE ' \\?~ \(epoch\): no verdict' <<<"$output")" -eq 1 ]
		[[ $output == *" epochs are longer than 1/25 of the aging period: do not compare"* ]]
		report --format "$format" --trace redis-ycsb-a r.db
		lacks -E '[0-9] ?\\?~|\(epoch\)|epoch change|1/25'
		report --changelog --format "$format" --trace redis-ycsb-a r.db
		lacks -E '[0-9] ?\\?~|\(epoch\)|epoch change|1/25'
	done
}

@test "policies that epochs do not tell apart are marked with the best" {
	report --changelog --trace kernel-build r.db
	[ "$(grep -c '^batched.*[0-9]~\[' <<<"$output")" -eq 3 ]
	[ "$(grep -c '^fast-only.*[0-9]~\[' <<<"$output")" -eq 3 ]
	[ "$(grep -c '[0-9]~\[' <<<"$output")" -eq 6 ]
	fits_mail
	report --format csv r.db
	[ "$(grep -c ',1.$' <<<"$output")" -eq 6 ]
	[ "$(grep -c '^[^,]*,kernel-build,.*,0.$' <<<"$output")" -eq 6 ]
	[ "$(grep -c '^[^,]*,redis-ycsb-a,.*,.$' <<<"$output")" -eq 18 ]
	for format in csv json; do
		report --format "$format" --trace kernel-build r.db
		[[ $output == *epoch_change*is_epoch_tie* ]]
		report --format "$format" --trace redis-ycsb-a r.db
		lacks -E "epoch_(change|tie)|epochs|same_epoch|coarse"
	done
}

@test "missing is never zero" {
	sqlite3 r.db "DELETE FROM total; DELETE FROM cost; DELETE FROM series; DELETE FROM accuracy; DELETE FROM misplacement; DELETE FROM working_set"
	for format in text changelog markdown rst; do
		report --format "$format" --changelog r.db
		[ "$status" -eq 0 ]
		[[ $output == *"not known or not applicable"* ]]
		lacks -E '(^| )0(\.0+)?( |$)'
	done
	report --format json r.db
	[ "$(grep -c '"refaults": null' <<<"$output")" -eq 36 ]
	report --format csv r.db
	[ "$(grep -cE '[^,],{17}.?$' <<<"$output")" -eq 36 ]
}

@test "json is one valid document" {
	report --format json r.db
	echo "$output" >r.json
	[ "$(sqlite3 :memory: "SELECT json_array_length(readfile('r.json'), '\$.tables[0].rows')")" -eq 36 ]
}

@test "csv quotes what needs it" {
	sqlite3 r.db "UPDATE trace SET name = 'a \"b\", c'"
	report --format csv r.db
	[ "$(grep -c '"a ""b"", c"' <<<"$output")" -eq 36 ]
}

@test "an unknown format names the known ones" {
	report --format xml r.db
	fails 2 "one of: text changelog csv json markdown rst"
}

@test "no database, a wrong version and damage are bad input" {
	report nosuch.db
	fails 3 "nosuch.db: "
	sqlite3 other.db "CREATE TABLE t (x)"
	report other.db
	fails 3 "results schema 0, this kage reads 4"
	sqlite3 later.db "PRAGMA user_version = 99"
	report later.db
	fails 3 "results schema 99, this kage reads 4"
	echo "this is no database, whatever its name may say" >text.db
	report text.db
	fails 3 "not a database"
	sqlite3 r.db "DROP VIEW run_price; DROP TABLE total"
	report r.db
	fails 3 "no such table"
	report
	fails 2 "needs one results database"
}

@test "a database without runs says so" {
	sqlite3 empty.db <"$schema"
	report empty.db
	fails 3 "holds no runs"
}

@test "accuracy is a table of figures and one of misplaced pages, in every format" {
	report --accuracy r.db
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[[ $output == *"called young by an aging pass:"* ]]
	[[ $output == *"Where pages were"* ]]
	[[ $output =~ "belongs to" ]]
	report --accuracy --format json r.db
	echo "$output" >a.json
	json() { sqlite3 :memory: "SELECT json_extract(readfile('a.json'), '\$.tables[$1')"; }
	[ "$(json '0].units.distance_s')" = "mean s" ]
	row=$(json '0].rows[1]')
	[[ $row == *'"policy":"rmap"'* || $row == *'"label":"rmap"'* ]]
	# 12,000 called young, 11,700 of them rightly; 1,820 missed; and so on
	[ "$(json '0].rows[1].young_precision')" = "$(sqlite3 :memory: "SELECT 1200000.0 / 12300")" ]
	[ "$(json '0].rows[1].young_recall')" = "$(sqlite3 :memory: "SELECT 1200000.0 / 13820")" ]
	[ "$(json '0].rows[1].old_precision')" = "$(sqlite3 :memory: "SELECT 250000.0 / 4320")" ]
	[ "$(json '0].rows[1].old_recall')" = "$(sqlite3 :memory: "SELECT 250000.0 / 2800")" ]
	[ "$(json '0].rows[1].set_error_16')" = 10.0 ]
	[ "$(json '0].rows[1].misplaced_percent')" = "$(sqlite3 :memory: "SELECT 1200000.0 / 48000")" ]
	[ "$(json '0].rows[1].wrong_120s_percent')" = "" ]
	[ "$(json '1].rows[0].in_0')" = 75.0 ]
	refaults=$(json '0].rows[1].refaults')
	opt=$(json '0].rows[5].refaults')
	[ "$(json '0].rows[1].regret')" -eq $((refaults - opt)) ]
	[ "$(json '0].rows[5].regret')" -eq 0 ]
	for format in csv markdown rst changelog; do
		report --accuracy --format $format r.db
		[ "$status" -eq 0 ]
	done
	sqlite3 r.db "DELETE FROM accuracy; DELETE FROM misplacement; DELETE FROM working_set; DELETE FROM run WHERE policy = 'opt'"
	report --accuracy r.db
	[ "$status" -eq 0 ]
	[[ $output == *"ages were not judged: kage replay --accuracy does"* ]]
	[[ $output != *"precision"* ]]
	[[ $output != *"more than opt"* ]]
	[[ $output == *"of scanned"* ]]
}

@test "--plot writes every figure of every trace, under final names only" {
	need_gnuplot
	report --plot out r.db
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	for trace in redis-ycsb-a kernel-build; do
		for figure in limits time work idle accuracy stall; do
			for kind in gp dat svg png; do
				[ -s "out/$trace.$figure.$kind" ]
			done
		done
	done
	[ "$(ls out | wc -l)" -eq 48 ]
	[ "$(sort <<<"$output")" = "$(printf '%s\n' out/* | sort)" ]
	grep -q "8f3ac01b22de: refaults by memory limit" out/redis-ycsb-a.limits.gp
	for figure in limits time work idle accuracy stall; do
		[ "$(grep -c 'driver' "out/redis-ycsb-a.$figure.gp")" -eq 0 ]
	done
	sqlite3 r.db "UPDATE run SET driver = 'proactive', driver_params = 'period=2000000,pages=0'"
	report --plot out --format json r.db
	[[ $output == '{'* ]]
	for figure in limits time work idle accuracy stall; do
		grep -q 'tdp, driver proactive(period=2ms,pages=0)' "out/redis-ycsb-a.$figure.gp"
	done
}

@test "a .gp file can be run again, elsewhere" {
	need_gnuplot
	report --plot out r.db
	mkdir moved
	cp out/redis-ycsb-a.time.gp out/redis-ycsb-a.time.dat moved
	cd moved
	run gnuplot redis-ycsb-a.time.gp
	[ "$status" -eq 0 ]
	cmp redis-ycsb-a.time.svg ../out/redis-ycsb-a.time.svg
}

@test "a figure without its rows is skipped with a message" {
	need_gnuplot
	sqlite3 r.db "DELETE FROM idle_age"
	report --plot out --trace redis-ycsb-a r.db
	[ "$status" -eq 0 ]
	[ "$stderr" = "kage: redis-ycsb-a: no figure 'idle': replay with --idle-age" ]
	sqlite3 r.db "DELETE FROM accuracy_pass"
	report --plot out --trace redis-ycsb-a r.db
	[[ $stderr == *"no figure 'accuracy': replay with --accuracy" ]]
	[ ! -e out/redis-ycsb-a.idle.gp ]
	[ -s out/redis-ycsb-a.work.png ]
}

@test "without gnuplot the scripts and data are written all the same" {
	run --separate-stderr env PATH=/nonexistent "$KAGE" report --plot out r.db
	[ "$status" -eq 4 ]
	[[ $stderr == *"gnuplot is not installed"* ]]
	[ "$(ls out | wc -l)" -eq 24 ]
	[ -s out/kernel-build.idle.gp ]
	[[ $stderr == *"out has only .gp and .dat" ]]
}

@test "names from a database do not leave the folder nor reach a shell" {
	need_gnuplot
	sqlite3 r.db "UPDATE trace SET name = '../x\`touch pwned\`''; system ''touch pwned' WHERE epochs = 0"
	report --plot out r.db
	[ "$status" -eq 0 ]
	[ ! -e out/pwned ]
	[ -z "$(find . -maxdepth 1 -name '*pwned*')" ]
	[ "$(ls out | wc -l)" -eq 48 ]
}

@test "--plot-ascii fits a mail" {
	need_gnuplot
	report --changelog --plot-ascii r.db
	[ "$status" -eq 0 ]
	[[ $output == *"memory limit (MiB)"* ]]
	fits_mail
}

# two_policies: batched pays 10 calls, each under the lock, fast-only 640 without
two_policies()
{
	sqlite3 r.db "DELETE FROM run WHERE trace_id NOT IN (SELECT trace_id FROM trace WHERE name = 'redis-ycsb-a')
			OR limit_text <> '50%' OR policy NOT IN ('batched', 'fast-only', 'opt');
		UPDATE total SET value = 0 WHERE name <> 'refaults';
		UPDATE total SET value = 100 WHERE name = 'refaults';
		UPDATE total SET value = 10 WHERE name IN ('calls_aging', 'lock_write_young') AND run_id LIKE '%-batched-%';
		UPDATE total SET value = 640 WHERE name = 'calls_aging' AND run_id LIKE '%-fast-only-%';
		UPDATE total SET value = 7 WHERE name = 'flushes' AND run_id LIKE '%-batched-%';"
}

# field <cost> <column>: of the csv table of costs
field()
{
	python3 -c 'import csv, sys
rows = list(csv.reader(sys.stdin))
head = next(i for i, r in enumerate(rows) if r and r[0].startswith("cost"))
at = next(i for i, n in enumerate(rows[head]) if n.split(" [")[0] == sys.argv[2])
print(next(r[at] for r in rows[head:] if r and r[0] == sys.argv[1]))' "$@" <<<"$output"
}

@test "--sensitivity computes break-even points and says what has to be known" {
	two_policies
	report --sensitivity --format csv r.db
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	# 10 * 410 + 10 x = 640 * 410
	[ "$(field lock_write_young holds_to_ns)" = 25830 ]
	[ "$(field lock_write_young best_to_ns)" = 25830 ]
	[ "$(field lock_write_young half)" = same ]
	[ "$(field lock_write_young twice)" = same ]
	[ "$(field lock_write_young new_best)" = "more: fast-only" ]
	[ -z "$(field lock_write_young interval)" ]
	# 10 x + 1200 = 640 x
	[[ $(field calls_aging holds_from_ns) == 1.9047619* ]]
	[ "$(field calls_aging holds_to_ns)" = inf ]
	[ "$(field refaults changes)" = nothing ]
	# only batched flushes: 5300 + 7 x = 262400
	[ "$(field flushes kind)" = missing ]
	[ -z "$(field flushes value_ns)" ]
	[ -z "$(field flushes half)" ]
	[[ $(field flushes holds_to_ns) == 36728.57* ]]
	report --sensitivity r.db
	[[ $output == *"batched 0.6053 < fast-only 0.8624 ms"* ]]
	[[ $output =~ 50%.*yes\ +none\ +flushes\ +neither ]]
	sqlite3 r.db "UPDATE total SET value = 7 WHERE name = 'flushes'"
	report --sensitivity r.db
	[[ $output =~ 50%.*yes\ +none\ +none\ +ranking ]]
}

@test "--sensitivity names the cost that turns the ranking" {
	two_policies
	sqlite3 r.db "UPDATE cost SET value_ns = 20000 WHERE name = 'lock_write_young'"
	report --sensitivity --format csv r.db
	[ "$(field lock_write_young half)" = same ]
	[ "$(field lock_write_young twice)" = other ]
	[ "$(field calls_aging half)" = other ]
	sqlite3 r.db "UPDATE cost SET low_ns = 19000, high_ns = 30000 WHERE name = 'lock_write_young'"
	report --sensitivity --format csv r.db
	[ "$(field lock_write_young interval)" = other ]
	sqlite3 r.db "UPDATE cost SET high_ns = 21000 WHERE name = 'lock_write_young'"
	report --sensitivity --format csv r.db
	[ "$(field lock_write_young interval)" = same ]
	report --sensitivity r.db
	[[ $output =~ 50%.*no\ +calls_aging,\ lock_write_young\ +flushes ]]
}

@test "--sensitivity is one document in each format, and a report of its own" {
	report --sensitivity --format json r.db
	[ "$status" -eq 0 ]
	python3 -c 'import json, sys; d = json.load(sys.stdin); assert len(d["tables"]) == 2 and len(d["tables"][0]["rows"]) == 6' <<<"$output"
	for format in text csv markdown rst changelog; do
		report --sensitivity --format $format r.db
		[ "$status" -eq 0 ]
		[ -z "$stderr" ]
		[ -n "$output" ]
	done
	report --sensitivity --changelog r.db
	fails 2 "a report of its own"
	sqlite3 r.db "UPDATE run SET is_bound = 1"
	report --sensitivity r.db
	[ "$status" -eq 0 ]
	[[ $output == *"no two policies to rank"* ]]
}

@test "a profile that is not for citing is called so wherever it prices" {
	sqlite3 r.db "UPDATE cost SET kind = 'not-for-citing' WHERE name = 'sptes'"
	report --changelog r.db
	[ "$status" -eq 0 ]
	[[ $(tr -s ' \n' ' ' <<<"$output") == *"costs published (not for citing)"* ]]
	report --format csv r.db
	[[ $output == *"published (not for citing)"* ]]
}
