# shellcheck shell=bash
# Get kernels as Debian packages, with an apt of our own: its lists, state and cache
# are in the lab's cache, and the system's apt is only asked for its mirror.
# What it cannot know: whether sid still has a 7.2; it takes the newest and says so.

# mirror_of <kind>: the base address that the system's apt uses for debian or
# debian-security
mirror_of()
{
	apt-get --print-uris update 2>/dev/null |
		sed -n "s,^'\([^']*/$1\)/*/dists/.*,\1,p" | head -n 1
}

# write_sources <suite>
write_sources()
{
	local main security key=/usr/share/keyrings/debian-archive-keyring.gpg
	main=${KAGE_DEBIAN_MIRROR:-$(mirror_of debian)}
	security=${KAGE_DEBIAN_SECURITY_MIRROR:-$(mirror_of debian-security)}
	if [ -z "$main" ] || [ ! -f "$key" ]; then
		say "this machine's apt knows no Debian mirror: set KAGE_DEBIAN_MIRROR and" \
			"KAGE_DEBIAN_SECURITY_MIRROR, and install debian-archive-keyring"
		return 1
	fi
	echo "deb [signed-by=$key] $main $1 main"
	[ "$1" = sid ] || [ -z "$security" ] ||
		echo "deb [signed-by=$key] $security $1-security main"
}

# setup_apt <suite>: from here on apt is the lab's own
setup_apt()
{
	local root=$lab_cache/apt/$1
	mkdir -p "$root/state/lists/partial" "$root/cache/archives/partial" || return 1
	write_sources "$1" >"$root/sources.list" || return 1
	: >"$root/state/status"
	cat >"$root/apt.conf" <<-END
	Dir::State "$root/state";
	Dir::State::status "$root/state/status";
	Dir::Cache "$root/cache";
	Dir::Etc::sourcelist "$root/sources.list";
	Dir::Etc::sourceparts "/dev/null";
	Dir::Etc::preferences "/dev/null";
	Dir::Etc::preferencesparts "/dev/null";
	APT::Architecture "amd64";
	APT::Architectures { "amd64"; };
	APT::Sandbox::User "root";
	Acquire::Languages "none";
	Acquire::Retries "3";
	Acquire::http::Timeout "30";
	END
	export APT_CONFIG=$root/apt.conf
	timeout 300 apt-get -qq update >"$root/update.log" 2>&1 && return
	tail -n 3 "$root/update.log" >&2
	return 1
}

# newest_package <pattern>: of the package names that match
newest_package()
{
	local name
	apt-cache pkgnames "${1%%\**}" | while read -r name; do
		# shellcheck disable=SC2053 # the pattern is one
		[[ $name == $1 ]] && echo "$name"
	done | grep -v -- -unsigned | sort -V | tail -n 1
}

# packages_of <kernel>: all that it consists of; sid has its images split in three
packages_of()
{
	local pattern first flavour
	pattern=$(kernel_field "$1" 3)
	first=$(newest_package "$pattern")
	if [ -z "$first" ] && [ "$1" = 7.2 ]; then
		first=$(newest_package 'linux-binary-*-cloud-amd64')
		say "sid has no 7.2 any more: $first stands for it"
	fi
	[ -n "$first" ] || return 1
	echo "$first"
	flavour=${first#linux-binary-}
	[ "$flavour" = "$first" ] || printf '%s\n' "linux-modules-$flavour" "linux-base-$flavour"
}

# download <suite> <kernel> <folder>: its packages, into the folder; the suite's lists are
# locked to the end, because another fetch may replace them
download()
{
	(
		lock "apt-$1"
		packages=$(setup_apt "$1" && packages_of "$2") ||
			die $lab_unreachable "cannot get $2: apt reaches no mirror that has it"
		export APT_CONFIG=$lab_cache/apt/$1/apt.conf
		# shellcheck disable=SC2086 # one word per package
		(cd "$3" && timeout 600 apt-get -qq download $packages >download.log 2>&1) || {
			tail -n 3 "$3/download.log" >&2
			die $lab_unreachable "cannot download" $packages
		}
	) || exit
}

# unpack_kernel <folder>: the packages there become what kernels.sh describes
unpack_kernel()
{
	local deb release image config
	for deb in "$1"/*.deb; do
		dpkg-deb -x "$deb" "$1/root" || return 1
	done
	image=$(find "$1/root" -name 'vmlinuz*' -type f | head -n 1)
	config=$(find "$1/root" -name 'config*' -type f -path '*[0-9]*' | head -n 1)
	[ -f "$image" ] && [ -f "$config" ] || return 1
	release=$(release_of "$image") || return 1
	mkdir -p "$1/new/lib/modules" || return 1
	mv "$image" "$1/new/bzImage"
	mv "$config" "$1/new/config"
	cp -r "$1/root"/lib/modules/* "$1/root"/usr/lib/modules/* "$1/new/lib/modules/" 2>/dev/null
	[ -d "$1/new/lib/modules/$release/kernel" ] || return 1
	depmod -b "$1/new" "$release" || return 1
	echo "$release" >"$1/new/release"
	dpkg-deb -f "$(find "$1" -maxdepth 1 -name '*.deb' | head -n 1)" Version >"$1/new/version"
}

# publish <folder> <kernel>: the complete folder takes the place of the old one
publish()
{
	local to
	to=$(kernel_dir "$2")
	rm -rf "$to.old"
	[ ! -e "$to" ] || mv "$to" "$to.old"
	mv "$1" "$to" || return 1
	rm -rf "$to.old"
}

# fetch_kernel <kernel>: in a subshell, so that its lock and folder go with it
fetch_kernel()
(
	lock "$1"
	if [ -z "$update" ] && is_current "$1"; then
		say "$1 is here: $(cat "$(kernel_dir "$1")/version")"
		exit 0
	fi
	mkdir -p "$lab_cache/kernels" || exit $lab_failed
	rm -rf "$lab_cache/kernels/.$1".?????? # what a killed one left
	work=$(mktemp -d "$lab_cache/kernels/.$1.XXXXXX") || exit $lab_failed
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT TERM
	download "$(kernel_field "$1" 2)" "$1" "$work"
	if [ "$1" = idle ]; then
		build_idle "$work" || die $lab_failed "cannot build the idle kernel"
	else
		unpack_kernel "$work" || die $lab_failed "cannot unpack $1: unexpected package content"
	fi
	publish "$work/new" "$1" || exit $lab_failed
	say "$1: $(cat "$(kernel_dir "$1")/version")"
)

# is_current <kernel>: it is cached, and was built from this configuration
is_current()
{
	is_cached "$1" || return 1
	[ "$1" != idle ] || [[ $(cat "$(kernel_dir idle)/version") == *" $(idle_config_id)" ]]
}

fetch_main()
{
	local name names="" update=""
	for name in "$@"; do
		if [ "$name" = --update ]; then
			update=1
		elif [ -z "$(kernel_field "$name" 1)" ]; then
			die $lab_usage "no kernel $name; there are:" $(kernel_names)
		else
			names="$names $name"
		fi
	done
	[ -n "$names" ] || die $lab_usage "fetch which of these?" $(kernel_names)
	need apt-get dpkg-deb depmod flock
	. "$lab/build_idle.sh"
	for name in $names; do
		fetch_kernel "$name" || exit
	done
}
