#!/bin/busybox sh
# damon.sh: backend damon against a guest whose accesses are known, and what it leaves
# of the host's DAMON.  Runs in a lab machine, as root.
damon=/sys/kernel/mm/damon/admin/kdamonds
bad=0

# check NAME COMMAND...: the command succeeds
check()
{
	name=$1
	shift
	if "$@"; then
		echo "ok: $name"
	else
		echo "FAILED: $name"
		bad=1
	fi
}

# start NAME ARG...: a guest; $guest is its process, $map its description, written when
# its memory is filled
start()
{
	map=/out/$1.json
	shift
	rm -f "$map"
	kage guest "$@" --pace 20ms --describe "$map" &
	guest=$!
	while [ ! -s "$map" ]; do
		kill -0 $guest || exit 1
		sleep 0.1
	done
}

stop()
{
	kill "$guest"
	wait "$guest"
}

# record NAME ARG...: into /out/NAME.kgt; what it says into /out/NAME.text
record()
{
	trace=/out/$1.kgt text=/out/$1.text
	shift
	kage record -b damon --slots "$map" --pid "$guest" -o "$trace" "$@" 2>"$text"
	code=$?
	sed 's/^/    /' "$text"
}

# record_behind NAME ARG...: the same in the background, until DAMON runs
record_behind()
{
	trace=/out/$1.kgt text=/out/$1.text
	shift
	kage record -b damon --slots "$map" --pid "$guest" -o "$trace" "$@" 2>"$text" &
	recorder=$!
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		[ "$(cat $damon/0/state 2>/dev/null)" = on ] && return
		sleep 0.2
	done
	check "DAMON runs while $trace is made" false
}

# ended CODE: what record_behind began ends so
ended()
{
	wait $recorder
	code=$?
	sed 's/^/    /' "$text"
	[ $code -eq "$1" ]
}

said()
{
	grep -q "$1" "$text"
}

# as_before: no kdamond, within five seconds
as_before()
{
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ "$(cat $damon/nr_kdamonds)" = 0 ] && [ ! -e $damon/0 ] && return 0
		sleep 0.5
	done
	return 1
}

# concentration FIRST PAGES ALL: of the hits in ALL data pages from gfn FIRST on, how many
# lie in the first PAGES; the first four epochs are left out
concentration()
{
	kage trace dump "$trace" | awk -v first="$1" -v hot="$2" -v all="$3" '
		/^epoch/ { epoch = $2 }
		/^ *gfn=/ && epoch >= 4 {
			split($1, a, "="); split($2, b, "=")
			gfn = a[2] - first; n = b[2]; hits = 0
			for (i = 3; i <= NF; i++)
				if ($i ~ /^hits=/) hits = substr($i, 6)
			if (gfn < 0 || gfn >= all) next
			sum += hits * n
			inside = gfn < hot ? (gfn + n < hot ? n : hot - gfn) : 0
			good += hits * inside
		}
		END {
			share = sum ? good / sum : 0
			printf "    %.4f of the hits in %.4f of the memory\n", share, hot / all
			exit share < 0.9
		}'
}

# whole PAGES: each epoch's runs are so many pages, and there is one
whole()
{
	kage trace dump "$trace" | awk -v pages="$1" '
		/^epoch/ { if (epochs++ && n != pages) bad = 1; n = 0 }
		/^ *gfn=/ { split($2, b, "="); n += b[2] }
		END { exit bad || n != pages || !epochs }'
}

# judge: regions that settled hold the hot pages, and not much else
judge()
{
	kage trace truth "$trace" "$map" --skip 4 --min-recall 0.95 --min-precision 0.75 >/out/judged
	result=$?
	sed 's/^/    /' /out/judged
	return $result
}

