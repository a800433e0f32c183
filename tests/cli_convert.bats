#!/usr/bin/env bats
# kage trace import and export from the outside, against the programs whose files they
# read, and against an LRU of a few lines that reads what was exported.
bats_require_minimum_version 1.5.0

samples=$BATS_TEST_DIRNAME/../datasets/samples

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
}

# need <program>: or skip
need()
{
	command -v "$1" >/dev/null || skip "$1 is not installed (scripts/install-packages)"
}

# import <format> <file> [option...]: into t.kgt
import()
{
	"$KAGE" trace import --from "$1" "$2" -o t.kgt "${@:3}"
}

# misses <file> <pages>: of exact LRU; knows nothing of kage
misses()
{
	python3 -c '
import collections, struct, sys
cache, missed = collections.OrderedDict(), 0
data = open(sys.argv[1], "rb").read()
for _, page, _, _ in struct.iter_unpack("<IQIq", data):
    if page in cache:
        cache.move_to_end(page)
        continue
    missed += 1
    if len(cache) == int(sys.argv[2]):
        cache.popitem(last=False)
    cache[page] = True
print(missed)' "$@"
}

# same_misses <trace> [option...]: the export misses as often as the replay faults
same_misses()
{
	local limit faults
	"$KAGE" trace export --to oracleGeneral "$1" -o x.bin 2>/dev/null
	rm -f x.db
	"$KAGE" replay "$1" --policy lru --limit 10%,25%,50%,75% -o x.db "${@:2}" >/dev/null
	sqlite3 -separator ' ' x.db "SELECT limit_pages, value FROM run JOIN total USING (run_id)
		WHERE total.name = 'faults'" >faults
	[ "$(wc -l <faults)" -eq 4 ]
	while read -r limit faults; do
		echo "# $(basename "$1"), $limit pages: $faults"
		[ "$(misses x.bin "$limit")" -eq "$faults" ] || return 1
	done <faults
}

@test "LRU over an exported stream misses as often as --policy lru faults" {
	same_misses "$samples/sqlite.kgt"
	same_misses "$samples/redis.kgt"
}

@test "and so it does over epochs, with and without order" {
	"$KAGE" trace synth hotcold --pages 4096 -n 50000 --epoch 500us -o ordered.kgt >/dev/null
	same_misses ordered.kgt
	"$KAGE" trace export --to csv ordered.kgt -o - 2>/dev/null |
		sed '1!s/^\([^,]*,[^,]*,[^,]*,[^,]*\),1,/\1,0,/' >u.csv
	import csv u.csv >/dev/null
	"$KAGE" trace dump -n 1 t.kgt | grep -q order=unknown
	same_misses t.kgt
}

@test "each request names the next one of its page" {
	"$KAGE" trace synth zipf --pages 300 -n 5000 -o z.kgt >/dev/null
	"$KAGE" trace export --to oracleGeneral z.kgt -o z.bin 2>/dev/null
	python3 -c '
import struct
r = list(struct.iter_unpack("<IQIq", open("z.bin", "rb").read()))
assert len(r) == 5000 and all(x[2] == 4096 for x in r)
last = {}
for i in reversed(range(len(r))):
    assert r[i][3] == last.get(r[i][1], -1), i
    last[r[i][1]] = i'
}

@test "a .zst is compressed, and is told by its content" {
	need zstd
	"$KAGE" trace synth zipf --pages 300 -n 5000 -o z.kgt >/dev/null
	"$KAGE" trace export --to oracleGeneral -p unit=1us z.kgt -o z.bin 2>/dev/null
	"$KAGE" trace export --to oracleGeneral -p unit=1us z.kgt -o z.bin.zst 2>/dev/null
	zstd -dqc z.bin.zst | cmp - z.bin
	read -r id _ < <(import oracleGeneral z.bin -p unit=1us)
	mv z.bin.zst unnamed
	read -r again _ < <(import oracleGeneral unnamed -p unit=1us)
	[ "$id" = "$again" ]
	head -c 2000 unnamed >cut
	run -3 --separate-stderr import oracleGeneral cut
	[[ "$stderr" == "kage: cut: offset "*" was cut" ]]
}

