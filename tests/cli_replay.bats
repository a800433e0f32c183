# kage replay from the outside: stdout, stderr and exit code are checked apart, and
# what is in the database afterwards.  KAGE is the program under test.
bats_require_minimum_version 1.5.0

setup()
{
	command -v sqlite3 >/dev/null || skip "sqlite3 is not installed (apt-get install sqlite3)"
	cd "$BATS_TEST_TMPDIR" || return 1
	"$KAGE" trace synth hotcold --pages 600 -n 20000 -o t.kgt >/dev/null
	"$KAGE" trace synth hotcold --pages 600 -n 20000 --epoch 100us -o e.kgt >/dev/null
}

# replay <option>...: with two lanes unless options say otherwise
replay()
{
	run --separate-stderr "$KAGE" replay -p none,batched -l 50% "$@"
}

# stores <n> <skipped> <database>: what the last replay said it did
stores()
{
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$output" = "$1 runs stored, $2 were there already: $3" ]
}

# fails <code> <text>: nothing on stdout, <text> in the one line on stderr
fails()
{
	[ "$status" -eq "$1" ]
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "kage: "*"$2"* ]]
}

# count <table> <database>
count()
{
	sqlite3 "$2" "SELECT count(*) FROM $1"
}

# dump <database>: all rows but those that say how they were made
dump()
{
	sqlite3 "$1" .dump | grep -v '^INSERT INTO provenance' | LC_ALL=C sort
}

is_whole()
{
	[ "$(sqlite3 "$1" 'PRAGMA integrity_check')" = ok ]
	[ -z "$(sqlite3 "$1" 'PRAGMA foreign_key_check')" ]
}

@test "every policy at every limit on every trace is a run" {
	"$KAGE" trace synth zipf --pages 300 -n 5000 -o z.kgt >/dev/null
	run --separate-stderr "$KAGE" replay -p none,rmap,lru,opt -l 25%,1M t.kgt z.kgt -o r.db
	stores 16 0 r.db
	[ "$(count run r.db)" -eq 16 ]
	[ "$(count provenance r.db)" -eq 16 ]
	[ "$(count trace r.db)" -eq 2 ]
	is_whole r.db
	[ -z "$(ls *.db?*)" ]
}

@test "provenance has every word of the command line" {
	replay --pace 5us --seed 7 t.kgt -o r.db
	stores 2 0 r.db
	command=$(sqlite3 r.db "SELECT DISTINCT command FROM provenance")
	for word in "kage replay" "-l 50%" "--pace 5us" "--seed 7" t.kgt "-o r.db"; do
		[[ "$command" == *"$word"* ]]
	done
}

@test "what is stored is not run again" {
	replay t.kgt -o r.db
	stores 2 0 r.db
	dump r.db >before
	replay t.kgt -o r.db
	stores 0 2 r.db
	replay -p none,rmap t.kgt -o r.db
	stores 1 1 r.db
	replay t.kgt -o r.db
	stores 0 2 r.db
	dump r.db >after
	[ -z "$(comm -23 before after)" ]
}

@test "a run named twice is made once" {
	replay -p none,none,batched,batched:batch=64,opt,opt t.kgt -o r.db
	stores 3 3 r.db
	[ "$(count run r.db)" -eq 3 ]
}

@test "released kernels are policies with their own MGLRU" {
	run --separate-stderr "$KAGE" replay -p linux-6.1,linux-6.12,linux-7.2 -l 50% t.kgt -o r.db
	stores 3 0 r.db
	[ "$(sqlite3 r.db 'SELECT kernel, policy, policy_params FROM run ORDER BY policy DESC, kernel')" = \
		"$(printf '6.1|rmap|flush=kernel\n6.12|batched|batch=1,lock=write,calls=1,walk=1,flush=0\n7.2|batched|batch=1,lock=none,calls=1,walk=1,flush=0')" ]
	"$KAGE" replay -p batched:batch=1:lock=write --kernel 6.12 -l 50% t.kgt -o r.db >/dev/null
	[ "$(count run r.db)" -eq 3 ]
}

@test "on huge pages a guest faults once in 2 MiB, and that is another run" {
	"$KAGE" trace synth hotcold --pages 4096 -n 20000 -o t.kgt >/dev/null
	replay -l 64M t.kgt -o r.db
	stores 2 0 r.db
	replay -l 64M --thp t.kgt -o r.db
	stores 2 0 r.db
	replay -l 64M --mmu tdp:level=thp t.kgt -o r.db
	stores 0 2 r.db
	[ "$(sqlite3 r.db "SELECT DISTINCT value FROM total JOIN run USING (run_id)
		WHERE name = 'faults' AND mmu_params LIKE 'level=thp%'")" -eq 8 ]
	[ "$(sqlite3 r.db "SELECT min(value) FROM total JOIN run USING (run_id)
		WHERE name = 'faults' AND mmu_params LIKE 'level=4K%'")" -gt 500 ]
}

