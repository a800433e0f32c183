#!/bin/sh
# A plugin file without its line, and a line without its file, stop the build from
# being configured, and the message names it.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cd "$1" || exit 1
tar -c --exclude='./build*' --exclude=./.git --exclude='*.kgt' . | tar -x -C "$copy"

# refused <what the message must contain>
refused()
{
	if cmake -S "$copy" -B "$copy/build" >"$copy/log" 2>&1; then
		echo "configured, but should have failed with: $1"
		exit 1
	fi
	tr -s ' \n' ' ' <"$copy/log" | grep -qF "$1" || {
		cat "$copy/log"
		exit 1
	}
}

for list in models/policies:policy_ models/mmus:mmu_ models/bounds:bound_ \
	replay/drivers:driver_ capture/backends:backend_ capture/calibrate/benches:bench_ capture/vmm/programs:programs/ \
	datasets/synth/synths:synth_ datasets/convert/importers:import_ \
	datasets/convert/exporters:export_ analysis/formats:format_ analysis/figures:figure_; do
	def=${list%%:*}.def file=${def%/*}/${list##*:}newcomer.c
	echo >"$copy/$file"
	refused "${file##*/}"
	rm "$copy/$file"
	cp "$copy/$def" "$copy/kept"
	echo 'ENTRY(absentee)' >>"$copy/$def"
	refused "${list##*:}absentee.c"
	mv "$copy/kept" "$copy/$def"
done

echo >"$copy/replay/costs/newcomer.costs"
refused "newcomer.costs"
rm "$copy/replay/costs/newcomer.costs"
echo 'ENTRY(absentee, "absentee")' >>"$copy/replay/costs/profiles.def"
refused "absentee.costs"
