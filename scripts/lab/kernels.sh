# shellcheck shell=bash
# The kernels that the lab knows by name, and what the cache has of them: a folder
#   bzImage  config  release (uname -r)  version (of the package)  lib/modules/RELEASE/
# appears under its name only when it is complete.

# name | which list of packages | the packages' names, newest wins | what for
kernel_table()
{
	cat <<-'END'
	6.1|bookworm|linux-image-6.1.*-cloud-amd64|MGLRU is off by default; aging does not touch SPTEs
	6.12|bookworm|linux-image-6.12.*-cloud-amd64|MGLRU ages secondary MMUs under mmu_lock
	7.2|sid|linux-binary-7.2.*-cloud-amd64|MGLRU ages secondary MMUs without the lock
	idle|bookworm|linux-source-6.12|built here, with idle page tracking, all built in
	END
}

kernel_names()
{
	kernel_table | cut -d'|' -f1
}

# kernel_field <name> <number>
kernel_field()
{
	kernel_table | awk -F'|' -v name="$1" -v field="$2" '$1 == name { print $field }'
}

kernel_dir()
{
	echo "$lab_cache/kernels/$1"
}

is_cached()
{
	[ -f "$(kernel_dir "$1")/version" ]
}

# release_of <bzImage>: what uname -r will say; the boot protocol has its offset at 0x20e
release_of()
{
	local offset
	offset=$(od -An -tu2 -j526 -N2 "$1" | tr -d ' ')
	[ "${offset:-0}" -gt 0 ] || return 1
	tail -c +$((offset + 512 + 1)) "$1" | head -c 200 | tr '\0' ' ' | cut -d' ' -f1
}

list_kernels()
{
	local name
	for name in $(kernel_names); do
		if is_cached "$name"; then
			printf '%-5s %-44s %s\n' "$name" \
				"$(cat "$(kernel_dir "$name")/version")" "$(kernel_field "$name" 4)"
		else
			printf '%-5s %-44s %s\n' "$name" "(not fetched)" "$(kernel_field "$name" 4)"
		fi
	done
}