@test "usage errors name what is known, and make nothing" {
	replay -p linux-6.12:batch=2 t.kgt -o r.db
	fails 2 "linux-6.12 is as that kernel has it: no 'batch=2'"
	replay -p nosuch t.kgt -o r.db
	fails 2 "no policy 'nosuch'; known: none rmap batched fast-only"
	replay -p batched:nosuch=1 t.kgt -o r.db
	fails 2 "known: batch"
	replay -p opt:nosuch=1 t.kgt -o r.db
	fails 2 "no parameter 'nosuch'"
	replay -p '' t.kgt -o r.db
	fails 2 "names no policy"
	replay -l 5x t.kgt -o r.db
	fails 2 "'5x' is not a whole number"
	replay -l 50%:more t.kgt -o r.db
	fails 2 "50%:more"
	replay -d nosuch t.kgt -o r.db
	fails 2 "known: kswapd limit proactive"
	run --separate-stderr "$KAGE" replay -d proactive:period=1s,pages=9 t.kgt -o r.db
	fails 2 "NAME:key=value:key=value"
	replay --kernel 2.6 t.kgt -o r.db
	fails 2 "known: 6.1 6.12 7.2"
	replay --mmu nosuch t.kgt -o r.db
	fails 2 "known: tdp"
	replay --mmu shadow:chain=0 t.kgt -o r.db
	fails 2 "allowed is 1 to 1000 SPTEs"
	replay --thp --mmu tdp:level=2M t.kgt -o r.db
	fails 2 "--thp is level=thp: --mmu has a level"
	replay --thp --mmu gru t.kgt -o r.db
	fails 2 "gru has no parameter 'level'"
	replay --mmu shadow,tdp t.kgt -o r.db
	fails 2 "NAME:key=value:key=value"
	replay --expand nosuch t.kgt -o r.db
	fails 2 "known: refuse all one"
	replay --epoch nosuch t.kgt -o r.db
	fails 2 "known: once hold"
	replay --cost nosuch t.kgt -o r.db
	fails 2 "known: arm64 x86-shadow x86-tdp"
	replay --pace 2s t.kgt -o r.db
	fails 2 "0 to 1s"
	replay --ns-per-tick 0.0004 t.kgt -o r.db
	fails 2 "0.001 to 1e6"
	replay --samples 200000 t.kgt -o r.db
	fails 2 "at most 100000"
	replay t.kgt
	fails 2 "-o FILE.db"
	replay -o r.db
	fails 2 "needs a trace"
	run --separate-stderr "$KAGE" replay t.kgt -o r.db
	fails 2 "--driver limit needs --limit"
	run --separate-stderr "$KAGE" replay -p none --driver kswapd t.kgt -o r.db
	fails 2 "--driver kswapd needs --limit"
	[ -z "$(ls r.db*)" ]
}

@test "a cost profile is refused by a database that exists, too" {
	replay t.kgt -o r.db
	sqlite3 r.db "INSERT INTO cost VALUES ('mine', 'sptes', 1, NULL, NULL, 'assumed', 'me', 'guess')"
	replay --cost nosuch t.kgt -o r.db
	fails 2 "known: arm64 mine x86-shadow"
	replay --cost mine t.kgt -o r.db
	stores 2 0 r.db
	replay --cost "$(printf 'x%.0s' {1..5000})" t.kgt -o r.db
	[ "$status" -eq 2 ]
}

# own_costs <ns>: a profile with one row
own_costs()
{
	{
		printf 'kage-costs\t1\nprofile\tmine\nhost\tmy laptop\n'
		printf 'name\tvalue\tlow\thigh\tunit\tkind\tsource\thow\n'
		printf 'sptes\t%s\t-\t-\tns\tmeasured\tme\tby hand\n' "$1"
	} >mine.costs
}

