# shellcheck shell=bash
# How a machine ended, from what it said on its status port and its console.

# outcome_of <status file> <console file> <QEMU's exit code>: "exit N", or one of
# timeout, panic, oops, hang, lost.  An oops ends in a panic too (oops=panic).
outcome_of()
{
	local code
	code=$(sed -n 's/^exit //p' "$1" 2>/dev/null)
	if [ "$code" = late ]; then
		echo timeout
	elif [ -n "$code" ]; then
		echo "exit $code"
	elif grep -q 'Kernel panic - not syncing: Fatal exception' "$2" 2>/dev/null; then
		echo oops
	elif grep -q 'Kernel panic - not syncing' "$2" 2>/dev/null; then
		echo panic
	elif [ "$3" -eq 124 ] || [ "$3" -eq 137 ]; then
		echo hang
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
	hang) echo $lab_hang ;;
	*) echo $lab_lost ;;
	esac
}

# sentence_of <outcome>...
sentence_of()
{
	case $1 in
	timeout) echo "the script ran longer than $timeout s" ;;
	panic) echo "the kernel panicked" ;;
	oops) echo "the kernel had an oops" ;;
	hang) echo "the kernel hangs: no answer after $((timeout + boot_grace)) s" ;;
	*) echo "the machine stopped without a word" ;;
	esac
}
