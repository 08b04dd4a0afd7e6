#!/bin/sh
# Adds up the numbers of the first dataset, so many a second (the first argument), says each step on
# standard output, and writes the sum.
set -eu
awk -v pace="${1:-200}" '
  { sum += $1; printf "line %d: %d, sum so far %.0f\n", NR, $1, sum }
  NR % pace == 0 { fflush(); system("sleep 1") }
  END { printf "{\"count\":%d,\"sum\":%.0f}\n", NR, sum > "results/sum.json" }
' datasets/numbers.txt
echo "done" >&2