@test "costs of one's own are stored with their source, and never changed behind runs" {
	own_costs 2.5
	replay --costs mine.costs t.kgt -o r.db
	stores 2 0 r.db
	[ "$(sqlite3 r.db "SELECT host, value_ns, kind, source, how FROM cost JOIN cost_profile
		USING (profile) WHERE profile = 'mine'")" = "my laptop|2.5|measured|me|by hand" ]
	[ "$(sqlite3 r.db "SELECT DISTINCT cost_profile FROM run")" = mine ]
	[ "$(sqlite3 r.db "SELECT DISTINCT value_ns FROM run_price")" = 2.5 ]
	replay --costs mine.costs t.kgt -o r.db
	stores 0 2 r.db
	replay --cost mine t.kgt -o r.db
	stores 0 2 r.db
	own_costs 3
	cp r.db before
	replay --costs mine.costs t.kgt -o r.db
	fails 3 "r.db has another cost profile 'mine'"
	[ "$(sqlite3 r.db "SELECT value_ns FROM cost WHERE profile = 'mine'")" = 2.5 ]
	own_costs -3
	replay --costs mine.costs t.kgt -o new.db
	fails 3 "mine.costs:5: '-3': a cost is not negative"
	[ ! -e new.db ]
	replay --costs mine.costs --cost x86-tdp t.kgt -o new.db
	fails 2 "leave --cost out"
	sed -i 's/\tmine$/\tarm64/' mine.costs
	sed -i 's/-3/3/' mine.costs
	replay --costs mine.costs t.kgt -o new.db
	fails 3 "give yours another name"
}

@test "an option that is wrong is found before the trace is read" {
	head -c 3000 t.kgt >cut.kgt
	tail -c 200 t.kgt >>cut.kgt
	replay -p nosuch t.kgt cut.kgt -o r.db
	fails 2 "nosuch"
}

@test "a trace that is absent is bad input" {
	replay absent.kgt -o r.db
	fails 3 "absent.kgt"
	[ ! -e r.db ]
}

@test "a damaged trace is bad input, with the offset, and nothing is stored" {
	cp t.kgt bad.kgt
	printf '\377\377\377\377' | dd of=bad.kgt bs=1 seek=3000 conv=notrunc status=none
	for limit in 50% 1M; do
		replay -l "$limit" bad.kgt -o r.db
		fails 3 "bad.kgt: offset "
		[ ! -e r.db ] || [ "$(count run r.db)" -eq 0 ]
	done
}

@test "an unfinished trace is refused with what to do" {
	head -c 3000 t.kgt >u.kgt.part
	replay u.kgt.part -o r.db
	fails 3 "u.kgt.part: is not finished; kage trace recover"
	[ ! -e r.db ]
}

@test "a trace without records has runs without faults" {
	"$ODD_TRACE" empty n.kgt
	replay -p none,opt -l 1M n.kgt -o r.db
	stores 2 0 r.db
	is_whole r.db
	[ "$(sqlite3 r.db 'SELECT sum(value) FROM total')" -eq 0 ]
}

@test "a file that is no results database is refused and left alone" {
	echo "some text, longer than the header of a database would be if it were one, \
so that it is read as such: 0123456789012345678901234567890123456789" >text.db
	sqlite3 old.db "PRAGMA user_version = 99; CREATE TABLE run (run_id)"
	sqlite3 other.db "PRAGMA user_version = 4; CREATE TABLE mine (a)"
	: >empty.db
	for db in text old other empty; do
		cp $db.db before
		replay t.kgt -o $db.db
		fails 3 "$db.db: "
		cmp before $db.db
	done
}

@test "a folder that cannot be written is not possible here" {
	replay t.kgt -o nosuch/r.db
	fails 4 "nosuch/r.db: unable to open"
	mkdir d.db
	replay t.kgt -o d.db
	fails 4 "d.db: unable to open"
}

@test "a full disk leaves no half database, and whole runs only" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to mount a small tmpfs"
	mkdir disk
	mount -t tmpfs -o size=32k tmpfs disk 2>/dev/null || skip "mount is not allowed here"
	replay t.kgt -o disk/r.db
	left=$(ls -A disk)
	mount -o remount,size=500k disk
	first=("$status" "$stderr" "$left")
	replay -p none,rmap,batched,fast-only -l 10%,20%,30%,40%,50%,60%,70%,80% t.kgt -o disk/r.db
	runs=$(count run disk/r.db)
	sqlite3 disk/r.db 'PRAGMA integrity_check' >check
	whole=$(sqlite3 disk/r.db "SELECT count(*) FROM run WHERE run_id IN (SELECT run_id FROM
		series GROUP BY 1 HAVING count(*) >= 128) AND run_id IN (SELECT run_id FROM provenance)")
	umount disk
	[ "${first[0]}" -eq 4 ]
	[[ ${first[1]} == *"disk/r.db"*"full"* ]]
	[ -z "${first[2]}" ]
	fails 4 "disk/r.db: database or disk is full"
	[ "$(cat check)" = ok ]
	[ "$runs" -gt 0 ]
	[ "$runs" -eq "$whole" ]
}