@test "ids that are no page numbers are numbered, and the header says so" {
	python3 -c '
import struct, sys
for i in [2**63, 5, 2**63, 2**62]:
    sys.stdout.buffer.write(struct.pack("<IQIq", 1, i, 10, -1))' >ids
	import oracleGeneral ids >/dev/null
	[ "$("$KAGE" trace dump t.kgt | cut -d' ' -f3 | tr '\n' ' ')" = "gfn=0 gfn=0x1 gfn=0 gfn=0x2 " ]
	"$KAGE" trace info t.kgt | grep -q 'numbered by first request'
	run -3 --separate-stderr import oracleGeneral ids -p ids=keep
	[[ "$stderr" == "kage: ids: offset 0: no page at gfn "* ]]
}

@test "bad input is one line with file and place, exit 3, and no file" {
	printf 'time_ns,gfn\n5,1\n4,1\n' >late.csv
	printf 'time_ns,gfn\n5,1\n6,1' >cut.csv
	printf 'time_ns,gfn,kind\n5,1,jump\n' >kind.csv
	printf '[{"snapshots": [{"start_time": 1, "end_time": 2, "regions": [{"start": 0, "end": 0, "nr_accesses": {"samples": 1}}]}]}]' >empty.json
	printf ' L 10,8\n L 10;8\n' >l.txt
	for input in csv:late.csv:'line 3' csv:cut.csv:'line 3' csv:kind.csv:'line 2' \
		damo:empty.json:'snapshot 1, region 1' lackey:l.txt:'line 2' trace-dat:l.txt:'offset 0'; do
		IFS=: read -r format file place <<<"$input"
		run -3 --separate-stderr import "$format" "$file"
		[[ "$stderr" == "kage: $file: $place: "* ]]
		[ "${#stderr_lines[@]}" -eq 1 ]
		[ ! -e t.kgt ] && [ ! -e t.kgt.part ]
	done
	run -2 import no-such-format l.txt
	[[ "$output" == *"known: csv damo "* ]]
	run -3 import csv absent
}

@test "csv: a cell that is empty is no page 0 and no time 0" {
	printf 'time_ns,gfn,kind\n5,1,read\n6,,read\n' >gfn.csv
	printf 'time_ns,address\n,4096\n' >time.csv
	printf 'time_ns,address\n5,4096\n6,\n' >address.csv
	printf 'start_ns,end_ns,gfn\n,5,1\n' >start.csv
	printf 'start_ns,end_ns,gfn\n5,,1\n' >end.csv
	printf 'start_ns,end_ns,gfn,npages\n5,6,,3\n' >run.csv
	for input in gfn:3:gfn time:2:time_ns address:3:address start:2:start_ns end:2:end_ns run:2:gfn; do
		IFS=: read -r name line column <<<"$input"
		run -3 --separate-stderr import csv "$name.csv"
		[ "$stderr" = "kage: $name.csv: line $line: no $column" ]
		[ ! -e t.kgt ]
	done
	printf 'time_ns,gfn,kind,count\n5,1,read,1\n6,,lost,7\n' >lost.csv
	import csv lost.csv >/dev/null
	[ "$("$KAGE" trace info --json t.kgt | jq .totals.lost)" -eq 7 ]
	printf 'start_ns,end_ns,gfn,npages\n5,6,1,2\n6,7,,\n' >idle.csv
	import csv idle.csv >/dev/null
	[ "$("$KAGE" trace info --json t.kgt | jq .totals.epochs)" -eq 2 ]
}

@test "slots that lie side by side keep their pages apart" {
	python3 -c 'open("ones", "wb").write(b"\xff" * 8); open("none", "wb").write(bytes(24))'
	printf 'slot 1 0 64\nslot 2 64 64\nepoch 0 5\nbitmap 1 ones\nbitmap 2 ones\n' >log
	printf 'slot 0 64 -\nslot 64 64 -\nepoch 0 5\nidle none\n' >idle
	for format in dirty-log:log page-idle:idle; do
		import "${format%:*}" "${format#*:}" >/dev/null
		"$KAGE" trace info --json t.kgt |
			jq -e '.totals.epoch_pages == 128 and (.meta.slots | length) == 2'
		rm t.kgt
	done
}

