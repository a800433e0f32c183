#!/bin/busybox sh
# mglru.sh samples | qemu ELF | refuses REASON: backend mglru against guests whose
# accesses are known.  Runs in a lab machine, as root.
bad=0 map=

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

# start CGROUP ARG...: a guest in a cgroup of its own; $guest is its process, $map its
# description, written when its memory is filled
start()
{
	map=/out/$1.json
	rm -f "$map"
	mkdir -p "/sys/fs/cgroup/$1"
	cgroup=$1
	shift
	(
		echo 0 >"/sys/fs/cgroup/$cgroup/cgroup.procs"
		exec kage guest "$@" --pace 10ms --describe "$map"
	) &
	guest=$!
	while [ ! -s "$map" ]; do
		kill -0 $guest || exit 1
		sleep 0.1
	done
}

stop()
{
	kill "$1"
	wait "$1"
}

# record NAME ARG...: into /out/NAME.kgt; what it says into /out/NAME.text
record()
{
	trace=/out/$1.kgt text=/out/$1.text
	shift
	kage record -b mglru ${map:+--slots "$map"} -o "$trace" "$@" 2>"$text"
	code=$?
	sed 's/^/    /' "$text"
}

# refused CODE WORDS: the last record ended so, and left nothing
refused()
{
	[ $code -eq "$1" ] && grep -q "$2" "$text" && [ ! -e "$trace" ]
}

# judge: precision and recall of $trace, at least and at the median
judge()
{
	kage trace truth "$trace" "$map" --min-precision 0.95 --min-recall 0.99 >/out/judged
	result=$?
	sed 's/^/    /' /out/judged
	[ $result -eq 0 ] && awk '
		$1 == "precision" && $4 < 0.95 || $1 == "recall" && $4 < 0.99 { bad = 1 }
		END { exit bad }' /out/judged
}

# leaves: events that the pages of each epoch stand for
leaves()
{
	kage trace dump "$trace" | awk '
		/^epoch/ && n { print n; n = 0 }
		/level=4K/ { split($2, a, "="); n += a[2] }
		/level=2M/ { split($2, a, "="); n += a[2] / 512 }
		END { print n }' | tr '\n' ' '
}

dirty_is_unknown()
{
	! kage trace dump "$trace" | grep -q ' dirty'
}

# counted: each epoch has a note of what its pass took
counted()
{
	[ "$(kage trace dump "$trace" |
		grep -c 'note epoch [0-3], pass: task-clock [1-9].*page-faults [0-9]')" = 4 ]
}

test_hot_set()
{
	start hot hotcold --pages 20000 -p hot=200,hot_access=read,scatter=1
	record hot --pid $guest --epoch 4s --epochs 4 --event task-clock+page-faults
	check "4,000 of 20,000 pages are read: recorded" [ $code -eq 0 ]
	check "recall >= 0.99 and precision >= 0.95 in every epoch" judge
	check "a hot set that is only read is never dirty" dirty_is_unknown
	check "counters around each pass are in the notes" counted
	echo "    leaves per epoch: $(leaves)"
	stop $guest
}

test_huge_pages()
{
	start huge hotcold --pages 20000 -p hot=200,hot_access=write --thp
	record huge --cgroup /huge --epoch 4s --epochs 2
	check "huge pages: recorded through --cgroup" [ $code -eq 0 ]
	check "huge pages: recall is whole" kage trace truth "$trace" "$map" --min-recall 1
	check "huge pages: leaves are of 2 MiB" grep -q 'seen through 2M' "$text"
	stop $guest
}

# exact_loss: each epoch's pages and what it lacks are all that the guest touched
exact_loss()
{
	kage trace dump "$trace" | awk '
		/ lost / { split($4, a, "="); n += a[2]; some = 1 }
		/^epoch/ { epochs++ }
		/level=4K/ { split($2, a, "="); n += a[2] }
		/level=2M/ { split($2, a, "="); n += a[2] / 512 }
		END {
			print "    " n " events in " epochs " epochs, " 20000 * epochs " touches"
			exit !some || n < 20000 * epochs || n > 20010 * epochs
		}'
}

test_loss()
{
	start burst hotcold --pages 20000 -p hot=1000,hot_access=read
	record burst --pid $guest --epoch 6s --epochs 2 --params ring=64K
	check "a ring that is too small: exit 5" [ $code -eq 5 ]
	check "what was lost is counted exactly" exact_loss
	record short --pid $guest --epoch 10ms --epochs 2
	check "a period under two passes is refused" refused 2 'is too short: one pass'
	stop $guest
}

