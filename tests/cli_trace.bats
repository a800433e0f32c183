# kage trace from the outside: standard output, standard error and exit codes
# are checked apart.  KAGE is the program under test.
bats_require_minimum_version 1.5.0

setup()
{
	cd "$BATS_TEST_TMPDIR"
}

# small <generator> [option...]: write t.kgt
small()
{
	"$KAGE" trace synth "$1" --pages 256 -n 5000 -o t.kgt "${@:2}" >id
}

@test "synth prints the content id that info and check confirm" {
	small zipf
	read -r id name <id
	[ "$name" = t.kgt ]
	run --separate-stderr -0 "$KAGE" trace check t.kgt
	[[ "$output" == *"content id  $id"* ]]
	[ -z "$stderr" ]
	run --separate-stderr -0 "$KAGE" trace info t.kgt
	[[ "$output" == *"content id  $id"* ]]
	[[ "$output" == *"5,000 records"* ]]
}

@test "the same seed gives the same id, another seed another" {
	small zipf --seed 1 && read -r first _ <id
	small zipf --seed 1 && read -r again _ <id
	small zipf --seed 2 && read -r other _ <id
	[ "$first" = "$again" ]
	[ "$first" != "$other" ]
}

@test "info --json is one JSON document" {
	small hotcold --epoch 100us
	"$KAGE" trace info --json t.kgt >info.json
	python3 -c 'import json; d = json.load(open("info.json"))
assert d["totals"]["epochs"] == 5 and d["meta"]["source"] == "synth"
assert not d["partial"]'
}

@test "info shows the details" {
	small zipf --seed 7
	run -0 "$KAGE" trace info t.kgt
	[[ "$output" == *$'\ngenerator   zipf\n'*$'\nseed        7\n'* ]]
	[[ "$output" == *$'\nwrites      0.3'* ]]
	[[ "$output" != *"folded"* ]]
	run -0 "$KAGE" trace info "$BATS_TEST_DIRNAME/../datasets/samples/redis.kgt"
	[[ "$output" == "source      tcg, exact, folded to 6.0 ms"$'\n'* ]]
	[[ "$output" == *$'\ncommand     ["'* ]]
}

@test "traces go through pipes" {
	small loop
	read -r id _ <id
	run --separate-stderr -0 bash -c '"$KAGE" trace cut -o - - <t.kgt 2>cut.id | cat | "$KAGE" trace check -'
	[[ "$output" == *"$id"* ]]
	[ -z "$stderr" ]
	grep -q "$id" cut.id
}

@test "a cut file is bad input, with the offset" {
	small zipf
	head -c 2000 t.kgt >cut.kgt
	run --separate-stderr -3 "$KAGE" trace check cut.kgt
	[ -z "$output" ]
	[[ "$stderr" == "kage: cut.kgt: offset "* ]]
}

@test "--partial reads a prefix and says so on stderr" {
	small hotcold --epoch 50us
	head -c 2000 t.kgt >cut.kgt
	run --separate-stderr -0 "$KAGE" trace check --partial cut.kgt
	[[ "$stderr" == *"only a prefix of "*" records was read, up to byte "* ]]
	cp cut.kgt name.kgt.part
	run --separate-stderr -0 "$KAGE" trace info name.kgt.part
	[[ "$stderr" == *"only a prefix"* ]]
}

@test "recover makes NAME of NAME.part" {
	small hotcold --epoch 50us
	head -c 2000 t.kgt >r.kgt.part
	run --separate-stderr -0 "$KAGE" trace recover r.kgt.part
	[ ! -e r.kgt.part ]
	run -0 "$KAGE" trace check r.kgt
}

