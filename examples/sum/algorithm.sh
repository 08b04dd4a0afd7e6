#!/bin/sh
# Adds up the numbers of the first dataset, says each step on standard output, and writes the sum.
set -eu
awk '
  { sum += $1; printf "line %d: %d, sum so far %.0f\n", NR, $1, sum }
  END { printf "{\"count\":%d,\"sum\":%.0f}\n", NR, sum > "results/sum.json" }
' datasets/numbers.txt
echo "done" >&2
