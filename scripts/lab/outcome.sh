# shellcheck shell=bash
# How a machine ended, from what it said on its status port and its console.

# outcome_of <status file> <console file> <QEMU's exit code>: "exit N", "failed WHY", or
# one of timeout, panic, oops, hang, lost.  An oops ends in a panic too (oops=panic).
outcome_of()
{
	local code
	code=$(sed -n 's/^exit //p' "$1" 2>/dev/null)
	if grep '^failed ' "$1" 2>/dev/null; then
		return
	elif [ "$code" = late ]; then
		echo timeout
	elif [ -n "$code" ]; then
		echo "exit $code"
	elif grep -q 'Kernel panic - not syncing: Fatal exception' "$2" 2>/dev/null; then
		echo oops
	elif grep -q 'Kernel panic - not syncing' "$2" 2>/dev/null; then
		echo panic
	elif [ "$3" -eq 124 ] || [ "$3" -eq 137 ]; then
		echo hang
	elif [ "$3" -ne 0 ]; then
		echo "failed QEMU ended with code $3"
	else
		echo lost
	fi
}

# code_of <outcome>...: what kage-lab run ends with
code_of()
{
	case $1 in
	exit) echo "$2" ;;
	timeout) echo $lab_timeout ;;
	panic) echo $lab_panic ;;
	oops) echo $lab_oops ;;
	failed) echo $lab_failed ;;
	hang) echo $lab_hang ;;
	*) echo $lab_lost ;;
	esac
}

panic_line()
{
	sed -n 's/.*Kernel panic - not syncing: //p' "$output/lab.console" | head -n 1
}

oops_line()
{
	grep -m 1 -oE '(BUG|Oops|general protection|kernel BUG).*' "$output/lab.console"
}

# sentence_of <outcome>...
sentence_of()
{
	case $1 in
	timeout) echo "the script ran longer than $timeout s" ;;
	panic) echo "the kernel panicked: $(panic_line)" ;;
	failed) shift && echo "no machine as asked for: $*" ;;
	oops) echo "the kernel had an oops: $(oops_line)" ;;
	hang) echo "the kernel hangs: no answer after $((timeout + grace)) s" ;;
	*) echo "the machine stopped without a word" ;;
	esac
}