@test "page-idle: a pagemap whose PFNs are hidden is no guest at rest" {
	python3 -c '
import struct
open("none", "wb").write(bytes(8))
open("hidden", "wb").write(struct.pack("<3Q", 1 << 63, 0, 1 << 63))
open("absent", "wb").write(bytes(24))'
	printf 'slot 0 3 hidden\nepoch 0 5\nidle none\n' >list
	run -3 --separate-stderr import page-idle list
	[ "$stderr" = "kage: list: line 1: hidden has pages, but no PFN: read pagemap as root" ]
	sed -i s/hidden/absent/ list # nothing is in memory, which may be
	import page-idle list >/dev/null
}

@test "what is no file stays what it is, and an output's fault is exit 4" {
	"$KAGE" trace synth zipf --pages 30 -n 100 -o z.kgt >/dev/null
	export_z() { "$KAGE" trace export --to "$@" z.kgt; }
	export_z csv -o want.csv
	mkfifo pipe
	timeout 60 cat pipe >got.csv &
	timeout 60 "$KAGE" trace export --to csv z.kgt -o pipe
	wait $!
	cmp want.csv got.csv
	[ -p pipe ]
	run -2 --separate-stderr timeout 60 "$KAGE" trace export --to sqlite z.kgt -o pipe
	[[ "$stderr" == *"written to a file, not to a device"* ]]
	: >file
	ln -s file link
	export_z csv -o link
	[ -L link ]
	cmp want.csv file
	ln -s nowhere dangling
	mkdir folder
	for output in dangling folder absent/x.csv folder/x/y.bin.zst; do
		run -4 --separate-stderr export_z oracleGeneral -o "$output"
		[ "${#stderr_lines[@]}" -eq 1 ]
	done
	run -4 export_z sqlite -o absent/x.db
	: >x.db.part
	run -4 --separate-stderr export_z sqlite -o x.db
	[[ "$stderr" == *"x.db.part: "*"delete it" ]]
	[ -e x.db.part ] && [ ! -e x.db ]
	ln z.kgt same.kgt
	run -2 --separate-stderr export_z csv -o same.kgt
	[ "$stderr" = "kage: same.kgt: the output would replace the trace" ]
	"$KAGE" trace check z.kgt >/dev/null
}

@test "an input may be a pipe" {
	printf 'time_ns,gfn\n5,1\n6,2\n' | import csv - >/dev/null
	[ "$("$KAGE" trace dump t.kgt | wc -l)" -eq 2 ]
	import csv <(printf 'time_ns,gfn\n5,1\n') >/dev/null
	[ "$("$KAGE" trace dump t.kgt | wc -l)" -eq 1 ]
	run -2 import dirty-log - <<<""
}

@test "what is lost is in the header, or on stderr" {
	printf 'time_ns,gfn,colour\n5,1,red\n' >c.csv
	import csv c.csv >/dev/null
	"$KAGE" trace info --json t.kgt >info.json
	jq -e '.meta.details.import.lost | index("column colour")' info.json
	run -0 --separate-stderr "$KAGE" trace export --to csv "$samples/sqlite.kgt" -o s.csv
	[[ "$stderr" == *"lost: that the clock counts instructions"* ]]
	run -2 --separate-stderr "$KAGE" trace export --to damo "$samples/sqlite.kgt" -o s.json
	[[ "$stderr" == *"kage trace coarsen --period"* ]]
	[ ! -e s.json ] && [ ! -e s.json.part ]
	"$KAGE" trace export --list | grep -q '^sqlite '
	"$KAGE" trace import --list | grep -q 'lost: reads'
}

@test "SQLite holds what dump prints" {
	"$KAGE" trace synth zipf --pages 300 -n 1000 -o z.kgt >/dev/null
	"$KAGE" trace export --to sqlite z.kgt -o z.db
	sqlite3 z.db "SELECT printf('%d %s gfn=%s count=%d vcpu=%d', tick, kind,
		iif(gfn, printf('0x%x', gfn), '0'), count, vcpu) FROM event ORDER BY seq" >events
	"$KAGE" trace dump z.kgt | cmp - events
	"$KAGE" trace synth zipf --pages 300 -n 1000 --epoch 10us -o e.kgt >/dev/null
	"$KAGE" trace export --to sqlite e.kgt -o e.db
	[ "$(sqlite3 e.db 'SELECT count(*) FROM epoch')" -eq 10 ]
	[ "$(sqlite3 e.db 'SELECT sum(npages) FROM run')" -eq \
		"$("$KAGE" trace info --json e.kgt | jq .totals.epoch_pages)" ]
}

