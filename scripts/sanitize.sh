#!/usr/bin/env bash
# Runs the mocha tests against an addon built with a sanitizer: every test that reaches native code.
#
#   scripts/sanitize.sh [SANITIZER…] [-- SPEC…]     SANITIZER: asan (with LSan and UBSan), tsan; default: both
#
# Before each, a control: an addon with planted faults (test/native/planted.h), which must be noticed.
# Left out, for time: test/view (TypeScript alone, over memory of its own), test/native (sanitized by
# native-tests.sh), test/package (installs and builds), and more in all_specs(). The addons go to out/sanitize/, never to build/.
# Needs out/test (npm run build).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=$PWD/out/sanitize
run=(node --expose-gc --enable-source-maps)
gyp=(node node_modules/node-gyp/bin/node-gyp.js configure build --loglevel=error -j max $(node scripts/native.mjs headers))

# ASan wants the faults of memory for itself. Children that the tests start must have the option too.
export NODE_OPTIONS=--disable-wasm-trap-handler

need() {
  command -v "$1" >/dev/null || { echo "sanitize: $1 is missing (Debian: apt-get install $2)" >&2; exit 1; }
}

# Sets `environment`, what an addon built with sanitizer $1 runs in, and `compile`, what it is built in; `kept` for asan.
choose() {
  local asan tsan
  case $1 in
    asan)
      need g++ g++
      asan=$(g++ -print-file-name=libasan.so)
      # Node 20 and 22 are free of leaks; later ones have two, named here and nothing wider.
      mkdir -p "$out"
      printf 'leak:ossl_load_builtin_compressions\nleak:ContextifyScript::New\n' >"$out/lsan.supp"
      compile=(ZEROCOPY_SANITIZE=address,undefined,float-cast-overflow)
      # Freed memory that is kept, to see it used, would be taken for a leak by tests that look at resident memory.
      kept=quarantine_size_mb=32
      environment=("LD_PRELOAD=$asan" "ASAN_OPTIONS=detect_leaks=1:handle_segv=2:$kept"
        UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
        "LSAN_OPTIONS=suppressions=$out/lsan.supp:print_suppressions=0") ;;
    tsan)
      need clang++-19 'clang-19 libclang-rt-19-dev'
      tsan=$(clang++-19 -print-file-name=libclang_rt.tsan-x86_64.so)
      compile=(ZEROCOPY_SANITIZE=thread CC=clang-19 CXX=clang++-19 LDFLAGS=-shared-libsan)
      environment=("LD_PRELOAD=$tsan" TSAN_OPTIONS=ignore_noninstrumented_modules=1:exitcode=66:handle_sigbus=0) ;;
    *) echo "sanitize: unknown sanitizer $1" >&2; exit 2 ;;
  esac
}

# build FOLDER: the addon of FOLDER/src-native; its compiler's words only when it fails.
build() {
  env "${compile[@]}" "${gyp[@]}" -C "$1/src-native" >"$1/build.log" 2>&1 || { cat "$1/build.log" >&2; exit 1; }
}

copy() {
  rm -rf "$2/src-native/"{os,region,transfer}
  mkdir -p "$2"
  cp -r "$1" "$2/"
}

# control SANITIZER FAULT EXPECTED: with the fault in it the addon must not go unnoticed.
control() {
  local folder=$out/$1-control status=0 log=$out/$1-control/log
  env "${environment[@]}" ZEROCOPY_PLANTED="$2" ZEROCOPY_BINARY="$folder/src-native/build/Release/zerocopy.node" \
    "${run[@]}" -e "require('#lib/native').native.counters()" >"$log" 2>&1 || status=$?
  if [[ $status -eq 0 ]] || ! grep -q "$3" "$log"; then
    cat "$log" >&2
    echo "sanitize: $1 did not notice the planted $2 (status $status)" >&2
    exit 1
  fi
  echo "control, $1 notices: $2"
}

controls() {
  local folder=$out/$1-control
  copy "$out/$1/src-native" "$folder"
  cp test/native/planted.h "$folder/src-native/"
  sed -i -E '1i #include "planted.h"
    s/^napi_value ReadCounters\(.*\{$/&\n  Planted();/' "$folder/src-native/addon.cc"
  build "$folder"
  case $1 in
    asan)
      control asan overflow 'AddressSanitizer: heap-buffer-overflow'
      control asan leak 'LeakSanitizer: detected memory leaks'
      control asan cast 'outside the range of representable values' ;;
    tsan) control tsan race 'ThreadSanitizer: data race' ;;
  esac
}

# What Node itself leaves behind when it terminates a worker or dies amid work (promises of Node-API, isolates, the error
# queues of its threads) LSan calls leaks, and nothing tells them from ours: specs that do so run without LSan.
ending='workers|transferred|exit|closed-while-busy|divided|faults|two-copies|random-programs'  # lifetime
ending+='|holders|lines|paging|search|share|shared-memory|wait|writing'                  # mapping
ending+='|copy-file|read-stream|examples|cache|cli|serve|accelerate|cluster|serve-files|serve-files-endings' # above
ending+='|file-stream-descriptor|ranges|sendfile-mapping|duplicate'

# specs SANITIZER SPEC…: mocha over them. A test that hangs keeps the process: end it.
specs() {
  timeout -k 10 1500 env "${environment[@]}" ZEROCOPY_BINARY="$binary" ZEROCOPY_SANITIZER="$1" "${run[@]}" \
    node_modules/mocha/bin/mocha.js --no-config --forbid-only --forbid-pending --timeout 300000 --reporter dot "${@:2}"
}

all_specs() {
  # For time: loops of 100,000 rounds, and files of gigabytes that a sanitizer's code walks through.
  local folders='view|native|package' left_out='synchronous-loop|huge|beyond-memory'
  # No threads of ours there.
  [[ $1 != tsan ]] || folders+='|http|cli|formats'
  # ASan's own memory is no measure of what a thousand readers cost.
  [[ $1 != asan ]] || left_out+="|sendfile-readers|$ending"
  specs "$1" 'out/test/*.spec.js' "out/test/!($folders)/**/!($left_out).spec.js"
  if [[ $1 == asan ]]; then
    environment+=("ASAN_OPTIONS=detect_leaks=0:handle_segv=2:handle_sigbus=0:$kept")
    specs "$1" "out/test/!($folders)/**/@($ending).spec.js"
  fi
}

sanitize() {
  local start=$SECONDS binary=$out/$1/src-native/build/Release/zerocopy.node
  choose "$1"
  copy src-native "$out/$1"
  build "$out/$1"
  controls "$1"
  echo "mocha under $1:"
  if [[ ${#asked[@]} -gt 0 ]]; then specs "$1" "${asked[@]}"; else all_specs "$1"; fi
  echo "$1: $((SECONDS - start)) s"
}

sanitizers=()
while [[ $# -gt 0 && $1 != -- ]]; do
  sanitizers+=("$1")
  shift
done
asked=("${@:2}")
[[ ${#sanitizers[@]} -gt 0 ]] || sanitizers=(asan tsan)
for name in "${sanitizers[@]}"; do sanitize "$name"; done