# damage: make d.kgt, a finished file with a flipped byte in the middle
damage()
{
	"$KAGE" trace synth zipf --pages 256 -n 200000 -o d.kgt >d.id
	python3 - d.kgt <<-'EOF'
		import sys
		data = bytearray(open(sys.argv[1], "rb").read())
		data[len(data) // 2] ^= 1
		open(sys.argv[1], "wb").write(data)
	EOF
}

@test "of a damaged file, only what was read is told" {
	damage
	read -r id _ <d.id
	run --separate-stderr -3 "$KAGE" trace check --partial d.kgt
	[[ "$output" != *"$id"* ]]
	[[ "$output" != *"200,000 records"* ]]
	[[ "$stderr" == "kage: d.kgt: damaged at offset "*"only a prefix of "* ]]
	[[ "$stderr" != *"unfinished"* ]]
	checked=$output
	run --separate-stderr -0 "$KAGE" trace info --partial d.kgt
	[[ "$output" == *"$checked"* ]]
	[[ "$stderr" == "kage: d.kgt: damaged at offset "* ]]
	"$KAGE" trace info --json --partial d.kgt >info.json
	python3 -c 'import json; d = json.load(open("info.json"))
assert d["damaged"] and d["partial"] and d["totals"]["events"] < 200000'
	run --separate-stderr -3 "$KAGE" trace check --partial - <d.kgt
	run --separate-stderr -3 bash -c 'cat d.kgt | "$KAGE" trace check --partial -'
	[[ "$stderr" == *"damaged at offset"* ]]
	run --separate-stderr -0 "$KAGE" trace cut --partial -o saved.kgt d.kgt
	[[ "$stderr" == "kage: d.kgt: damaged at offset "*"only a prefix of "* ]]
	read -r saved _ <<<"$output"
	[[ "$checked" == *"$saved"* ]]
	run -0 "$KAGE" trace check saved.kgt
}

@test "recover leaves a damaged finished file alone" {
	damage
	cp d.kgt before.kgt
	run --separate-stderr -3 "$KAGE" trace recover d.kgt
	[[ "$stderr" == "kage: d.kgt: offset "*"trace cut --partial -o OTHER"* ]]
	cmp d.kgt before.kgt
	cp d.kgt e.kgt.part
	run --separate-stderr -3 "$KAGE" trace recover e.kgt.part
	cmp e.kgt.part before.kgt
	# Without its end, a damaged NAME may not lose what is behind either.
	head -c -10 d.kgt >f.kgt
	run --separate-stderr -3 "$KAGE" trace recover f.kgt
}

@test "recover mends the end of a file, and says what it drops" {
	small zipf
	read -r id _ <id
	cp t.kgt appended.kgt
	echo more >>appended.kgt
	head -c -1 t.kgt >cut.kgt
	echo >>cut.kgt
	for file in appended.kgt cut.kgt; do
		run --separate-stderr -3 "$KAGE" trace check "$file"
		[[ "$stderr" == *"trace recover"* ]]
		run --separate-stderr -3 "$KAGE" trace check --partial "$file"
		[[ "$output" == *"$id"*"5,000 records"* ]]
		run --separate-stderr -0 "$KAGE" trace recover "$file"
		[[ "$output" == "$id  5,000 records" ]]
		[[ "$stderr" == "kage: $file: dropped "*" bytes"* ]]
		run --separate-stderr -0 "$KAGE" trace check "$file"
	done
}

@test "a .part in the way is not overwritten" {
	echo precious >t.kgt.part
	run --separate-stderr -4 "$KAGE" trace synth loop -n 10 -o t.kgt
	[[ "$stderr" == *"trace recover"* ]]
	[ "$(cat t.kgt.part)" = precious ]
}

@test "coarsen by two twice is by four" {
	small hotcold --epoch 20us
	"$KAGE" trace coarsen --by 2 -o two.kgt t.kgt
	twice=$("$KAGE" trace coarsen --by 2 -o twice.kgt two.kgt)
	once=$("$KAGE" trace coarsen --by 4 -o once.kgt t.kgt)
	[ "${twice%% *}" = "${once%% *}" ]
}

@test "a folded stream is what synth writes as epochs" {
	small scan --epoch 70us -p hot=16
	read -r direct _ <id
	small scan -p hot=16
	folded=$("$KAGE" trace coarsen --period 70us -o folded.kgt t.kgt)
	[ "$direct" = "${folded%% *}" ]
}

@test "the epochs of a cut stream begin where it does" {
	small loop
	"$KAGE" trace cut --from 200us --to 300us -o cut.kgt t.kgt
	"$KAGE" trace coarsen --period 50us -o epochs.kgt cut.kgt
	run -0 "$KAGE" trace dump epochs.kgt
	[[ "${lines[0]}" == "epoch 0 (200000, 250000] "* ]]
	run -0 "$KAGE" trace info epochs.kgt
	[[ "$output" == *"epochs      2 "* ]]
}

@test "cut keeps the epochs named" {
	small hotcold --epoch 20us
	"$KAGE" trace cut --epochs 2..4 -o cut.kgt t.kgt
	run -0 "$KAGE" trace info cut.kgt
	[[ "$output" == *"epochs      3 "* ]]
}

@test "a cut of nothing is an error or a warning" {
	small loop
	run --separate-stderr -2 "$KAGE" trace cut --from 5s --to 1s -o x.kgt t.kgt
	[[ "$stderr" == *"--from is behind --to"* ]]
	[ ! -e x.kgt ]
	run --separate-stderr -0 "$KAGE" trace cut --from 5s -o x.kgt t.kgt
	[[ "$stderr" == "kage: x.kgt: no record was selected"* ]]
}

@test "a stream has no epochs to cut or to join" {
	small loop
	run --separate-stderr -2 "$KAGE" trace cut --epochs 0..1 -o x.kgt t.kgt
	[[ "$stderr" == *"not an epoch trace"*"coarsen --period"* ]]
	run --separate-stderr -2 "$KAGE" trace coarsen --by 2 -o x.kgt t.kgt
	[[ "$stderr" == *"not an epoch trace"*"--period"* ]]
	run --separate-stderr -2 bash -c 'cat t.kgt | "$KAGE" trace coarsen --by 2 -o x.kgt -'
	[[ "$stderr" == *"not an epoch trace"* ]]
	[ ! -e x.kgt ] && [ ! -e x.kgt.part ]
}

@test "dump obeys its limit" {
	small loop --writes 0
	run --separate-stderr -0 "$KAGE" trace dump -n 2 t.kgt
	[ "${#lines[@]}" -eq 2 ]
	[ "${lines[1]}" = "200 read gfn=0x1 count=1 vcpu=0" ]
	run -0 "$KAGE" trace dump --help
	[[ "$output" == *"Times are ticks"* ]]
}

@test "hits and samples of regions are kept and shown" {
	"$ODD_TRACE" regions r.kgt
	run --separate-stderr -0 "$KAGE" trace check r.kgt
	[ -z "$stderr" ]
	run --separate-stderr -0 "$KAGE" trace dump -n 2 r.kgt
	[[ "${lines[0]}" == *" pages=1536 order=unknown samples=20" ]]
	[ "${lines[1]}" = "  gfn=0x200 pages=512 level=4K accessed hits=5" ]
	[ "${lines[2]}" = "  gfn=0x400 pages=1024 level=4K hits=0" ]
	"$KAGE" trace coarsen --by 4 -o four.kgt r.kgt
	run --separate-stderr -0 "$KAGE" trace dump -n 2 four.kgt
	[[ "${lines[0]}" == *" samples=80" ]]
	[ "${lines[1]}" = "  gfn=0x200 pages=512 level=4K accessed hits=20" ]
	[ "${lines[2]}" = "  gfn=0x400 pages=1024 level=4K hits=0" ]
	"$KAGE" trace cut --epochs 1..2 -o cut.kgt r.kgt
	run --separate-stderr -0 "$KAGE" trace dump -n 1 cut.kgt
	[ "${lines[1]}" = "  gfn=0x200 pages=512 level=4K accessed hits=5" ]
}

@test "a loss of unknown number is a lower bound" {
	"$ODD_TRACE" lost l.kgt
	run --separate-stderr -0 "$KAGE" trace dump l.kgt
	[ "${lines[1]}" = "1000 lost gfn=0 count=5 vcpu=0" ]
	[ "${lines[2]}" = "2000 lost gfn=0 count=1 vcpu=0 reason=unknown" ]
	run --separate-stderr -0 "$KAGE" trace check l.kgt
	[[ "$output" == *"4 records, 2 accesses, at least 6 lost"* ]]
	"$KAGE" trace info --json l.kgt >info.json
	python3 -c 'import json; t = json.load(open("info.json"))["totals"]
assert (t["lost"], t["lost_unknown"]) == (6, 1)'
	"$KAGE" trace cut --to 1us -o cut.kgt l.kgt
	run --separate-stderr -0 "$KAGE" trace check cut.kgt
	[[ "$output" == *"2 records, 1 accesses, 5 lost"* ]]
}

@test "info counts pages: footprint, working set, memslots" {
	small loop
	run --separate-stderr -0 "$KAGE" trace info t.kgt
	[ -z "$stderr" ]
	[[ "$output" == *$'\nfidelity    A generator made it; no guest was observed.\n'* ]]
	[[ "$output" == *$'\nfootprint   256 pages accessed, 1.0 MiB: 100.00 % of the guest\n'* ]]
	[[ "$output" == *" median, "*" max pages in 64 windows of 7.8 us"$'\n'* ]]
	[[ "$output" =~ $'\n'memslots.*accessed.*$'\n'" "+0" "+256" "+256" "+100.00" " ]]
	run --separate-stderr -0 "$KAGE" trace info --window 1ms t.kgt
	[[ "$output" == *$'\nworking set 256 min, 256 median, 256 max pages in 1 windows of 1.0 ms\n'* ]]
	"$KAGE" trace info --json -w 25600ns t.kgt >info.json
	python3 -c 'import json; p = json.load(open("info.json"))["pages"]
assert p["footprint"] == 256 and p["epochs"] is None and p["seen"] == "accessed"
assert p["windows"]["max"] == 256 and p["windows"]["ticks"] == 25600, p
assert p["slots"] == [{"gfn": 0, "npages": 256, "seen": 256}]'
}

@test "info --quick counts nothing" {
	small hotcold --epoch 100us
	run --separate-stderr -0 "$KAGE" trace info t.kgt
	[[ "$output" == *"working set "*" max pages in 5 epochs"$'\n'* ]]
	run --separate-stderr -0 "$KAGE" trace info --quick t.kgt
	[[ "$output" != *"footprint"* ]]
	[[ "$output" == *"epochs      5 with "* ]]
	"$KAGE" trace info --quick --json t.kgt >info.json
	python3 -c 'import json; d = json.load(open("info.json"))
assert d["pages"] is None and d["totals"]["epochs"] == 5'
	run --separate-stderr -2 "$KAGE" trace info --quick --window 1s t.kgt
	[ -z "$output" ]
	run --separate-stderr -2 "$KAGE" trace info --window 0.1s --window x t.kgt
	[ -z "$output" ]
}

@test "info reads pipes and what is left of a file" {
	small loop
	run --separate-stderr -0 bash -c 'cat t.kgt | "$KAGE" trace info -'
	[ -z "$stderr" ]
	[[ "$output" == *" pages in 1 windows of 1.0 s"* ]]
	head -c -40 t.kgt >cut.kgt
	run --separate-stderr -3 "$KAGE" trace info cut.kgt
	[ -z "$output" ]
	run --separate-stderr -0 "$KAGE" trace info --partial cut.kgt
	[[ "$output" == *"footprint   256 pages accessed"* ]]
	[[ "$stderr" == *"only a prefix of"* ]]
	damage
	run --separate-stderr -3 "$KAGE" trace info d.kgt
	[ -z "$output" ]
	[[ "$stderr" == "kage: d.kgt: offset "* ]]
	run --separate-stderr -0 "$KAGE" trace info --quick d.kgt
	[[ "$output" == *"200,000 records"* ]]
	run --separate-stderr -0 "$KAGE" trace info --partial d.kgt
	[[ "$output" == *"footprint "* ]]
}

@test "info says what writes and idle regions are" {
	"$ODD_TRACE" dirty w.kgt
	run --separate-stderr -0 "$KAGE" trace info w.kgt
	[[ "$output" == *"channels    dirty (what was only read is not known)"* ]]
	[[ "$output" == *"footprint   2,048 pages written, "* ]]
	"$ODD_TRACE" regions r.kgt
	run --separate-stderr -0 "$KAGE" trace info r.kgt
	[[ "$output" == *"fidelity    Looks at single pages stand for whole regions"* ]]
	[[ "$output" == *"footprint   512 pages accessed, 2.0 MiB: 25.00 % of the guest"* ]]
	[[ "$output" == *"working set 512 min, 512 median, 512 max pages in 40 epochs"* ]]
	"$ODD_TRACE" both b.kgt
	run --separate-stderr -0 "$KAGE" trace info b.kgt
	[[ "$output" == *"max pages in 1 epochs"* ]]
	"$ODD_TRACE" lost l.kgt
	run --separate-stderr -0 "$KAGE" trace info l.kgt
	[[ "$output" == *"2 accesses, at least 6 lost"$'\n'"loss        of unknown number 1 times"* ]]
	"$ODD_TRACE" empty e.kgt
	run --separate-stderr -0 "$KAGE" trace info e.kgt
	[[ "$output" == *"footprint   0 pages accessed, 0 B: 0.00 % of the guest"* ]]
	[[ "$output" != *"working set"* ]]
}

@test "a guest that is too large to count is not counted" {
	"$ODD_TRACE" huge h.kgt
	run --separate-stderr -4 "$KAGE" trace info h.kgt
	[ -z "$output" ]
	[[ "$stderr" == "kage: the pages of a guest of 16 TiB or more cannot be counted" ]]
	run --separate-stderr -0 "$KAGE" trace info --quick h.kgt
	[[ "$output" == *"guest       1 vCPUs, "* ]]
}

@test "usage errors exit with 2" {
	run --separate-stderr -2 "$KAGE" trace synth nosuch -o t.kgt
	[[ "$stderr" == *"known: zipf"* ]]
	run --separate-stderr -2 "$KAGE" trace coarsen -o x.kgt t.kgt t.kgt
	run --separate-stderr -2 "$KAGE" trace synth zipf -o t.kgt -p s=99
	run --separate-stderr -2 "$KAGE" trace info
}

@test "a file that is not there is bad input" {
	run --separate-stderr -3 "$KAGE" trace info nosuch.kgt
	[[ "$stderr" == *"No such file"* ]]
}

@test "a folder is bad input, and a missing one no place for output" {
	small loop
	mkdir folder
	run --separate-stderr -3 "$KAGE" trace info folder
	[ "$stderr" = "kage: folder: is a directory" ]
	run --separate-stderr -4 "$KAGE" trace cut -o nosuch/x.kgt t.kgt
	[[ "$stderr" == *"nosuch/x.kgt.part: cannot create: the folder does not exist"* ]]
	run --separate-stderr -4 "$KAGE" trace cut -o folder t.kgt
	[[ "$stderr" == *"folder: cannot create: it is a directory"* ]]
}
