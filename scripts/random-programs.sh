#!/usr/bin/env bash
# Random programs against the promise that none can crash the process or see foreign memory (test/lifetime/random-programs.ts).
#
#   scripts/random-programs.sh [PROGRAMS [SEED]]      default: 100 programs from seed 1, on the node of PATH
#   scripts/random-programs.sh controls               plants faults in copies of the addon, which must be found
#
# Needs out/test and build/ (npm run build).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

program=out/test/lifetime/random-programs.js
out=$PWD/out/random-programs
gyp=(node node_modules/node-gyp/bin/node-gyp.js configure build --loglevel=error -j max $(node scripts/native.mjs headers))

# control FILE SED NAME: programs run until the planted fault is found, at most 300.
control() {
  local status=0
  mkdir -p "$out"
  # With its objects: make would keep those of the control before, which are newer than the sources.
  rm -rf "$out/src-native"
  cp -rp src-native/. "$out/src-native"
  rm -rf "$out/src-native/build"
  sed -i -E "$2" "$out/src-native/$1"
  if cmp -s "src-native/$1" "$out/src-native/$1"; then
    echo "control '$3': its fault can no longer be planted in $1; write it anew" >&2
    return 1
  fi
  "${gyp[@]}" -C "$out/src-native" >"$out/build.log" 2>&1 || { cat "$out/build.log" >&2; return 1; }
  # In a shell of its own, which keeps the word about a crash to itself.
  ZEROCOPY_BINARY=$out/src-native/build/Release/zerocopy.node bash -c \
    'timeout 240 node --expose-gc "$1" --programs 300 >"$2" 2>&1' - "$program" "$out/log" 2>/dev/null || status=$?
  if [[ $status -eq 0 || $status -eq 124 ]]; then
    echo "control '$3': 300 random programs did not find it" >&2
    return 1
  fi
  echo "random programs find (status $status): $3"
}

if [[ ${1:-} == controls ]]; then
  control region/region.cc 's/if \(!IsHeldLocked\(\)\) last_claim/last_claim/' 'memory unmapped by close() under holds'
  # Without a hold of theirs there is none to release either.
  control region/window_binding.cc \
    's/ \|\| !region_->Hold\(Holder::kRaw\)//
     s/region_->Release\(exposed_ \? Holder::kRaw : Holder::kWindow\)/if (!exposed_) region_->Release(Holder::kWindow)/' \
    'raw arrays that do not hold the memory'
else
  node --expose-gc "$program" --programs "${1:-100}" --seed "${2:-1}"
fi
