# shellcheck shell=bash
# Boot a kernel, run a script in it, bring back its files and exit code.

# why_not_kvm: the reason, or nothing when a machine can nest under KVM here
why_not_kvm()
{
	local module
	[ -w /dev/kvm ] || { echo "no /dev/kvm that can be opened"; return; }
	for module in kvm_amd kvm_intel; do
		case $(cat "/sys/module/$module/parameters/nested" 2>/dev/null) in
		1 | Y) return ;;
		esac
	done
	echo "the KVM of this machine does not nest"
}

choose_accel()
{
	accel_reason=$(why_not_kvm)
	case $accel in
	tcg) accel_reason="asked for" ;;
	kvm) [ -z "$accel_reason" ] || die $lab_failed "no KVM: $accel_reason" ;;
	*) accel=kvm && [ -n "$accel_reason" ] && accel=tcg ;;
	esac
	cpu=EPYC,+svm,+npt
	[ "$accel" = tcg ] || cpu=host
}

# choose_kernel: by name from the cache, or a file
choose_kernel()
{
	if [ -n "$(kernel_field "$kernel" 1)" ]; then
		is_cached "$kernel" ||
			die $lab_failed "$kernel is not here: run  scripts/kage-lab fetch $kernel"
		image=$(kernel_dir "$kernel")/bzImage
		modules=${modules:-$(kernel_dir "$kernel")}
		version=$(cat "$(kernel_dir "$kernel")/version")
	elif [ -f "$kernel" ]; then
		image=$kernel
	else
		die $lab_usage "no kernel $kernel; there are:" $(kernel_names) "or a file"
	fi
	release=$(release_of "$image") || die $lab_failed "$image is no bzImage"
	[ -z "$modules" ] || [ -n "$version" ] || check_modules
}

# check_modules: a folder of the user's has what modprobe needs
check_modules()
{
	local folder=$modules/lib/modules/$release
	[ -d "$folder" ] || die $lab_usage "no $folder: --modules DIR has lib/modules/$release"
	[ -f "$folder/modules.dep" ] || die $lab_usage "no $folder/modules.dep: depmod -b $modules $release"
}

# choose_kage: which kage goes along
choose_kage()
{
	[ -n "$kage" ] || [ ! -x "$lab/../../build/kage" ] || kage=$lab/../../build/kage
	[ "${kage:-none}" = none ] || [ -x "$kage" ] || die $lab_usage "no program $kage"
	[ -n "$kage" ] || say "no kage goes along: build it, or give --kage FILE"
}

# choose_mmu: which MMU of KVM; init makes sure that it is the one
choose_mmu()
{
	case $mmu in
	"" | tdp) ;;
	shadow) append="kvm.tdp_mmu=0${append:+ $append}" ;;
	nested)
		die $lab_failed "--mmu nested: KVM has shadow pages of nested guests only for a guest" \
			"that runs guests, and that of kage live runs none; --mmu shadow has the same rmaps"
		;;
	*) die $lab_usage "no --mmu $mmu; there are: tdp shadow" ;;
	esac
}

