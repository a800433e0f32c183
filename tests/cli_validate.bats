# kage validate from the outside: stdout, stderr and exit code are checked apart.
# KAGE is the program under test.
bats_require_minimum_version 1.5.0

setup()
{
	command -v python3 >/dev/null || skip "python3 is not installed (apt-get install python3)"
	cd "$BATS_TEST_TMPDIR" || return 1
	cp "$BATS_TEST_DIRNAME"/fixtures/validate* .
}

# validate <option>...
validate()
{
	run --separate-stderr "$KAGE" validate "$@"
}

# pair <option>...: of the two files that were written by hand
pair()
{
	validate validate-kernel.json --model validate-model.json "$@"
}

# fails <code> <text>: nothing on stdout, <text> in the one line on stderr
fails()
{
	[ "$status" -eq "$1" ]
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "kage: "*"$2"* ]]
}

# beyond <text>: compared, and found to be too far apart
beyond()
{
	[ "$status" -eq 1 ]
	[ -n "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "kage: "*"$1"* ]]
}

# change <from> <to> <python statements on r>
change()
{
	python3 - "$@" <<-'EOF'
		import json, sys
		r = json.load(open(sys.argv[1]))
		exec(sys.argv[3])
		json.dump(r, open(sys.argv[2], "w"))
	EOF
}

# play: a trace, a scenario, and what the model of 6.12 does with them, said to be a
# kernel's, in k.json
play()
{
	"$KAGE" trace synth hotcold --pages 2000 -n 100000 --epoch 1ms -o t.kgt >/dev/null
	cat >a.scn <<-END
		populate
		repeat 2
			epochs 1
			age force
		end
		reclaim 400 pages chunk 100 pages
		snapshot reclaimed
		sweep 0-999
		snapshot swept
	END
	"$KAGE" replay --driver script:a.scn -p batched:batch=1 --snapshots m.json t.kgt >/dev/null
	change m.json k.json 'r["by"] = "kernel"; r["kernel"] = "6.12.95-test"; del r["policy"]'
}

@test "model and kernel are printed side by side" {
	pair
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	diff <(echo "$output") validate.txt
	if LC_ALL=C grep -E '[^ -~]|.{76}' <<<"$output"; then false; fi
}

@test "long names and large numbers stay within 75 columns" {
	change validate-kernel.json validate-kernel.json '
r["kernel"] = "6.12." + 60 * "x" + "\u00e9\n"; r["scenario"] = 90 * "s"; r["trace"] = 90 * "t"
for s in r["snapshots"]: s["counters"] = {k + 30 * "y": v + 10 ** 17 for k, v in s["counters"].items()}
for s in r["snapshots"]: s["counters"]["kvm_tdp_mmu_spte_changed"] = 10 ** 17'
	pair --all
	[ "$status" -eq 0 ]
	[[ $output == *"100,000,000,000,000,000"* ]]
	if LC_ALL=C grep -E '[^ -~]|.{76}' <<<"$output"; then false; fi
}

@test "all counters are shown if asked for" {
	pair
	[[ $output != *thp_fault_alloc* ]]
	pair --all
	[ "$status" -eq 0 ]
	[ "$(grep -cE '^thp_fault_alloc +- +3 +- +-$' <<<"$output")" -eq 2 ]
	[ "$(grep -cE '^sorted +17 +- +- +-$' <<<"$output")" -eq 2 ]
}

@test "JSON is one document, and what is not known has no key" {
	pair --json --tolerance 1% --tolerance-pages 0
	[ "$status" -eq 1 ]
	python3 - <<-EOF
		import json
		d = json.loads('''$output''')
		assert d["kage_validate"] == 1
		f, = d["files"]
		assert f["file"] == "validate-kernel.json", f
		assert f["model"] == {"kernel": "6.12", "policy": "batched:batch=1,lock=write,calls=1", "is_substitute": False}
		aged, reclaimed = f["snapshots"]
		assert aged["counters"]["kvm_age_hva"] == {"model": 950, "kernel": 1000, "error": -0.05}
		assert aged["counters"]["pgscan"] == {"model": 5, "kernel": 0}
		assert aged["counters"]["pgactivate"] == {"kernel": 12}
		assert aged["counters"]["sorted"] == {"model": 17}
		assert aged["misplaced"] == 0.05
		assert aged["generations"]["kernel"] == [700, 200, 100]
		assert "misplaced" not in reclaimed
		assert reclaimed["generations"]["kernel"] == [None, 200]
		first, second = f["steps"]
		assert first["model"] == first["kernel"] == 8 and first["common"] == 7
		assert abs(first["jaccard"] - 7 / 9) < 1e-5 and abs(first["tau"] - 19 / 21) < 1e-5
		assert second["kernel"] == 0 and "jaccard" not in second and "tau" not in second
		assert d["judged"] == {"counters": 6, "jaccards": 0, "taus": 0, "snapshots": 0, "hot": 0, "beyond": 3}
		assert d["worst"].startswith("validate-kernel.json: pgscan at aged: model 5, kernel 0")
	EOF
	[[ $stderr == "kage: 3 of 6 beyond the tolerance; worst: validate-kernel.json: pgscan at aged"* ]]
}

@test "a tolerance is relative, or pages, and names the worst" {
	pair --tolerance 5%
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	pair --tolerance 4.9%
	beyond "1 of 6 beyond the tolerance; worst: validate-kernel.json: kvm_age_hva at aged: model 950, kernel 1000, allowed 49 more or less"
	pair --tolerance 4.9% --tolerance-pages 50
	[ "$status" -eq 0 ]
	pair --tolerance-pages 50
	[ "$status" -eq 0 ]
	pair --tolerance-pages 49
	beyond "kvm_age_hva at aged"
	pair --tolerance 5% --tolerance-pages 4
	beyond "pgscan at aged: model 5, kernel 0, allowed 4 more or less"
}

@test "sets, orders and generations are judged if asked for" {
	pair --min-jaccard 0.77 --min-tau 0.9 --max-misplaced 5.1%
	[ "$status" -eq 0 ]
	pair --min-jaccard 0.78
	beyond "1 of 1 beyond the tolerance; worst: validate-kernel.json: evicted by reclaim in step 2: Jaccard 0.7778, at least 0.78"
	pair --min-tau 0.91
	beyond "evicted by reclaim in step 2: tau 0.9048, at least 0.91"
	pair --max-misplaced 4.9%
	beyond "generations at aged: 5% of pages misplaced, allowed 4.9%"
}

@test "what was not measured has not been met" {
	change validate-kernel.json validate-kernel.json '
for s in r["steps"]: s.pop("evicted")
for s in r["snapshots"]: s["generations"] = []; s["counters"] = {"own": 1}'
	pair
	[ "$status" -eq 0 ]
	[[ $output == *"Evicted pages: not known to both sides"* ]]
	[[ $output == *"misplaced: not known"* ]]
	pair --tolerance 5%
	beyond "validate-kernel.json: --tolerance: no counter is known to both sides"
	pair --min-jaccard 0.5
	beyond "no evicted set is known"
	pair --min-tau 0.5
	beyond "no order of eviction is known"
	pair --max-misplaced 50%
	beyond "no generations are known to both sides"
}

@test "the model runs on the trace and scenario of the kernel" {
	play
	validate k.json --trace t.kgt --scenario a.scn --tolerance 0% --tolerance-pages 0 \
		--min-jaccard 1 --min-tau 1 --max-misplaced 0%
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[[ $output == *"Kernel: Linux 6.12.95-test (k.json)"* ]]
	[[ $(tr -s "\n " " " <<<"$output") == *"Model: MGLRU of 6.12, policy batched:batch=1,lock=write,calls=1"* ]]
	validate k.json --model m.json --tolerance 0% --tolerance-pages 0
	[ "$status" -eq 0 ]
	change k.json other.json 'r["details"] = {"lab": {"mmu": "nosuch"}, "system": {"kvm": {"tdp_mmu": True}}}'
	validate other.json --trace t.kgt --scenario a.scn
	fails 2 "no secondary MMU 'nosuch'"
	validate other.json --trace t.kgt --scenario a.scn --mmu tdp
	[ "$status" -eq 0 ]
	validate k.json --trace t.kgt --scenario a.scn -p none --tolerance 5%
	beyond "beyond the tolerance; worst: k.json: "
	[[ $(tr -s "\n " " " <<<"$output") == *"Model: MGLRU of 6.12, policy none"* ]]
}

# linux-VERSION-strided.json and -thp.json are what kage live wrote in the lab under Debian's
# kernels, without details.map and details.moments, which nobody reads here.

# judged <version> <pgscan> <pgsteal> <other policy>...: the model of this kernel decides
# as it did, and the others do not
judged()
{
	local version=$1 pgscan=$2 pgsteal=$3 policy
	cp "$BATS_TEST_DIRNAME"/fixtures/linux-* .
	"$KAGE" trace synth strided --pages 32768 -n 800K --epoch 1ms -p stride=64,rest=0.05 -o t.kgt >/dev/null
	judge=("linux-$version-strided.json" --trace t.kgt --scenario linux-6.12-strided.scn --tolerance 0.2%
		--min-jaccard 0.99 --min-tau 0.95 --max-misplaced 1%)
	validate "${judge[@]}"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[[ $output == *"Kernel: Linux $version."* ]]
	[[ $(tr -s "\n " " " <<<"$output") == *"Model: MGLRU of $version, policy "* ]]
	grep -qE "^pgscan +$pgscan +$pgscan +0 +0\.000\$" <<<"$output"
	grep -qE "^[0-9]+ reclaim, line [0-9]+ .* $pgsteal +$pgsteal +$pgsteal +1\.0000 +1\.0000\$" <<<"$output"
	for policy in "${@:4}"; do
		validate "${judge[@]}" --policy "$policy"
		beyond "beyond the tolerance; worst: linux-$version-strided.json: "
	done
}

@test "the model decides as a real 6.1 did, and other policies do not" {
	judged 6.1 32,603 8,231 none batched
}

@test "the model decides as a real 6.12 did, and other policies do not" {
	judged 6.12 8,896 8,263 none rmap batched
}

@test "the model decides as a real 7.2 did, and other policies do not" {
	judged 7.2 8,670 8,182 none rmap batched
}

# huge <version> <pgscan> <pgsteal>: so does the one of a guest on huge pages
huge()
{
	local scenario=$BATS_TEST_DIRNAME/../scripts/lab/scenarios/thp.scn
	cp "$BATS_TEST_DIRNAME/fixtures/linux-$1-thp.json" .
	sh "${scenario%/*}/make_trace" "$scenario" t.kgt
	judge=("linux-$1-thp.json" --trace t.kgt --scenario "$scenario" --tolerance 0%
		--tolerance-pages 0 --min-jaccard 1 --min-tau 1 --max-misplaced 0%)
	validate "${judge[@]}"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	grep -qE "^pgscan +$2 +$2 +0 +0\.000\$" <<<"$output"
	grep -qE "^pgsteal +$3 +$3 +0 +0\.000\$" <<<"$output"
	validate "${judge[@]}" --mmu tdp:level=4K
	beyond "beyond the tolerance"
	validate "${judge[@]}" --policy none
	beyond "beyond the tolerance"
}

@test "on huge pages the models decide as real kernels did" {
	huge 6.1 129,249 4,107
	huge 6.12 50,506 4,195
	huge 7.2 31,504 4,178
}

@test "a kernel is not taken for another" {
	judged 7.2 8,670 8,182
	for kernel in 6.1 6.12; do
		validate "${judge[@]}" --kernel-model $kernel
		beyond "beyond the tolerance"
	done
}

@test "several files are judged together, a line each" {
	play
	change k.json off.json 'r["snapshots"][1]["counters"]["pgscan"] *= 2'
	validate k.json off.json --trace t.kgt --scenario a.scn --tolerance 5%
	beyond "1 of "
	[[ $stderr == *"worst: off.json: pgscan at swept"* ]]
	[ "$(grep -c '^Kernel: ' <<<"$output")" -eq 0 ]
	[ "$(grep -cE '^a +pass\[a\] +1\.0000 +1\.0000 +0\.00$' <<<"$output")" -eq 1 ]
	[ "$(grep -cE '^a +fail\[a\] +1\.0000 +1\.0000 +0\.00$' <<<"$output")" -eq 1 ]
	grep -qE '^a +pgscan +[0-9,]+ +[0-9,]+ +-50\.000$' <<<"$output"
	[[ $output == *"[a] held to: counters 5% or 16"* ]]
	if LC_ALL=C grep -E '[^ -~]|.{76}' <<<"$output"; then false; fi
	validate k.json off.json --trace t.kgt --scenario a.scn --verbose
	[ "$status" -eq 0 ]
	[ "$(grep -c '^Kernel: ' <<<"$output")" -eq 2 ]
	[[ $output != *"held to"* ]]
	validate --json k.json off.json --trace t.kgt --scenario a.scn
	[ "$status" -eq 0 ]
	[ "$(python3 -c 'import json, sys; print(len(json.load(sys.stdin)["files"]))' <<<"$output")" = 2 ]
}

# many: two traces and scenarios in folders, under names that say nothing, and what a
# kernel did with each: t-a.json, u-b.json
many()
{
	play
	"$KAGE" trace synth hotcold --pages 1500 -n 50000 --epoch 1ms --seed 5 -o u.kgt >/dev/null
	sed 's/400/300/' a.scn >b.scn
	"$KAGE" replay --driver script:b.scn -p batched:batch=1 --snapshots m2.json u.kgt >/dev/null
	mv k.json t-a.json
	change m2.json u-b.json 'r["by"] = "kernel"; r["kernel"] = "6.12.96-test"; del r["policy"]'
	mkdir traces scenarios
	mv t.kgt traces/x.kgt
	mv u.kgt traces/t.kgt
	mv a.scn scenarios/b.scn
	mv b.scn scenarios/a.scn
	echo rubbish >traces/damaged.kgt
	echo rubbish >scenarios/a-note.txt
	exact=(--tolerance 0% --tolerance-pages 0 --min-jaccard 1 --min-tau 1 --max-misplaced 0%)
}

@test "files find their trace and scenario in folders, by content" {
	many
	validate t-a.json u-b.json --trace traces --scenario scenarios "${exact[@]}"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$(grep -c '^kernel: Linux 6.12.9[56]-test$' <<<"$output")" -eq 2 ]
	[ "$(grep -cE '^[ab] +pass' <<<"$output")" -eq 2 ]
	validate t-a.json --trace traces/x.kgt --scenario scenarios "${exact[@]}"
	[ "$status" -eq 0 ]
	rm traces/t.kgt
	validate t-a.json u-b.json --trace traces --scenario scenarios
	id=$(python3 -c 'import json; print(json.load(open("u-b.json"))["trace_id"])')
	fails 3 "u-b.json: none of 2 files *.kgt in traces has its content id $id (some cannot be read)"
	rm scenarios/b.scn
	validate t-a.json --trace traces --scenario scenarios
	id=$(python3 -c 'import json; print(json.load(open("t-a.json"))["scenario_id"])')
	fails 3 "t-a.json: none of 1 files *.scn in scenarios has its content id $id"
}

# ask <sql>: of r.db
ask()
{
	sqlite3 -noheader -list r.db "$1"
}

need_sqlite()
{
	command -v sqlite3 >/dev/null || skip "sqlite3 is not installed (apt-get install sqlite3)"
}

@test "both sides are stored, once" {
	need_sqlite
	many
	change u-b.json u-b.json 'r["details"] = {"lab": {"accel": "tcg", "version": "6.12.96-1"}, "system": {"kvm": {"tdp_mmu": True}}}'
	for round in 1 2; do
		validate t-a.json u-b.json --trace traces --scenario scenarios -o r.db "${exact[@]}"
		[ "$status" -eq 0 ]
		[ -z "$stderr" ]
	done
	[ -z "$(ls -- *.tmp 2>/dev/null)" ]
	[ "$(ask 'SELECT count(*), sum(passed) FROM validation JOIN judgement USING (validation_id)')" = "2|2" ]
	[ "$(ask "SELECT release, accel, version, kernel_mmu, policy, policy_params, mmu FROM validation WHERE accel IS NOT NULL")" \
		= "6.12.96-test|tcg|6.12.96-1|tdp|batched|batch=1,lock=write,calls=1,walk=1,flush=0|tdp" ]
	[ "$(ask 'SELECT count(*) FROM validation WHERE accel IS NULL AND version IS NULL AND kernel_mmu IS NULL')" -eq 1 ]
	[ "$(ask 'SELECT count(*) > 20, sum(model <> kernel) FROM validation_counter')" = "1|0" ]
	[ "$(ask 'SELECT min(jaccard), min(tau) FROM validation_step')" = "1.0|1.0" ]
	[ "$(ask "SELECT count(*) FROM validation WHERE trace_id || scenario_id IN
		(SELECT trace_id || scenario_id FROM validation) AND trace = 't' AND scenario = 'a'")" -eq 1 ]
	# what cannot be judged is no judgement, what came as a file no model of ours
	rm r.db
	validate validate-kernel.json --model validate-model.json -o r.db
	[ "$(ask 'SELECT count(*), count(model_rev), count(mmu) FROM validation')" = "1|0|0" ]
	[ "$(ask 'SELECT count(*) FROM judgement')" = 0 ]
	pair -o -
	fails 2 "-o names a database"
	echo rubbish >r.db
	pair -o r.db
	fails 3 "r.db: "
}

# note <policy> <database>: the footnote of its row
note()
{
	run --separate-stderr "$KAGE" report "$2"
	mark=$(sed -n "s/^$1\[\(.\)[a-z]*\].*/\1/p" <<<"$output" | head -n 1)
	sed -n "s/^\[$mark\] //p" <<<"$output" | head -n 1
}

@test "runs are judged by what kernels said of the same model" {
	need_sqlite
	many
	"$KAGE" replay traces/x.kgt -l 50% -p none,batched:batch=1:lock=write,batched -o runs.db >/dev/null
	cp runs.db r.db
	validate t-a.json u-b.json --trace traces --scenario scenarios -o r.db "${exact[@]}"
	judged="judged: Linux 6.12.95-test agrees in 1 of 1 scenarios (counters 0% or 0, Jaccard 1, tau 1, misplaced 0%); Linux 6.12.96-test agrees in 1 of 1 scenarios (counters 0% or 0, Jaccard 1, tau 1, misplaced 0%)"
	unjudged="unjudged: no kernel has checked this model here (kage validate -o)"
	[ "$(note 'batched(batch=1)' r.db)" = "$judged" ]
	[ "$(note 'batched(batch=64)' r.db)" = "$unjudged" ]
	[ "$(note none r.db)" = "$unjudged" ]
	[ "$(note 'batched(batch=1)' runs.db)" = "$unjudged" ]
	run --separate-stderr "$KAGE" report --format json r.db
	[ "$(grep -c '"is_judged": 1' <<<"$output")" -eq 1 ]
	[ "$(grep -c '"is_judged": 0' <<<"$output")" -eq 2 ]
	# other code, another MMU, a substitute, a kernel under another MMU: no judges
	for change in "model_rev = 'other'" "model_rev = NULL" "mmu = 'other'" "kernel = '7.2'" "is_substitute = 1" \
		"kernel_mmu = 'other'" "policy_params = 'batch=2,lock=write,calls=1'"; do
		cp r.db s.db
		sqlite3 s.db "UPDATE validation SET $change"
		[ "$(note 'batched(batch=1)' s.db)" = "$unjudged" ]
	done
	# one that failed counts among the scenarios, but alone is no judge
	cp r.db s.db
	sqlite3 s.db "UPDATE validation SET release = '6.12'; UPDATE judgement SET passed = 0 WHERE validation_id = (SELECT min(validation_id) FROM judgement)"
	[[ "$(note 'batched(batch=1)' s.db)" == "judged: Linux 6.12 agrees in 1 of 2 scenarios (counters "* ]]
	sqlite3 s.db "UPDATE judgement SET passed = 0"
	[ "$(note 'batched(batch=1)' s.db)" = "$unjudged" ]
	# and a database from before
	sqlite3 s.db "DROP TABLE judgement; DROP TABLE validation"
	[ "$(note 'batched(batch=1)' s.db)" = "$unjudged" ]
	validate t-a.json --trace traces --scenario scenarios -o s.db "${exact[@]}"
	[ "$status" -eq 0 ]
	[[ "$(note 'batched(batch=1)' s.db)" == "judged: Linux 6.12.95-test "* ]]
}

@test "every format of report shows the agreement with kernels" {
	need_sqlite
	many
	change u-b.json u-b.json 'r["snapshots"][0]["counters"]["pgscan"] *= 2; r["steps"][6].pop("evicted", 0)'
	validate t-a.json u-b.json --trace traces --scenario scenarios -o r.db --tolerance 5%
	[ "$status" -eq 1 ]
	for format in text changelog markdown rst; do
		run --separate-stderr "$KAGE" report --format "$format" r.db
		[ "$status" -eq 0 ]
		[ -z "$stderr" ]
		[[ $output == *"Agreement with kernels"* ]]
		[ "$(grep -c 'kernel: Linux 6.12.9[56]' <<<"$output")" -ge 2 ]
		[[ $output == *pass* && $output == *fail* && $output == *"counters 5% or 16"* ]]
		if [ "$format" = changelog ] && LC_ALL=C grep -E '[^ -~]|.{76}' <<<"$output"; then false; fi
	done
	run --separate-stderr "$KAGE" report --format json r.db
	python3 - <<-EOF
		import json
		t, = json.loads('''$output''')["tables"]
		a, b = t["rows"]
		assert t["title"] == "Agreement with kernels"
		assert (a["scenario"], a["trace"], a["verdict"], a["beyond"]) == ("a", "t", "pass", 0), a
		assert (b["scenario"], b["verdict"], b["counter"], b["error"]) == ("b", "fail", "pgscan", -50), b
		assert a["accel"] is None and a["min_jaccard"] == 1 and a["misplaced"] == 0
	EOF
	run --separate-stderr "$KAGE" report --format csv r.db
	[ "$(wc -l <<<"$output")" -eq 3 ]
	[[ ${lines[0]} == scenario,scenario_id,trace,* ]]
	run --separate-stderr "$KAGE" report --trace u r.db
	[ "$(grep -cE '^[ab] +(pass|fail)' <<<"$output")" -eq 1 ]
	run --separate-stderr "$KAGE" report --trace nosuch r.db
	fails 2 "no trace 'nosuch'; known: t u"
	run --separate-stderr "$KAGE" report --plot out r.db
	fails 3 "no runs to draw"
}

@test "a kernel without a model is compared only if told so" {
	play
	for kernel in 7.20.13-x 6.11.1 6.120 linux ""; do
		change k.json other.json "r['kernel'] = '$kernel'"
		validate other.json --trace t.kgt --scenario a.scn
		fails 4 "other.json: there is no model of Linux '$kernel' yet; --kernel-model compares with another (known: 6.1 6.12 7.2)"
		validate other.json --model m.json
		fails 4 "there is no model of Linux '$kernel' yet"
		validate other.json --trace t.kgt --scenario a.scn --kernel-model 6.12
		[ "$status" -eq 0 ]
		[ -z "$stderr" ]
		[[ $output == *"(--kernel-model)"* ]]
		validate other.json --model m.json --kernel-model 6.12
		[ "$status" -eq 0 ]
	done
	validate other.json --trace t.kgt --scenario a.scn --kernel-model 7.1
	fails 2 "--kernel-model 7.1: no such model; known: 6.1 6.12 7.2"
	change m.json m.json 'r["kernel"] = "7.2"'
	validate k.json --model m.json
	fails 3 "k.json: Linux '6.12.95-test', but the model in m.json is of '7.2'"
}

@test "other traces, scenarios and seeds are refused" {
	play
	"$KAGE" trace synth hotcold --pages 2000 -n 100000 --epoch 1ms --seed 9 -o u.kgt >/dev/null
	validate k.json --trace u.kgt --scenario a.scn
	fails 3 "k.json: trace_id is '"
	sed 's/400/500/' a.scn >b.scn
	validate k.json --trace t.kgt --scenario b.scn
	fails 3 "k.json: scenario_id is that of another scenario than b.scn"
	sed 's/$/   # comment/' a.scn >b.scn
	validate k.json --trace t.kgt --scenario b.scn
	[ "$status" -eq 0 ]
	n=0
	while IFS='|' read -r statement message; do
		change k.json bad.json "$statement"
		validate bad.json --model m.json
		fails 3 "bad.json: $message"
		n=$((n + 1))
	done <<-'END'
		r["scenario_id"] = "12"|scenario_id is 0000000000000012, but
		r["trace_id"] = "12"|trace_id is '12', but
		r["seed"] = 5|seed is 5, but 0 in m.json
		r["footprint_pages"] = 1|footprint_pages is 1, but
		r["steps"].append(r["steps"][0])|the number of steps is 10, but 9 in m.json
		r["steps"][1]["word"] = "sweep"|step 1 is 'sweep', but 'epochs' in m.json
		r["snapshots"].pop()|the number of snapshots is 1, but 2 in m.json
		r["snapshots"][0]["name"] = "x"|snapshot 0 is 'x', but 'reclaimed' in m.json
		r["by"] = "model"|results of a model, not of a kernel
	END
	[ "$n" -eq 9 ]
	validate k.json --model k.json
	fails 3 "k.json: results of a kernel, not of a model"
}

@test "damaged files get one message with file and reason" {
	n=0
	while IFS='|' read -r statement message; do
		change validate-kernel.json bad.json "$statement"
		validate bad.json --model validate-model.json
		fails 3 "bad.json: $message"
		change validate-model.json bad.json "$statement"
		validate validate-kernel.json --model bad.json
		fails 3 "bad.json: $message"
		n=$((n + 1))
	done <<-'END'
		del r["seed"]|'seed' is missing or not sound
		r["kage_scenario_results"] = 2|'kage_scenario_results' is missing or not sound
		r["by"] = "hand"|'by' is missing or not sound
		r["scenario_id"] = "xyz"|'scenario_id' is missing or not sound
		r["snapshots"][1]["counters"]["pgscan"] = -1|snapshots[1]: 'counters' is missing or not sound
		r["snapshots"][1]["step"] = 5|snapshots[1]: 'step' is missing or not sound
		r["steps"][2]["evicted"][0] = [5]|steps[2]: 'evicted' is missing or not sound
		r["steps"][2]["evicted"][0] = [5, 10 ** 15]|steps[2]: 'evicted' is missing or not sound
		r["steps"][0]["word"] = "sleep"|steps[0]: 'word' is missing or not sound
		r = []|'kage_scenario_results' is missing or not sound
	END
	[ "$n" -eq 10 ]
	head -c 900 validate-kernel.json >bad.json
	validate bad.json --model validate-model.json
	fails 3 "bad.json: "
	: >bad.json
	validate bad.json --model validate-model.json
	fails 3 "bad.json: "
	head -c 4096 /dev/urandom >bad.json
	validate bad.json --model validate-model.json
	fails 3 "bad.json: "
	validate nosuch.json --model validate-model.json
	fails 3 "nosuch.json"
	validate . --model validate-model.json
	fails 3 ".: "
	# a file behind a good one: nothing of the good one is printed
	validate validate-kernel.json nosuch.json --json --model validate-model.json
	fails 3 "nosuch.json"
}

@test "what cannot be meant is said" {
	validate
	fails 2 "validate needs results of a kernel"
	validate validate-kernel.json
	fails 2 "needs --trace FILE and --scenario FILE, or --model MODEL.json"
	validate validate-kernel.json --trace t.kgt
	fails 2 "needs --trace FILE and --scenario FILE"
	pair --trace t.kgt
	fails 2 "--model excludes"
	for share in 5 % -5% 5%% x% 1e999% nan% ""; do
		pair --tolerance "$share"
		fails 2 "--tolerance $share: a percentage, as 5%"
	done
	pair --max-misplaced 1
	fails 2 "--max-misplaced 1: a percentage"
	pair --min-jaccard 1.5
	fails 2 "0 to 1"
	play
	validate k.json --trace nosuch.kgt --scenario a.scn
	fails 3 "nosuch.kgt"
	validate k.json --trace t.kgt --scenario nosuch.scn
	fails 3 "nosuch.scn"
	validate k.json --trace t.kgt --scenario a.scn -p nosuch
	fails 2 "nosuch"
	validate k.json --trace t.kgt --scenario a.scn --mmu nosuch
	fails 2 "no secondary MMU 'nosuch'"
	validate k.json --trace t.kgt --scenario a.scn -p none,rmap
	fails 2 "of one policy"
}

# beside: k.json is of a guest that made two touches per call while the host worked
beside()
{
	play
	change k.json k.json '
r["concurrent"] = True
for s in r["steps"]:
	if s["word"] in ("age", "reclaim"):
		s.update(calls=2000, touches=4000, course=[[1000, 500]], hot_present=s["hot_pages"])'
}

@test "of a guest that goes on only the hot set is compared" {
	beside
	validate k.json -t t.kgt -s a.scn --max-survivors 5 --min-jaccard 1 --tolerance 0%
	[[ $output == *"Not compared: counters, which pages were evicted and in what order"* ]]
	[[ $output == *"never evicted"* ]]
	[[ $output != *Jaccard* ]]
	[ "$status" -le 1 ]
	validate k.json -t t.kgt -s a.scn --max-survivors 100 --min-jaccard 1 --tolerance 0%
	[ "$status" -eq 0 ]
	# a step that lost all of it is far from one that kept it
	change k.json gone.json 'for s in r["steps"]: s["hot_kept"] = s["hot_present"] = 0'
	validate gone.json -t t.kgt -s a.scn --max-survivors 5
	beyond "hot set after reclaim in step"
	# the model follows the pace of the results, and says so in its own
	validate k.json -t t.kgt -s a.scn --max-survivors 100 --json
	[ "$status" -eq 0 ]
	[ "$(jq '.files[0].concurrent' <<<"$output")" = true ]
	[ "$(jq '.files[0].steps[0].hot.touches_per_call == 2' <<<"$output")" = true ]
	[ "$(jq '.judged | .counters + .jaccards + .taus + .snapshots' <<<"$output")" = 0 ]
	[ "$(jq .judged.hot <<<"$output")" = 2 ]
}

@test "a guest that goes on: what judges nothing is no pass, and no database has it" {
	beside
	validate k.json -t t.kgt -s a.scn --min-jaccard 0.99
	[ "$status" -eq 1 ]
	[[ $stderr == *"only --max-survivors judges that"* ]]
	validate k.json -t t.kgt -s a.scn -o r.db
	[ "$status" -eq 0 ]
	[[ $stderr == *"not stored: the guest went on"* ]]
	change k.json old.json 'for s in r["steps"]: s.pop("calls", 0)'
	validate old.json -t t.kgt -s a.scn --max-survivors 5
	fails 2 "does not say how often the guest touched a page"
	change k.json said.json 'del r["concurrent"]; r["details"] = {"concurrent": True}'
	validate said.json -t t.kgt -s a.scn --max-survivors 100
	[ "$status" -eq 0 ]
	validate k.json --model m.json --max-survivors 5
	fails 3 "went on while the host worked, but stood still in m.json"
}
