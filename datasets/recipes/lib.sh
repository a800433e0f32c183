# What the recipes share: Debian packages into an initramfs, and one recorded boot.
# Sourced by bash.  A recipe sets `workload` and calls, in this order:
#   need_packages, start_root, add_program or add_tree, add_init, record_guest
#
# KAGE_SEED=N (1 to 28, default 1) makes another sample of the same workload: the guest's
# random numbers follow from it, and its date is the Nth of January, which a workload
# without chance of its own takes as its seed.
#
# Nothing outside the cache folder and the output file is written; no package is
# installed.
set -euo pipefail
shopt -s inherit_errexit # or a failure in $( ) goes unseen

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_dir=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kage
packages=$cache/packages   # extracted, one folder per name_version
root=$cache/root-$workload # what becomes the initramfs
kage=${KAGE:-$source_dir/build/kage}
seed=${KAGE_SEED:-1}
smp=1 # vCPUs
span=marked
versions=()

say()
{
	echo "$workload: $*" >&2
}

# extract <folder> <name=version>: into a folder of its own.
extract()
{
	rm -rf "$1" && mkdir -p "$1" &&
		(cd "$1" && apt-get download -qq -o APT::Sandbox::User=root "$2" &&
			dpkg-deb -x ./*.deb . && rm ./*.deb)
}

# package_dir <name>: download and extract a package once; prints its folder.  Called in
# $( ) and before ||, where -e does not hold: every step says itself that it failed.
package_dir()
{
	local version dir
	version=$(apt-cache policy "$1" | sed -n 's/ *Candidate: //p') || return 1
	if [ -z "$version" ] || [ "$version" = "(none)" ]; then
		say "no package $1 here; run: apt-get update"
		return 1
	fi
	dir=$packages/$1_${version//:/%3a}
	if [ ! -d "$dir" ]; then
		say "fetching $1 $version"
		if ! extract "$dir.new" "$1=$version" >&2 || ! mv "$dir.new" "$dir"; then
			rm -rf "$dir.new"
			say "cannot fetch $1 $version"
			return 1
		fi
	fi
	echo "$dir"
}

# need_packages <name>...: make them available to add_program.
need_packages()
{
	local name dir
	search=()
	for name in "$@"; do
		dir=$(package_dir "$name") || return 1
		search+=("$dir")
		versions+=("$(basename "${search[-1]}")")
	done
}

# found <path or library>: where an extracted package has it.
found()
{
	local dir file
	for dir in "${search[@]}"; do
		file=$(find "$dir" \( -path "$dir/$1" -o -path "*/lib/*/$1" -o -path "*/lib64/$1" \) -print -quit)
		if [ -n "$file" ]; then
			echo "$file"
			return
		fi
	done
}

# start_root: an empty initramfs, which no other run of this recipe builds meanwhile.
start_root()
{
	local busybox
	mkdir -p "$cache"
	exec {lock}>"$root.lock"
	flock "$lock"
	rm -rf "$root"
	mkdir -p "$root"/{bin,lib64,lib/x86_64-linux-gnu,proc,sys,dev,tmp}
	busybox=$(package_dir busybox-static)
	versions+=("$(basename "$busybox")")
	cp "$busybox/bin/busybox" "$root/bin/"
	gcc -nostdlib -static -DMARK=0x6b616731 -o "$root/bin/kage-start" "$source_dir/capture/tcg/guest/mark.S"
	gcc -nostdlib -static -DMARK=0x6b616732 -o "$root/bin/kage-stop" "$source_dir/capture/tcg/guest/mark.S"
}

# add_library <name>: a shared library and what it needs in turn.
add_library()
{
	local file to="$root/lib/x86_64-linux-gnu/$1"
	[ -e "$to" ] && return
	file=$(found "$1")
	if [ -z "$file" ]; then
		say "library $1 is in none of: ${search[*]##*/}"
		return 1
	fi
	cp -L "$file" "$to"
	add_needed "$to"
}

add_needed()
{
	local library
	for library in $(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
		add_library "$library"
	done
}

# add_program <path in its package>: copied to /bin with its libraries.
add_program()
{
	local to
	to=$root/bin/$(basename "$1")
	cp -L "$(found "$1")" "$to"
	add_needed "$to"
	ln -sf ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$root/lib64/ld-linux-x86-64.so.2"
}

# add_tree <name>...: all of the packages, but for what people read.
add_tree()
{
	local name dir
	for name in "$@"; do
		dir=$(package_dir "$name")
		tar -C "$dir" -c --exclude=./usr/share/doc --exclude=./usr/share/man \
			--exclude=./usr/share/locale --exclude=./usr/share/info \
			--exclude=./usr/share/lintian --exclude=__pycache__ . |
			tar -C "$root" -x --keep-directory-symlink
	done
}

# add_users <name>...: for programs that look themselves up; the first one is number 0.
add_users()
{
	local name id=0
	mkdir -p "$root/etc"
	for name in "$@"; do
		echo "$name:x:$id:$id::/tmp:/bin/sh" >>"$root/etc/passwd"
		echo "$name:x:$id:" >>"$root/etc/group"
		id=$((id + 70))
	done
}

# add_init: standard input is the part of /init that the workload adds.
add_init()
{
	{
		cat <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs -o size=90% tmp /tmp
ip link set lo up 2>/dev/null
INIT
		cat
		echo "poweroff -f"
	} >"$root/init"
	chmod +x "$root/init"
}

# The newest kernel that linux-image-amd64 stands for.
kernel_package()
{
	apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1
}

write_about()
{
	python3 - "$workload" "$kernel" "$description" "${versions[@]}" <<'ABOUT'
import json, sys
workload, kernel, description, *versions = sys.argv[1:]
print(json.dumps({"workload": workload, "description": description,
                  "kernel": kernel, "packages": versions, "licence": "CC0-1.0"}))
ABOUT
}

# record_guest <memory> <fold> <output>: boot the initramfs and record what lies
# between the marks.  KAGE_FOLD replaces the fold, to see what folding hides.  The clock
# of a guest with one vCPU is the instruction count, so two runs of the same packages
# with the same seed give nearly the same trace.  With more vCPUs it is real time: under
# -icount, QEMU before 8.1 lets a vCPU that waits for another take all of the time, and
# Linux does not even boot.  So no such recipe may measure its work in time.
# Does not return: who ends the recipe ends kage, and so QEMU.
record_guest()
{
	local output image=$workload.cpio.gz dir bzimage clock=(-icount "shift=0,sleep=off")
	[ "$smp" = 1 ] || clock=()
	output=$(realpath -m "$3")
	kernel=$(kernel_package)
	dir=$(package_dir "$kernel")
	kernel=$(basename "$dir")
	cd "$cache" # file names in the trace's header are relative to it
	bzimage=$(echo packages/"$kernel"/boot/vmlinuz-*)
	write_about >"$workload.json"
	find "$root" -exec touch -h -d @0 {} +
	(cd "$root" && find . -print0 | LC_ALL=C sort -z |
		cpio --null --create --format=newc --owner=0:0 --reproducible --quiet | gzip -n -1) >"$image"
	exec "$kage" record -b tcg -o "$output" --ns-per-insn 1 \
		--params "span=$span,fold=${KAGE_FOLD:-$2}" --about "$workload.json" -- \
		qemu-system-x86_64 -nodefaults -display none -no-reboot \
		-machine pc -cpu qemu64,+rdrand -m "$1" \
		"${clock[@]}" -rtc "$(printf 'base=2026-01-%02d,clock=vm' "$seed")" \
		-seed "$seed" -smp "$smp" \
		-serial "file:$workload.log" \
		-kernel "$bzimage" -initrd "$image" -append "console=ttyS0 quiet"
}