prepare_image()
{
	local root=$work/root tool
	mkdir -p "$root/lab/bin"
	printf 'limit=%q\nswap=%q\nmmu=%q\n' "$timeout" "$swap" "$mmu" >"$root/lab/settings"
	: >"$root/lab/modules"
	[ "${kage:-none}" = none ] || put_program "$root" "$kage" /lab/bin/kage || return 1
	for tool in "${tools[@]}"; do
		put_file "$root" "$tool" || return 1
	done
	if [ -n "$modules" ] && [ -d "$modules/lib/modules/$release" ]; then
		# shellcheck disable=SC2086 # one word per module
		put_modules "$root" "$modules" "$release" $boot_modules "${more_modules[@]}" || return 1
	fi
	[ ${#scenarios[@]} -eq 0 ] || put_plays "$root" || return 1
	put_script "$root" "${script[@]}" && build_image "$root" "$work/image"
}

# boot: $qemu_code is what QEMU or its time limit ended with
boot()
{
	local threads=""
	[ "$accel" = kvm ] || [ "$cpus" -eq 1 ] || threads=,thread=multi
	local line="console=ttyS0 loglevel=5 panic=-1 oops=panic nokaslr mitigations=off no_timer_check"
	line="$line nowatchdog cgroup_no_v1=all kvm_amd.npt=1 kvm.tdp_mmu=1 $append"
	# shellcheck disable=SC2054 # QEMU's commas
	local args=(-nodefaults -no-user-config -display none -no-reboot -machine pc
		-accel "$accel$threads" -cpu "$cpu" -smp "$cpus" -m "$memory"
		-kernel "$image" -initrd "$work/image"
		-append "$line" -serial "file:$output/lab.console"
		-device virtio-serial-pci
		-chardev file,id=output,path=/dev/stdout
		-device virtserialport,chardev=output,name=output
		-chardev "file,id=status,path=$work/status"
		-device virtserialport,chardev=status,name=status
		-chardev "file,id=files,path=$work/files"
		-device virtserialport,chardev=files,name=files)
	mkfifo "$work/output" || return
	tee "$output/lab.output" <"$work/output" &
	tee=$!
	timeout -k 5 $((timeout + grace)) qemu-system-x86_64 "${args[@]}" \
		</dev/null >"$work/output" 2>"$output/lab.qemu" &
	machine=$!
	wait $machine
	qemu_code=$?
	wait $tee
	machine=
}

# stop: whatever ends us, the machine and the work folder go first
stop()
{
	[ -z "$machine" ] || kill "$machine"
	rm -rf "$work"
}

json_string()
{
	local text=${1//\\/\\\\}
	text=${text//\"/\\\"}
	printf '"%s"' "${text//[[:cntrl:]]/ }"
}

write_json()
{
	local booted
	booted=$(sed -n 's/^start //p' "$work/status" 2>/dev/null)
	cat >"$output/lab.json" <<-END
	{
	  "outcome": $(json_string "${outcome%% *}"),
	  "exit": $code,
	  "kernel": $(json_string "$kernel"),
	  "release": $(json_string "${booted:-$release}"),
	  "version": $(json_string "$version"),
	  "booted": $([ -n "$booted" ] && echo true || echo false),
	  "accel": $(json_string "$accel"),
	  "accel_reason": $(json_string "$accel_reason"),
	  "mmu": $(json_string "$(sed -n 's/^mmu //p' "$work/status" 2>/dev/null)"),
	  "cpu": $(json_string "$cpu"),
	  "qemu": $(json_string "$(qemu-system-x86_64 --version | head -n 1)"),
	  "append": $(json_string "$append"),
	  "cpus": $cpus,
	  "memory": $(json_string "$memory"),
	  "kernel_warnings": $(grep -c 'WARNING: CPU' "$output/lab.console"),
	  "seconds": $SECONDS
	}
	END
}

report()
{
	outcome=$(outcome_of "$work/status" "$output/lab.console" "$qemu_code")
	# shellcheck disable=SC2086 # the outcome and its number
	code=$(code_of $outcome)
	[ ! -s "$work/files" ] || tar -C "$output" --no-same-owner --no-overwrite-dir -xf "$work/files" 2>/dev/null ||
		say "not all files came back"
	write_json
	[ "${outcome%% *}" = exit ] && return
	# shellcheck disable=SC2086
	say "$(sentence_of $outcome); the console's last lines ($output/lab.console):"
	tail -n 15 "$output/lab.console" >&2
	[ "$qemu_code" -eq 0 ] || grep -v 'TCG doesn.t support' "$output/lab.qemu" >&2
}

parse_run()
{
	while [ $# -gt 0 ]; do
		case $1 in
		--) shift && script=("$@") && return ;;
		--kernel | --modules | --memory | --cpus | --swap | --append | --timeout | --grace | \
			--accel | --kage | --output | --mmu | --live) printf -v "${1#--}" %s "${2:?$1 needs a value}" ;;
		-o) output=${2:?-o needs a value} ;;
		--tool) tools+=("${2:?--tool needs a value}") ;;
		--scenario) scenarios+=("${2:?--scenario needs a value}") ;;
		--trace) traces+=("${2:?--trace needs a value}") ;;
		--module) more_modules+=("${2:?--module needs a value}") ;;
		*) die $lab_usage "run knows no $1" ;;
		esac
		shift 2
	done
}

run_main()
{
	local kernel="" modules="" memory="" cpus=1 swap="" append="" timeout="" grace=60 accel="" \
		kage=${KAGE:-} output="" script=() tools=() more_modules=() version="" machine="" \
		mmu="" live="" traces=() scenarios=() results=() result=""
	parse_run "$@"
	[ -n "$kernel" ] && [ -n "$output" ] && [ $((${#script[@]} + ${#scenarios[@]})) -gt 0 ] ||
		die $lab_usage "run needs --kernel, -o, and --scenario or -- SCRIPT"
	[ ${#traces[@]} -eq 0 ] || [ ${#scenarios[@]} -gt 0 ] || die $lab_usage "--trace needs --scenario"
	need qemu-system-x86_64 busybox cpio xz modprobe depmod
	choose_kernel
	choose_kage
	choose_accel
	choose_mmu
	[ ${#scenarios[@]} -eq 0 ] || { play_usage && play_output; }
	mkdir -p "$output" && rm -f "$output"/lab.* || exit $lab_failed
	work=$(mktemp -d) || exit $lab_failed
	trap stop EXIT
	trap 'exit 130' INT TERM
	[ ${#scenarios[@]} -eq 0 ] || play_prepare
	: "${memory:=2G}" "${timeout:=300}"
	prepare_image || die $lab_failed "cannot build the initramfs"
	say "$kernel ($release${version:+, $version}) under $accel${accel_reason:+: $accel_reason}"
	boot
	report
	[ ${#scenarios[@]} -eq 0 ] || play_collect || die $lab_failed "cannot write the results"
	exit "$code"
}