@test "the number of threads changes nothing" {
	for j in 1 2 7; do
		"$KAGE" replay -p none,rmap,batched,fast-only,lru,opt -l 20%,60% --idle-age --accuracy \
			t.kgt e.kgt -j $j -o j$j.db >/dev/null
		dump j$j.db >j$j.txt
	done
	[ "$(count run j1.db)" -eq 24 ]
	cmp j1.txt j2.txt
	cmp j1.txt j7.txt
}

@test "more lanes than a page word has bits are dealt to passes" {
	replay -p none,rmap,batched,fast-only \
		-l 10%,20%,30%,40%,50%,60%,70%,80%,90% t.kgt -j 1 -o r.db
	stores 36 0 r.db
	[ "$(sqlite3 r.db 'SELECT group_concat(DISTINCT lanes) FROM provenance')" = 18 ]
	replay -p fast-only -l 90% t.kgt -o one.db
	sqlite3 r.db "SELECT name, value FROM run JOIN total USING (run_id)
		WHERE policy = 'fast-only' AND limit_text = '90%'" >together
	sqlite3 one.db "SELECT name, value FROM total" >alone
	cmp together alone
}

@test "databases filled in another order hold the same rows" {
	together="-p none,rmap,opt -l 25%,50%"
	"$KAGE" replay $together --idle-age t.kgt e.kgt -o a.db >/dev/null
	"$KAGE" replay -p opt -l 50%,25% e.kgt -o b.db >/dev/null
	for limit in 50% 25%; do
		for policy in rmap none; do
			for trace in e t; do
				"$KAGE" replay -p $policy -l $limit --idle-age $trace.kgt \
					-o b.db >/dev/null
			done
		done
	done
	"$KAGE" replay -p opt -l 25%,50% t.kgt -o b.db >/dev/null
	dump a.db >a.txt
	dump b.db >b.txt
	cmp a.txt b.txt
}

@test "what a pass is told changes no row of the trace" {
	"$ODD_TRACE" 2m big.kgt
	"$KAGE" replay -p none -l 1M --expand one big.kgt --ns-per-tick 3 -o a.db >/dev/null
	"$KAGE" replay -p none -l 1M --expand all big.kgt -o a.db >/dev/null
	"$KAGE" replay -p none -l 1M --expand all big.kgt -o b.db >/dev/null
	"$KAGE" replay -p none -l 1M --expand one big.kgt --ns-per-tick 3 -o b.db >/dev/null
	dump a.db >a.txt
	dump b.db >b.txt
	cmp a.txt b.txt
	[ "$(sqlite3 a.db 'SELECT duration_ns, footprint_pages FROM trace')" = "40000000|2048" ]
}

@test "idle ages come to a run that lacked them" {
	replay t.kgt -o r.db
	[ "$(count idle_age r.db)" -eq 0 ]
	replay --idle-age t.kgt -o r.db
	stores 2 0 r.db
	[ "$(count idle_age r.db)" -gt 0 ]
	[ "$(count run r.db)" -eq 2 ]
	dump r.db >later
	replay --idle-age t.kgt -o r.db
	stores 0 2 r.db
	replay t.kgt -o r.db
	stores 0 2 r.db
	"$KAGE" replay -p none,batched -l 50% --idle-age t.kgt -o at_once.db >/dev/null
	dump at_once.db >once
	cmp later once
}

@test "2M records want a decision, and the runs say which" {
	"$ODD_TRACE" 2m big.kgt
	replay -l 4M big.kgt -o r.db
	fails 2 "--expand=all or --expand=one"
	replay -l 4M --expand all big.kgt -o r.db
	stores 2 0 r.db
	replay -l 4M --expand one big.kgt -o r.db
	stores 2 0 r.db
	run sqlite3 r.db "SELECT epoch_rule, sum(value) FROM run JOIN total USING (run_id)
		WHERE name = 'first_touches' AND policy = 'none' GROUP BY 1"
	[ "${lines[0]}" = "epoch-all|2048" ]
	[ "${lines[1]}" = "epoch-one|4" ]
}

@test "regions are no pages, unless asked for, and idle ones never" {
	"$ODD_TRACE" regions r.kgt
	replay -l 4M r.kgt -o r.db
	fails 2 "r.kgt: holds regions, each judged by samples of single pages; --expand=all"
	replay -l 4M --expand one r.kgt -o r.db
	fails 2 "--expand=all"
	replay -l 4M --expand all r.kgt -o r.db
	stores 2 0 r.db
	run sqlite3 r.db "SELECT footprint_pages, fidelity FROM trace"
	[ "$output" = "512|region-sample" ]
	run sqlite3 r.db "SELECT DISTINCT value FROM run JOIN total USING (run_id) WHERE name = 'first_touches'"
	[ "$output" = 512 ]
}

