# SPDX-License-Identifier: MIT
"""Hold a trace against the row of its recipe in expected.tsv.

usage: kage trace info --json TRACE | judge.py EXPECTED.tsv NAME [TRACE]

Exit code 0: within the tolerance; 3: not; any other: it could not be judged.  Without
TRACE only whether there is a row to judge by.
It knows summary statistics only: a trace with the right counts of the wrong pages passes.
"""
import csv
import json
import sys


def differs(why):
    print(why, file=sys.stderr)
    sys.exit(3)


def statistics(info):
    totals = info["totals"]
    ticks = totals["last_time"] - totals["first_time"]
    return {
        "seconds": round(ticks * info["meta"]["clock"]["ps_per_tick"] / 1e12, 3),
        "records": totals["events"] or totals["epochs"],
        "accesses": totals["accesses"],
        "footprint_pages": info["pages"]["footprint"],
    }


def row_of(table, name):
    with open(table) as lines:
        rows = csv.DictReader((line for line in lines if line[0] != "#"), delimiter="\t")
        for row in rows:
            if row["name"] == name:
                return row
    sys.exit(f"{table}: no row of {name}: nothing to judge it by")


def judge(info, row, trace):
    odd = []
    for key, value in statistics(info).items():
        if row[key] == "-":
            print(f"{trace}: {key} {value}; never measured before")
            continue
        off = 100 * (value / float(row[key]) - 1)
        if abs(off) > float(row["tolerance_percent"]):
            odd.append(key)
        print(f"{trace}: {key} {value}, {off:+.1f} % from {row[key]}")
    if odd:
        differs(f"{trace}: more than {row['tolerance_percent']} % off: {', '.join(odd)}")
    if info["totals"]["lost"] or info["totals"]["lost_unknown"]:
        differs(f"{trace}: records were lost")


table, name, *trace = sys.argv[1:]
row = row_of(table, name)
if trace:
    info = json.load(sys.stdin)
    workload = info["meta"]["details"].get("workload")
    if workload != name:
        differs(f"{trace[0]}: a trace of {workload}, not of {name}")
    judge(info, row, trace[0])
