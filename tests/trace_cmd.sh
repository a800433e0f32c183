#!/bin/sh
# trace_cmd.sh OUTPUT EVENT COMMAND...: record an event in an instance of its own, which
# goes with it.  In a mount namespace of ours (unshare -m): where function tracing is
# locked, trace-cmd fails on files that it need not write, so these are covered.
output=$1 event=$2
shift 2
tracefs=/sys/kernel/tracing
name=kage-test-$$
empty=$(mktemp)
mkdir "$tracefs/instances/$name" || exit 1
for file in /proc/sys/kernel/ftrace_enabled "$tracefs/instances/$name"/set_*; do
	[ -e "$file" ] && mount --bind "$empty" "$file"
done
echo 1 >"$empty"
trace-cmd record -B "$name" -e "$event" -o "$output" "$@"
status=$?
for file in "$tracefs/instances/$name"/set_*; do
	umount "$file" 2>/dev/null
done
[ -d "$tracefs/instances/$name" ] && rmdir "$tracefs/instances/$name"
rm -f "$empty"
exit $status