# youngest CGROUP: "ID NODE SEQ" of its youngest generation
youngest()
{
	awk -v wanted="$1" '
		$1 == "memcg" { mine = $3 == wanted; id = $2; next }
		$1 == "node" { node = $2; next }
		mine { seq = $1; at = node; of = id }
		END { print of, at, seq }' /sys/kernel/debug/lru_gen
}

test_others()
{
	start pair hotcold --pages 1000
	one=$guest
	(sleep 6 && echo "+ $(youngest /pair) 1 1" >/sys/kernel/debug/lru_gen) &
	record others --pid $one --epoch 4s --epochs 3
	check "somebody else ages too: told" grep -q 'in 1 epochs somebody else' "$text"
	check "and what he took counts as lost" [ $code -eq 5 ]
	start pair hotcold --pages 1000
	record pair --pid $guest --epoch 4s --epochs 1
	check "two VMs in one cgroup are refused" refused 4 '2 VMs are charged to the cgroup /pair'
	stop $one
	stop $guest
	record gone --cgroup /nowhere --epoch 4s
	check "an unknown cgroup is refused" refused 4 'does not list the cgroup /nowhere'
}

test_kill()
{
	start killed hotcold --pages 1000
	kage record -b mglru --slots "$map" -o /out/killed.kgt --pid $guest --epoch 2s &
	recorder=$!
	sleep 9
	kill -KILL $recorder
	wait $recorder
	stop $guest
	check "killed: whole up to the last epochs" \
		sh -c 'kage trace dump --partial /out/killed.kgt.part | grep -q "^epoch 1 "'
}

test_switch()
{
	start switch hotcold --pages 1000
	for mask in 0x1 0x0; do
		echo $mask >/sys/kernel/mm/lru_gen/enabled
		record mask --pid $guest --epoch 4s --epochs 1
		check "lru_gen/enabled $mask is refused" refused 4 "lru_gen/enabled is 0x000${mask#0x}"
	done
	echo y >/sys/kernel/mm/lru_gen/enabled
	stop $guest
}

# start_qemu ELF: capture/tcg/guest/hot.S in a QEMU; it has written its pages then
start_qemu()
{
	mkdir -p /sys/fs/cgroup/qemu
	(
		echo 0 >/sys/fs/cgroup/qemu/cgroup.procs
		exec qemu-system-x86_64 -accel kvm -m 64M -nodefaults -display none \
			-L /lab/bin -kernel "$1" -qmp unix:/run/qmp,server,nowait
	) &
	guest=$!
	while ! [ "$(cat /sys/kernel/debug/kvm/$guest-*/pages_4k)" -gt 4100 ]; do
		kill -0 $guest || exit 1
		sleep 0.5
	done 2>/dev/null
}

# exact_hot_set: every epoch has the 4,000 hot pages, at most 10 others (its code),
# and none of those that are the kernel's zero page
exact_hot_set()
{
	kage trace dump "$trace" | awk '
		/^epoch/ { epochs++; split($0, a, "pages="); n = a[2] + 0 }
		/^epoch/ && (n < 4000 || n > 4010) { bad = 1 }
		/ gfn=0x1000 pages=4000 level=4K accessed$/ { whole++ }
		/ gfn=0x20[0-9a-f][0-9a-f] / { bad = 1 }
		END {
			print "    " whole " of " epochs " epochs have the hot set, " n " pages"
			exit bad || !epochs || whole != epochs
		}'
}

test_qemu()
{
	start_qemu "$1"
	record qemu --qmp /run/qmp --epoch 4s --epochs 4
	check "a QEMU's guest: recorded through --qmp" [ $code -eq 0 ]
	check "a QEMU's guest: the hot pages, no others" exact_hot_set
	stop $guest
}

case $1 in
samples)
	check "kage probe: usable" sh -c 'kage probe | grep -q "^mglru: usable"'
	test_hot_set
	test_huge_pages
	test_loss
	test_others
	test_kill
	test_switch
	;;
qemu)
	test_qemu "$2"
	;;
refuses)
	check "kage probe says why not" sh -c "kage probe | sed -n '/^mglru: not/,/fix/p' | grep '$2'"
	start here hotcold --pages 1000
	record here --pid $guest --epoch 4s --epochs 1
	check "record says why not" refused 4 "$2"
	stop $guest
	;;
esac
exit $bad