@test "SQLite: a time of 2^63 ticks is refused, not negative" {
	printf 'time_ns,gfn\n9223372036854775807,1\n' >last.csv
	printf 'time_ns,gfn\n5,1\n9223372036854775808,1\n' >e.csv
	printf 'start_ns,end_ns,gfn\n5,9223372036854775808,1\n' >r.csv
	import csv last.csv >/dev/null
	"$KAGE" trace export --to sqlite t.kgt -o last.db
	[ "$(sqlite3 last.db 'SELECT tick FROM event')" = 9223372036854775807 ]
	for name in e r; do
		import csv $name.csv >/dev/null
		run -2 --separate-stderr "$KAGE" trace export --to sqlite t.kgt -o x.db
		[[ "$stderr" == *"2^63 ticks or more: 9223372036854775808" ]]
		[ ! -e x.db ] && [ ! -e x.db.part ]
	done
}

@test "damo: all members of a gzip file are read" {
	printf '[{"snapshots": [{"start_time": 1, "end_time": 2, "regions": [' >1
	printf '{"start": 4096, "end": 8192, "nr_accesses": {"samples": 1}}]}]}]' >2
	gzip -c 1 >gz
	run -3 import damo gz
	gzip -c 2 >>gz
	import damo gz >/dev/null
	[ "$("$KAGE" trace info --json t.kgt | jq .totals.epoch_pages)" -eq 1 ]
	rm t.kgt
	printf garbage >>gz
	run -3 --separate-stderr import damo gz
	[[ "$stderr" == "kage: gz: "*zlib* ]]
	head -c -12 gz >cut # into the last member's end
	run -3 --separate-stderr import damo cut
	[[ "$stderr" == "kage: cut: "*" was cut" ]]
	[ ! -e t.kgt ]
}

@test "a name that is not UTF-8 is written down without its bad bytes" {
	name=$(printf 'n\xff\xc3\xa4.csv')
	printf 'time_ns,gfn,co\xfel\n5,1,2\n' >"$name"
	import csv "$name" >/dev/null
	"$KAGE" trace info --json t.kgt |
		jq -e '.meta.details.import | .file == "n?ä.csv" and (.lost | index("column co?l"))'
}

@test "lackey: what valgrind saw of a program" {
	need valgrind
	valgrind -q --tool=lackey --trace-mem=yes --log-file=l.txt /bin/true ||
		skip "valgrind does not run here"
	import lackey l.txt >/dev/null
	# each access counts once, and once more if it crosses into another page
	python3 - l.txt >want <<'COUNT'
import sys
pages, accesses = set(), 0
for line in open(sys.argv[1]):
    if line[:3] in ("I  ", " L ", " S ", " M "):
        start, size = line[3:].split(",")
        ends = {int(start, 16) >> 12, int(start, 16) + int(size) - 1 >> 12}
        pages |= ends
        accesses += len(ends)
print(accesses, len(pages))
COUNT
	"$KAGE" trace info --json t.kgt >info.json
	[ "$(jq -r '"\(.totals.accesses) \(.pages.footprint)"' info.json)" = "$(cat want)" ]
}

# ring <command...>: run it around a guest whose writes the dirty ring records, which
# kage writes to own.kgt
ring()
{
	"$KAGE" probe | grep -q '^dirty-ring: usable' ||
		skip "/dev/kvm has no dirty ring here (kage probe says why)"
	"$@" "$KAGE" record -b dirty-ring --params pages=512,rounds=3,sync=round -o own.kgt -- hotcold \
		hot=250 >log 2>&1
}

