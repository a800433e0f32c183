#!/usr/bin/env bats
# scripts/verify-host from end to end: the result is one JSON document, and every backend
# that works here is as right as it claims.
bats_require_minimum_version 1.5.0

@test "verify-host writes one document with perfect scores of what works here" {
	cd "$BATS_TEST_TMPDIR" || return 1
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	"$KAGE" probe dirty-ring >/dev/null || skip "no usable /dev/kvm (kage probe dirty-ring)"
	run -0 "$BATS_TEST_DIRNAME/../scripts/verify-host" result.json
	sed 's/^/# /' <<<"$output" >&3
	python3 - <<-'END'
	import json
	result = json.load(open("result.json"))
	scores = [s for s in result["scores"] if s["backend"].startswith("dirty-")]
	assert len(scores) == 8, scores
	for s in result["scores"]:
	    if "score" not in s:
	        continue
	    assert "failed" not in s["score"], s
	    assert s["score"]["recall"]["median"] >= 0.99, s
	    assert s["score"]["precision"]["median"] >= 0.95, s
	assert result["example"]["meta"]["details"]["system"]["kernel"]["release"]
	assert len(result["probe"]) >= 9
	if result["costs"]: # refused where times mean nothing
	    assert "kage-costs\t1" in result["costs"] and len(result["costs"]) > 10
	END
}

@test "verify-host refuses politely what it cannot do" {
	run -4 env KAGE=/nowhere/kage "$BATS_TEST_DIRNAME/../scripts/verify-host" "$BATS_TEST_TMPDIR/r.json"
	[[ "$output" == *"build kage first"* ]]
	[ ! -e "$BATS_TEST_TMPDIR/r.json" ]
}
