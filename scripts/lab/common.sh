# shellcheck shell=bash
# What all parts of the lab share: where the cache is, how a message looks, locks.

lab_cache=${KAGE_CACHE:-$HOME/.cache/kage}
PATH=$PATH:/usr/sbin:/sbin # kmod's place, not in every user's path

# Exit codes of the lab itself.  SCRIPT's own code comes out as it is, so lab.json's
# "outcome" decides where one could be the other.
lab_usage=2       # wrong arguments
lab_unreachable=3 # what a kernel is made from cannot be had here
lab_lost=120      # the machine stopped without a word
lab_panic=121
lab_oops=122
lab_hang=123    # the kernel no longer answers
lab_timeout=124 # SCRIPT ran longer than --timeout
lab_failed=125  # the lab could not do what was asked for

say()
{
	echo "kage-lab: $*" >&2
}

# die <code> <message>...
die()
{
	local code=$1
	shift
	say "$@"
	exit "$code"
}

# need <command>...: each is installed
need()
{
	local name
	for name in "$@"; do
		command -v "$name" >/dev/null ||
			die $lab_failed "$name is not installed (scripts/install-packages)"
	done
}

# lock <name>: wait for it; it is held until this process ends
lock()
{
	mkdir -p "$lab_cache/locks" || exit $lab_failed
	exec {lock_fd}>"$lab_cache/locks/$1" || exit $lab_failed
	flock -n "$lock_fd" && return
	say "waiting for another kage-lab ($1)"
	flock "$lock_fd"
}
