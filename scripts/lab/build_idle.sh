# shellcheck shell=bash
# Build the idle kernel from Debian's source package: allnoconfig and idle.config.

# what changes when idle.config does
idle_config_id()
{
	echo "config-$(sha256sum <"$lab/idle.config" | cut -c1-8)"
}

# unused_source: patterns of what is not extracted, as this configuration compiles
# nothing of it; only its Kconfig files are read
unused_source()
{
	local folder
	for folder in drivers/gpu "drivers/net/*" drivers/media drivers/staging drivers/scsi \
		drivers/infiniband sound; do
		echo "--exclude=*/$folder/*.[ch]"
	done
	echo "--exclude=*/arch/[!x]*/*.[chS]"
	echo "--exclude=*/arch/[!x]*/*.dts*"
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

make_idle()
{
	make -C "$1" -j"$(nproc)" KBUILD_BUILD_USER=kage KBUILD_BUILD_HOST=lab \
		KBUILD_BUILD_TIMESTAMP=2026-01-01 bzImage
}

# build_idle <folder>: $1/new is the kernel then
build_idle()
{
	local start=$SECONDS log=$lab_cache/build-idle.log
	"$lab/../install-packages" kernel ||
		die $lab_unreachable "cannot build idle: packages that it needs are not installed"
	say "building the idle kernel (some minutes; see $log)"
	if ! { extract_source "$1" && configure_idle "$1/source" && make_idle "$1/source"; } >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		return 1
	fi
	mkdir -p "$1/new"
	cp "$1/source/arch/x86/boot/bzImage" "$1/new/bzImage" || return 1
	cp "$1/source/.config" "$1/new/config" || return 1
	release_of "$1/new/bzImage" >"$1/new/release" || return 1
	cp "$1/source/version" "$1/new/version" || return 1
	say "built in $((SECONDS - start)) s"
}
