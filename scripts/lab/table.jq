# The tables of scripts/lab/table, of an array of results.

def columns: [
	["scanned", "pgscan"], ["evicted", "pgsteal"], ["refilled", "pgrefill"],
	["swapped in", "host_pswpin"], ["refaults", "workingset_refault_anon"],
	["`age_hva`", "kvm_age_hva"], ["`unmap_hva_range`", "kvm_unmap_hva_range"],
	["guest faults", "guest_faults"]
];

def grouped: tostring | [match("^[0-9]{1,3}(?=([0-9]{3})*$)|[0-9]{3}"; "g").string] | join(",");
def cell: if . == null then "-" else grouped end;
def ratio($a; $b): if $a == null or ($b // 0) == 0 then "-"
	else (100 * $a / $b | round) as $r
		| "\($r / 100 | floor).\($r % 100 + 100 | tostring[1:])" end;
def row: "| " + join(" | ") + " |";
def scenario_name: .scenario | rtrimstr(".scn");
def kernel_name: .details.lab.kernel // .kernel | split("/") | last;

# counters as cells, in the order of the columns; scanned per evicted after the second
def cells: . as $c
	| [columns[] | $c[.[1]] | cell]
	| .[:2] + [ratio($c.pgscan; $c.pgsteal)] + .[2:];

def head($first): $first + [columns[][0]]
	| (.[:($first | length) + 2] + ["per evicted"] + .[($first | length) + 2:])
	| row, (map("---") | row);

# what each snapshot counted since the one before
def steps: [{counters: {}}] + .snapshots
	| range(1; length) as $i
	| .[$i - 1].counters as $before
	| {name: .[$i].name, counters: (.[$i].counters | with_entries(.value -= ($before[.key] // 0)))};

def machines: map(.details.lab // {release: .kernel} |
	"\(.release)" + (if (.version // "") != "" then " (package \(.version))" else "" end)
	+ (if .mmu then ", MMU \(.mmu)" else "" end)
	+ (if .accel then ", \(.accel), \(.qemu | split(" (")[0])" else "" end))
	| unique[] | "- " + .;

def in_order: reduce .[] as $x ([]; if index($x) then . else . + [$x] end);

def steps_table: head(["scenario", "until", "kernel"]),
	(group_by(scenario_name)[]
		| [.[] | {scenario: scenario_name, kernel: kernel_name, step: steps}] as $all
		| ([$all[].step.name] | in_order[]) as $name
		| $all[] | select(.step.name == $name)
		| [.scenario, $name, .kernel] + (.step.counters | cells) | row);

def main_table: head(["scenario", "kernel"]),
	(.[] | [scenario_name, kernel_name] + (.snapshots[-1].counters | cells) | row);

map(select(has("outcome") | not)) # lab.json, which stands beside results
| map(if .kage_scenario_results then . else error("not a result of kage live") end)
| sort_by(scenario_name)
| (if $which == "steps" then steps_table else main_table end), "", machines