# 2,048 of 16,384 pages are hot, and only read
test_samples()
{
	start hot hotcold --pages 16384 -p hot=125,hot_access=read
	for ops in vaddr paddr; do
		record $ops --epoch 1s --epochs 12 \
			--params ops=$ops,sample=20ms,min_regions=20,max_regions=2000
		check "$ops: recorded" [ $code -eq 0 ]
		check "$ops: 0.9 of the hits lie in the hot range" concentration 1048576 2048 16384
		check "$ops: recall >= 0.95, precision >= 0.75 at the median" judge
		check "$ops: never dirty" sh -c "[ -s $trace ] && ! kage trace dump $trace | grep -q ' dirty'"
		check "$ops: DAMON is as before" as_before
	done
	check "vaddr: every epoch holds all pages, hit or not" \
		sh -c "kage trace dump /out/vaddr.kgt | grep -c '^epoch.* pages=16896 ' | grep -qx 12"
	record few --epoch 1s --epochs 1 --params ops=paddr,min_regions=3,max_regions=3
	check "paddr: more pieces than regions are refused" [ $code -eq 4 ]
	check "paddr: it says how many there are" said 'lie in [0-9]* pieces'
	stop
}

test_ends()
{
	start ends hotcold --pages 4096
	record_behind interrupted --epoch 500ms
	sleep 3
	kill -INT $recorder
	check "Ctrl-C: exit 130" ended 130
	check "Ctrl-C: the file is whole" whole 4608
	check "Ctrl-C: DAMON is as before" as_before
	record_behind killed --epoch 500ms
	sleep 4
	kill -KILL $recorder
	wait $recorder
	check "SIGKILL: DAMON is as before" as_before
	check "SIGKILL: epochs are readable" \
		sh -c "kage trace dump --partial $trace.part | grep -q '^epoch 1 '"
	record_behind off --epoch 500ms
	sleep 2
	echo off >$damon/0/state
	check "turned off by somebody: exit 5" ended 5
	check "turned off by somebody: told" said 'the kdamond ended before we did'
	check "turned off by somebody: DAMON is as before" as_before
	record_behind dies --epoch 500ms
	sleep 2
	kill -KILL $guest
	wait $guest
	check "the guest dies: exit 4" ended 4
	check "the guest dies: told" said "the guest's process ended"
	check "the guest dies: the file is whole" whole 4608
	check "the guest dies: DAMON is as before" as_before
}

# Nobody reads for a while: whole intervals are lost, and parts of some.
test_loss()
{
	start loss hotcold --pages 4096
	record_behind loss --epoch 200ms --params sample=20ms,min_regions=900,max_regions=1000
	sleep 2
	kill -STOP $recorder
	sleep 8
	kill -CONT $recorder
	sleep 2
	kill -INT $recorder
	check "lost events: exit 5" ended 5
	check "lost events: counted" said 'lost  *[1-9]'
	check "lost events: every epoch that is there is whole" whole 4608
	stop
}

test_refusals()
{
	start here hotcold --pages 1000
	echo 1 >$damon/nr_kdamonds
	record used --epoch 500ms --epochs 1
	check "somebody's kdamond: exit 4" [ $code -eq 4 ]
	check "somebody's kdamond: told" said 'DAMON is in use: nr_kdamonds is 1, number 0 is off'
	check "somebody's kdamond: still there" [ "$(cat $damon/nr_kdamonds)" = 1 ]
	echo 0 >$damon/nr_kdamonds
	for module in damon_stat damon_reclaim; do
		switch=/sys/module/$module/parameters/enabled
		[ -e $switch ] || continue
		echo Y >$switch
		record alone --epoch 500ms --epochs 1
		check "$module runs: exit 4, named, with the fix" \
			sh -c "[ $code -eq 4 ] && grep -q 'echo N >$switch' $text"
		echo N >$switch
	done
	stop
}

check "kage probe: usable" sh -c 'kage probe | grep "^damon: usable, vaddr paddr"'
test_samples
test_ends
test_loss
test_refusals
exit $bad
