# kage trace heat from the outside: stdout, stderr and exit code are checked apart.
# KAGE is the program under test.
bats_require_minimum_version 1.5.0

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
	samples=$BATS_TEST_DIRNAME/../datasets/samples
}

# heat <option>...
heat()
{
	run --separate-stderr "$KAGE" trace heat "$@"
}

# fails <code> <text>: nothing on stdout, <text> in the one line on stderr
fails()
{
	[ "$status" -eq "$1" ]
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "kage: "*"$2"* ]]
}

need_gnuplot()
{
	command -v gnuplot >/dev/null || skip "gnuplot is not installed (apt-get install gnuplot-nox)"
}

# is_png <file> <width> <height>
is_png()
{
	python3 - "$@" <<-'EOF'
		import struct, sys
		data = open(sys.argv[1], "rb").read()
		assert data[:8] == b"\x89PNG\r\n\x1a\n" and data[-8:-4] == b"IEND"
		size = struct.unpack(">II", data[16:24])
		assert size == (int(sys.argv[2]), int(sys.argv[3])), size
	EOF
}

@test "a pause is blank, a hole is named, a loss is marked" {
	"$ODD_TRACE" holes h.kgt
	heat --ascii --rows 12 --columns 30 h.kgt
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "${lines[0]}" = "     GiB  h.kgt: pages accessed by guest-physical address" ]
	[ "${lines[1]}" = "         |..........          .........." ]
	[[ "$output" == *$'\n'"    3.95 |##########          ##########"$'\n'"       ~ ~ no memory for 3.5 GiB ~"$'\n'* ]]
	[[ "$output" == *$'\n'"    0.00 |##########          ##########"$'\n'"         ++-"* ]]
	[[ "$output" == *$'\n'"    lost  $(printf "%25s" "")!    "$'\n'* ]]
	[[ "$output" == *"  time (s)"$'\n'* ]]
	[[ "$output" == *"each cell: share of pages accessed, of "*" in 1.0 ms"$'\n'* ]]
	[[ "$output" == *"! events were lost"* ]]
	[[ "$output" == *$'\n'". 0   - >0%   + >=3.3%   * >=10%   # >=33%   blank: not observed"* ]]
	if LC_ALL=C grep '[^ -~]' <<<"$output"; then false; fi
}

@test "what is no terminal gets shades, and no escapes" {
	heat -r 8 -c 20 "$samples/redis.kgt"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[[ "$output" == *"▓"* ]]
	[[ "$output" != *$'\033'* ]]
	[[ "$output" == *"time (s, by retired instructions)"* ]]
	[ "$(grep -c ' |' <<<"$output")" -eq 8 ]
}

@test "a terminal gets colours and its width" {
	command -v script >/dev/null || skip "script is not installed (apt-get install bsdutils)"
	"$ODD_TRACE" 2m t.kgt
	script -qec "stty cols 50; $KAGE trace heat --rows 4 t.kgt" /dev/null </dev/null >out 2>&1
	grep -q $'\033\\[38;5;' out
	[ "$(grep -c ' |' out)" -eq 4 ]
	sed 's/\x1b\[[0-9;]*[mK]//g' out | grep -qE '^ +\+[-+]{38}.?$'
	script -qec "$KAGE trace heat --ascii t.kgt" /dev/null </dev/null >out 2>&1
	if grep -q $'\033\\[38' out; then false; fi
}

@test "writes and looks are called by their names" {
	"$ODD_TRACE" dirty w.kgt
	heat w.kgt
	[[ "${lines[0]}" == *"w.kgt: pages written by guest-physical address" ]]
	[[ "$output" == *"each cell: share of pages written, of "* ]]
	"$ODD_TRACE" regions r.kgt
	heat --ascii -r 4 -c 10 r.kgt
	[[ "$output" == *"share of looks that found the page accessed"* ]]
	[ "${lines[1]}" = "         |" ]
	[ "${lines[2]}" = "         |.........." ]
	[ "${lines[4]}" = "    2.00 |##########" ]
	"$ODD_TRACE" both b.kgt
	heat --ascii -r 1 -c 10 b.kgt
	[ "${lines[1]}" = "    2.00 |#" ]
}

@test "columns are no narrower than the folds of a stream" {
	heat --ascii -r 1 -c 4000 "$samples/redis.kgt"
	[ "$status" -eq 0 ]
	[[ "$output" == *" in 6.0 ms"$'\n'* ]]
}

@test "a PNG appears whole or not at all" {
	need_gnuplot
	heat -o redis.png "$samples/redis.kgt"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ -z "$stderr" ]
	is_png redis.png 1000 620
	"$ODD_TRACE" holes "h'\"; set output 'evil.kgt"
	heat -r 1 -c 1 -o h.png "h'\"; set output 'evil.kgt"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	is_png h.png 1000 620
	"$KAGE" trace heat -o - "$samples/sqlite.kgt" >s.png
	is_png s.png 1000 620
	heat -o nosuch/x.png "$samples/redis.kgt"
	fails 3 "nosuch/x.png"
	[ "$(find . -type f ! -name 'separate-stderr-*' | wc -l)" -eq 4 ]
}

@test "without gnuplot there are characters only" {
	mkdir empty
	run --separate-stderr env PATH="$PWD/empty" "$KAGE" trace heat -o x.png "$samples/redis.kgt"
	fails 4 "gnuplot is not installed (apt-get install gnuplot-nox)"
	[ ! -e x.png ]
	run --separate-stderr env PATH="$PWD/empty" "$KAGE" trace heat "$samples/redis.kgt"
	[ "$status" -eq 0 ]
}

@test "of an unfinished or damaged trace, what is left is drawn" {
	"$ODD_TRACE" 2m t.kgt
	head -c 3000 t.kgt >cut.kgt
	heat cut.kgt
	fails 3 "cut.kgt: offset "
	heat --ascii --partial -r 1 -c 20 cut.kgt
	[ "$status" -eq 0 ]
	[[ "${lines[1]}" == *"|####################" ]]
	[[ "$stderr" == *"only a prefix of "* ]]
	python3 - <<-'EOF'
		data = bytearray(open("t.kgt", "rb").read())
		data[3000] ^= 1
		open("d.kgt", "wb").write(data)
	EOF
	heat --ascii -r 1 -c 20 d.kgt
	fails 3 "d.kgt: offset "
	heat --ascii --partial -r 1 -c 20 d.kgt
	[ "$status" -eq 0 ]
	[[ "${lines[1]}" =~ \|\#{3,17}$ ]]
	[[ "$stderr" == *"damaged at offset "* ]]
}

@test "what cannot be drawn is refused" {
	heat
	fails 2 "takes one trace"
	heat nosuch.kgt
	fails 3 "No such file"
	"$ODD_TRACE" empty e.kgt
	heat e.kgt
	fails 2 "no accesses over time"
	"$ODD_TRACE" huge h.kgt
	heat h.kgt
	fails 4 "16 TiB"
	"$ODD_TRACE" 2m t.kgt
	heat -o x.png --ascii t.kgt
	fails 2 "exclude each other"
	heat --rows 2001 t.kgt
	fails 2 "at most 2000 rows"
	heat --columns 4001 t.kgt
	fails 2 "4000 columns"
	heat --columns -1 t.kgt
	fails 2 "'-1'"
	run --separate-stderr bash -c 'cat t.kgt | "$KAGE" trace heat -'
	fails 4 "a pipe is read once"
	[ ! -e x.png ]
}