@test "a trace that saw only writes is a lower bound, if asked for" {
	"$ODD_TRACE" dirty w.kgt
	replay -l 4M w.kgt -o r.db
	fails 2 "--writes-as-accesses"
	replay -l 4M --writes-as-accesses w.kgt t.kgt -o r.db
	stores 4 0 r.db
	run sqlite3 r.db "SELECT DISTINCT name, lower_bound FROM run JOIN trace USING (trace_id) ORDER BY 1"
	[ "$output" = "t|0
w|1" ]
}

@test "an epoch of writes among accesses is refused" {
	"$ODD_TRACE" both m.kgt
	replay -l 4M m.kgt -o r.db
	fails 2 "epoch 1 holds writes only"
}

@test "holding epochs is another run with another outcome" {
	replay --epoch once -l 20% e.kgt -o r.db
	replay --epoch hold -l 20% e.kgt -o r.db
	stores 2 0 r.db
	run sqlite3 r.db "SELECT epoch_rule, count(DISTINCT value) FROM run JOIN total USING (run_id)
		WHERE policy = 'batched' AND name = 'refaults' GROUP BY 1"
	[ "${lines[0]%|*}" = epoch ]
	[ "${lines[1]%|*}" = epoch-hold ]
	run sqlite3 r.db "SELECT count(DISTINCT value) FROM run JOIN total USING (run_id)
		WHERE policy = 'batched' AND name = 'refaults'"
	[ "$output" -eq 2 ]
}

# Runs are stored while more are made: the traces come one after another.
sweep_of_many()
{
	for i in {1..12}; do
		"$KAGE" trace synth zipf --pages 600 -n 40000 --seed "$i" -o "s$i.kgt" >/dev/null
	done
	many=(-p none,rmap,batched,fast-only,opt -l 10%,30%,50% s{1..12}.kgt)
}

@test "a sweep that is killed leaves whole runs, and the next one ends it" {
	sweep_of_many
	"$KAGE" replay "${many[@]}" -o whole.db >/dev/null
	for delay in 0 0.05 0.2 0.5 1; do
		"$KAGE" replay "${many[@]}" -o k.db >/dev/null &
		sleep $delay
		kill -9 $! || true # a fast machine has ended it by then
		wait $! || true
		[ ! -e k.db ] || is_whole k.db
	done
	run --separate-stderr -0 "$KAGE" replay "${many[@]}" -o k.db
	dump whole.db >whole
	dump k.db >killed
	cmp whole killed
}

@test "two sweeps into one new database lose nothing" {
	sweep_of_many
	for i in 1 2 3; do
		"$KAGE" replay -p none -l 50% "s$i.kgt" -o both.db >/dev/null &
		"$KAGE" replay -p rmap -l 50% "s$i.kgt" -o both.db >/dev/null &
	done
	wait
	[ "$(count run both.db)" -eq 6 ]
	is_whole both.db
	[ -z "$(ls *.tmp)" ]
}

@test "an interrupt ends a sweep with 130 and whole runs" {
	sweep_of_many
	# a shell without job control starts what runs beside it with SIGINT ignored
	for delay in 0.3 0.1 0.03 0.01; do # a fast machine ends it sooner
		rm -f i.db
		run --separate-stderr timeout -s INT --preserve-status $delay "$KAGE" replay "${many[@]}" -o i.db
		[ "$status" -eq 0 ] || break
	done
	[ "$status" -eq 130 ]
	[ -z "$output" ]
	[ ! -e i.db ] || is_whole i.db
	run --separate-stderr -0 "$KAGE" replay "${many[@]}" -o i.db
	[ "$(count run i.db)" -eq 180 ]
}

@test "pages of a huge folio that nobody touched are idle since the trace began" {
	"$KAGE" trace synth phase -p set=64,shift=512,length=2000 --pages 6144 -n 20000 \
		-o "p.kgt" >/dev/null
	"$KAGE" replay "p.kgt" --thp -p batched -d proactive:period=100us \
		--accuracy -o "p.db" >/dev/null
	# most of what is called old: of 2 ms, the mean is about one
	[ "$(sqlite3 "p.db" \
		"SELECT staleness_ns BETWEEN 500000 AND 2000000 FROM accuracy")" = 1 ]
}
