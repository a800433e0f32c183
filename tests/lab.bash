# What tests in the lab share; load it in a .bats file.

LAB=$BATS_TEST_DIRNAME/../scripts/kage-lab

# lab_kernel <kernel>: skip the test unless it is in the cache; the tests
# lab.fetch.KERNEL, which ctest runs before, tell why it is not
lab_kernel()
{
	[ -f "${KAGE_CACHE:-$HOME/.cache/kage}/kernels/$1/version" ] ||
		skip "no kernel $1 (scripts/kage-lab fetch $1)"
}

# in_lab <code> <kernel> [OPTION...] -- SCRIPT [ARG...]: it must end with that code; its
# files are in ./out, what it printed is in $output
in_lab()
{
	local code=$1 kernel=$2
	shift 2
	lab_kernel "$kernel"
	run -"$code" "$LAB" run --kernel "$kernel" -o out "$@"
}

# outcome: what lab.json says
outcome()
{
	sed -n 's/.*"outcome": "\(.*\)".*/\1/p' out/lab.json
}
