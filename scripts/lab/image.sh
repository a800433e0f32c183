# shellcheck shell=bash
# The initramfs of a run: busybox, init, kage, tools with their libraries, modules.

# what is loaded at boot where it is no part of the kernel, in this order
# (6.1 compresses zram by lzo-rle through the crypto layer)
boot_modules="virtio_pci virtio_console kvm-amd kvm-intel lzo-rle zram"

# put_program <root> <file> <path>: with the libraries it is linked to, if it is a program
put_program()
{
	local library
	cp -L "$2" "$1$3" && chmod +x "$1$3" || return 1
	ldd "$2" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
		mkdir -p "$1$(dirname "$library")" && cp -Lu "$library" "$1$library" || exit 1
	done
}

# put_file <root> <file>: into /lab/bin
put_file()
{
	put_program "$1" "$2" "/lab/bin/$(basename "$2")"
}

# put_modules <root> <folder> <release> <module>...: with all that they depend on,
# decompressed; a module that the kernel lacks is left out, /lab/modules has the rest
put_modules()
{
	local root=$1 from=$2 release=$3 name file target
	shift 3
	for name in "$@"; do
		modprobe -d "$from" -S "$release" --show-depends "$name" \
			>"$root/lab/depends" 2>/dev/null || continue
		while read -r file; do
			target=$root/lib/modules/$release/${file#*"/$release/"}
			target=${target%.xz}
			mkdir -p "$(dirname "$target")"
			case $file in
			*.xz) xz -dc "$file" >"$target" || return 1 ;;
			*) cp "$file" "$target" || return 1 ;;
			esac
		done < <(sed -n 's/^insmod \([^ ]*\).*/\1/p' "$root/lab/depends")
		grep -q ^insmod "$root/lab/depends" && echo "$name" >>"$root/lab/modules"
	done
	rm -f "$root/lab/depends"
	[ -d "$root/lib/modules/$release" ] || return 0
	cp "$from/lib/modules/$release/modules.builtin" "$root/lib/modules/$release/" 2>/dev/null
	depmod -b "$root" "$release" 2>/dev/null
}

# put_script <root> <script> [arg...]: /lab/command runs it; what is no file here is a
# command there
put_script()
{
	local root=$1 script=$2 command
	shift 2
	command=$script
	if [ -f "$script" ]; then
		command=/lab/bin/$(basename "$script")
		put_file "$root" "$script" || return 1
	fi
	command=${command@Q}
	[ $# -eq 0 ] || command="$command ${*@Q}"
	echo "exec $command" >"$root/lab/command"
}

# build_image <root> <file>
build_image()
{
	mkdir -p "$1/bin" "$1/proc" "$1/sys" "$1/dev" "$1/run" "$1/tmp" "$1/root" "$1/etc"
	put_program "$1" "$(command -v busybox)" /bin/busybox || return 1
	cp "$lab/init" "$1/init" && chmod +x "$1/init" || return 1
	printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$1/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$1/etc/group"
	# always the same bytes, else no two boots are the same
	(cd "$1" && find . -exec touch -hd @0 {} + &&
		find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --reproducible --quiet) >"$2"
}