# as_recorded: the pushes of some vCPU in t.kgt are the 512 of the guest's beginning, and
# then what kage recorded.  Guests of others may run, and are seen by trace-cmd.
as_recorded()
{
	"$KAGE" trace dump own.kgt >own
	"$KAGE" trace dump t.kgt >all
	python3 - own all <<'COMPARE'
import collections, re, sys
own = []
for line in open(sys.argv[1]):
    run = re.match(r"  gfn=(\S+) pages=(\d+) ", line)
    if run:
        own += [int(run[1], 16) + i for i in range(int(run[2]))]
pushed = collections.defaultdict(list)
for line in open(sys.argv[2]):
    write = re.search(r" write gfn=(\S+) .* vcpu=(\d+)", line)
    pushed[write[2]].append(int(write[1], 16))
assert len(own) >= 300

def is_own(pages):
    fill, later = pages[:512], pages[512:]
    low = min(own) - min(later, default=0)  # memslots begin where the trace does not say
    return len(set(fill)) == 512 and sorted(p + low for p in later) == sorted(own)

assert any(is_own(pages) for pages in pushed.values()), {v: len(p) for v, p in pushed.items()}
COMPARE
}

@test "perf.data: the dirty ring's tracepoint says what kage recorded" {
	need perf
	ring perf record -q -e kvm:kvm_dirty_ring_push -o p.data -- || skip "perf cannot record here: $(head -n 1 log)"
	import perf-data p.data >/dev/null
	as_recorded
	perf script -i p.data >p.txt 2>/dev/null
	import perf-script p.txt >/dev/null
	as_recorded
	head -c 3000 p.data >cut.data
	run -3 import perf-data cut.data
}

@test "perf-script: behind a loss snapshots of regions are told apart again" {
	# three regions each, at 1 s, 2 s, ...; lines of the 3rd and the 4th are lost
	python3 - >p.txt <<'MAKE'
line = 0
for snapshot in range(1, 8):
    for region in range(3):
        line += 1
        if line == 8:
            print("  perf 9 3.500000000: PERF_RECORD_LOST lost 4")
        if 8 <= line < 12:
            continue
        print(f"  kdamond 5 [000] {snapshot}.00000000{region}: damon:damon_aggregated: target_id=0 nr_regions=3 "
              f"{region * 8192 + 4096}-{region * 8192 + 12288}: {snapshot} 0")
MAKE
	import perf-script p.txt >/dev/null
	"$KAGE" trace dump t.kgt >all
	grep -o 'hits=[0-9]*' all | uniq -c | awk '{ print $1, $2 }' >hits
	printf '3 hits=2\n3 hits=5\n3 hits=6\n3 hits=7\n' | cmp - hits
	# a snapshot begins where the one before ended, taken or not
	[ "$("$KAGE" trace export --to csv t.kgt -o - 2>/dev/null | sed 1d | cut -d, -f2,3 | uniq | tr '\n' ' ')" = \
		"0,1000000000 3000000000,4000000000 4000000000,5000000000 5000000000,6000000000 " ]
	sed 1d p.txt >late.txt # as it is when perf begins within a snapshot
	rm t.kgt
	import perf-script late.txt >/dev/null
	"$KAGE" trace dump t.kgt | cmp - all
}

@test "trace.dat: the same of trace-cmd" {
	need trace-cmd
	[ "$(id -u)" -eq 0 ] || skip "trace-cmd needs root"
	ring unshare -m "$BATS_TEST_DIRNAME/trace_cmd.sh" t.dat kvm:kvm_dirty_ring_push ||
		skip "trace-cmd cannot record here: $(grep -m 1 -v ^kage log)"
	import trace-dat t.dat -p slot=1 >/dev/null # the guest program's pages
	as_recorded
	head -c 3000 t.dat >cut.dat
	run -3 import trace-dat cut.dat
}

@test "perf.data: DAMON's regions, if a kdamond runs" {
	need perf
	perf record -q -a -e damon:damon_aggregated -o d.data -- sleep 2 >log 2>&1 ||
		skip "perf cannot record here: $(head -n 1 log)"
	perf script -i d.data -F time,event,trace 2>/dev/null | grep damon_aggregated >d.txt || true
	# a snapshot ends with the last of its regions; the first one is not taken
	snapshots=$(sed 's/.*nr_regions=\([0-9]*\) .*/\1/' d.txt | awk '{ if (++n >= $1) { s++; n = 0 } } END { print s + 0 }')
	[ "$snapshots" -ge 2 ] || skip "no kdamond reports here within 2 s"
	import perf-data d.data >/dev/null
	[ "$("$KAGE" trace info --json t.kgt | jq .totals.epochs)" -eq $((snapshots - 1)) ]
}
