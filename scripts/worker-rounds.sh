#!/usr/bin/env bash
# Workers that get mappings and end at random moments (test/lifetime/worker-rounds.ts): every map ends with them.
#
#   scripts/worker-rounds.sh [ROUNDS [SEED]]      default: 5,000 rounds from seed 1, on the node of PATH
#
# Needs out/test and build/ (npm run build).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
node --expose-gc out/test/lifetime/worker-rounds.js --rounds "${1:-5000}" --seed "${2:-1}"
