# shellcheck shell=bash
# What the experiments' scripts share; sourced by doc/experiments/*/run.

costs_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/costs" && pwd)

# value <counter>: of a run, as an expression of SQL
value()
{
	echo "(SELECT value FROM total AS t WHERE t.run_id = run.run_id AND t.name = '$1')"
}

# param <column> <name>: what a parameter was, of a column of canonical parameters, as an
# expression of SQL that is a text
param()
{
	local rest="substr($1 || ',', instr($1, '$2=') + $((${#2} + 1)))"

	echo "iif(instr($1, '$2='), substr($rest, 1, instr($rest, ',') - 1), NULL)"
}

# cost <profile> <name> <column>: value, low or high of a shared profile, in ns; its
# value where it has no range
cost()
{
	awk -F '\t' -v name="$2" -v column="$3" '
		$1 == "name" { for (i = 1; i <= NF; i++) at[$i] = i }
		$1 == name { print $at[column] == "-" ? $at["value"] : $at[column] }
	' "$costs_dir/$1.costs"
}

# profile <profile> <new name> [<cost>=<ns>...]: make <new name>.costs, in the current
# folder, of a shared profile with other costs, and say its name
profile()
{
	local from=$costs_dir/$1.costs name=$2
	shift 2

	awk -F '\t' -v OFS='\t' -v profile="$name" -v changes="$*" '
		BEGIN {
			n = split(changes, pairs, " ")
			for (i = 1; i <= n; i++) {
				split(pairs[i], pair, "=")
				ns[pair[1]] = pair[2]
			}
		}
		$1 == "profile" { $2 = profile }
		$1 in ns { $2 = ns[$1]; $3 = $4 = "-"; $6 = "assumed"; delete ns[$1] }
		{ print }
		END { for (name in ns) { print "no cost " name | "cat >&2"; exit 1 } }
	' "$from" >"$name.costs" || return
	echo "$name.costs"
}
