# shellcheck shell=bash
# Build the idle kernel from Debian's source package: allnoconfig and idle.config.

# what changes when idle.config does
idle_config_id()
{
	echo "config-$(sha256sum <"$lab/idle.config" | cut -c1-8)"
}

# Folders whose Kconfig is read, but of which this configuration compiles nothing.
# They are two thirds of the source.
unused_source()
{
	local folder
	for folder in drivers/gpu drivers/net drivers/media drivers/staging drivers/scsi \
		drivers/infiniband sound; do
		echo "--exclude=*/$folder/*.[ch]"
	done
	echo "--exclude=*/arch/[!x]*/*"
	echo "--exclude=*/Documentation/*"
	echo "--exclude=*/tools/testing/*"
	echo "--exclude=*/tools/perf/*"
}

# extract_source <folder>
extract_source()
{
	local deb version
	deb=$(find "$1" -maxdepth 1 -name '*.deb')
	mkdir -p "$1/source/Documentation" || return 1
	: >"$1/source/Documentation/Kconfig"
	# shellcheck disable=SC2046 # one word per pattern
	dpkg-deb --fsys-tarfile "$deb" | tar -xO --wildcards '*.tar.xz' |
		(set -f && tar -xJ -C "$1/source" --strip-components=1 $(unused_source)) || return 1
	version=$(dpkg-deb -f "$deb" Version)
	echo "$version $(idle_config_id)" >"$1/source/version"
}

# configure_idle <folder>: each line of idle.config must have come through
configure_idle()
{
	local line
	make -C "$1" -s allnoconfig KCONFIG_ALLCONFIG="$lab/idle.config" || return 1
	while read -r line; do
		case $line in
		CONFIG_*) grep -qxF "$line" "$1/.config" || { say "not set: $line"; return 1; } ;;
		esac
	done <"$lab/idle.config"
}

# build_idle <folder>: $1/new is the kernel then
build_idle()
{
	local start=$SECONDS log=$lab_cache/build-idle.log
	"$lab/../install-packages" kernel || return 1
	say "building the idle kernel (some minutes; see $log)"
	extract_source "$1" && configure_idle "$1/source" >"$log" 2>&1 || return 1
	make -C "$1/source" -j"$(nproc)" KBUILD_BUILD_USER=kage KBUILD_BUILD_HOST=lab \
		KBUILD_BUILD_TIMESTAMP=2026-01-01 bzImage >>"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		return 1
	}
	mkdir -p "$1/new"
	cp "$1/source/arch/x86/boot/bzImage" "$1/new/bzImage" || return 1
	cp "$1/source/.config" "$1/new/config" || return 1
	release_of "$1/new/bzImage" >"$1/new/release" || return 1
	cp "$1/source/version" "$1/new/version" || return 1
	say "built in $((SECONDS - start)) s"
}
