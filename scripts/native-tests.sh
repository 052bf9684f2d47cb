#!/usr/bin/env bash
# The C++ tests of os/, region/ and the pump (test/native), without Node.
#
#   scripts/native-tests.sh [BUILD…]      BUILD: plain, asan (with LSan and UBSan), tsan, controls; default: all of them
#
# `controls` plants one fault at a time in a copy of the source; the build named beside it must notice.
# What is built goes to out/native/BUILD and is kept until the sources change. Needs node, g++ and, for tsan, clang++-19.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=$PWD/out/native
jobs=$(nproc 2>/dev/null || echo 2)
mapfile -t sources < <(node scripts/native.mjs core)
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=0:exitcode=66

compiler_of() {
  if [[ $1 == tsan ]]; then echo clang++-19; else echo "${CXX:-g++}"; fi
}

flags_of() {
  case $1 in
    plain) echo '-O1' ;;
    asan) echo '-O1 -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=undefined,float-cast-overflow' ;;
    tsan) echo '-O1 -fsanitize=thread' ;;
    *) echo "unknown build: $1" >&2; return 2 ;;
  esac
}

# build BUILD FOLDER [SOURCE-TREE]: FOLDER/tests from SOURCE-TREE (default: ours).
build() {
  local compiler flags tree=${3:-$PWD/src-native} file
  compiler=$(compiler_of "$1")
  flags=$(flags_of "$1")
  if ! command -v "$compiler" >/dev/null; then
    echo "native-tests: $compiler is missing (Debian: apt-get install g++ clang-19)" >&2
    return 1
  fi
  if [[ -x $2/tests && -z $(find "$tree" test/native "$0" -newer "$2/tests" -name '*.*' -print -quit) ]]; then return; fi
  mkdir -p "$2"
  for file in "${sources[@]/#/$tree/}" test/native/*.cc; do
    printf '%s\0' "$compiler -std=c++17 -g -fno-omit-frame-pointer -fno-exceptions -Wall -Wextra -Werror $flags \
      -I '$tree' -I test/native -c '$file' -o '$2/$(basename "$file" .cc).o'"
  done | xargs -0 -P "$jobs" -I{} bash -c '{}'
  # shellcheck disable=SC2086
  "$compiler" $flags "$2"/*.o -o "$2/tests" -lpthread -ldl
}

run() {
  local start=$SECONDS
  build "$1" "$out/$1"
  printf 'native tests, %s: ' "$1"
  "$out/$1/tests"
  echo "  ($((SECONDS - start)) s)"
}

# control BUILD FILE SED EXPECTED NAME: with the fault planted, the tests must fail and say EXPECTED.
control() {
  local folder=$out/control log status=0
  rm -rf "$folder"
  mkdir -p "$folder/build"
  cp -r src-native "$folder/src-native"
  rm -rf "$folder/src-native/build"
  sed -i -E "$3" "$folder/src-native/$2"
  if cmp -s "src-native/$2" "$folder/src-native/$2"; then
    echo "control '$5': its fault can no longer be planted in $2; write it anew" >&2
    return 1
  fi
  cp -p "$out/$1/"*.o "$folder/build/"
  recompile "$1" "$folder" "$2"
  log=$folder/log
  # Again where nothing was noticed: a race is there to be seen only when two threads meet.
  for _ in 1 2 3 4 5; do
    # In a shell of its own, which keeps the word about a crash to itself.
    bash -c 'timeout 60 "$1" >"$2" 2>&1' - "$folder/build/tests" "$log" 2>/dev/null || status=$?
    echo "status $status" >>"$log"
    [[ $status -eq 0 ]] || break
  done
  if [[ $status -eq 0 ]] || ! grep -qE "$4" "$log"; then
    cat "$log" >&2
    echo "control '$5': $1 did not notice (status $status, expected $4)" >&2
    return 1
  fi
  echo "control, $1 notices: $5"
}

# Only what the fault is in, if it is in a .cc; everything otherwise.
recompile() {
  local compiler flags object
  if [[ $3 == *.h ]]; then
    build "$1" "$2/build" "$2/src-native"
    return
  fi
  compiler=$(compiler_of "$1")
  flags=$(flags_of "$1")
  object=$2/build/$(basename "$3" .cc).o
  # shellcheck disable=SC2086
  "$compiler" -std=c++17 -g -fno-omit-frame-pointer -fno-exceptions -w $flags -I "$2/src-native" -c "$2/src-native/$3" \
    -o "$object"
  # shellcheck disable=SC2086
  "$compiler" $flags "$2/build/"*.o -o "$2/build/tests" -lpthread -ldl
}

controls() {
  local lock='/^(bool Region::Hold|void Region::Release)/,/^}/ s/^ *const std::lock_guard.*$//' name
  for name in plain asan tsan; do build "$name" "$out/$name"; done
  control tsan region/region.cc "$lock" 'ThreadSanitizer: data race' 'Hold and Release without their lock'
  control plain region/region.cc 's/return std::move\(pages_\);/(void)os::Unmap(data_, length_);\n  return nullptr;/' \
    'FAILED RegionUnmapsExactlyOnce' 'unmapped by Close and again by the destructor'
  control plain region/region.cc 's/return std::move\(pages_\);/return pages_;/' \
    'FAILED RegionClosesAtOnceWithoutHolds' 'still mapped after Close'
  control plain region/pages.cc 's/if \(!retired_\) \(void\)os::Unmap.*//' \
    'FAILED RegionWithoutReferencesIsUnmapped' 'not unmapped when the last reference goes'
  control plain region/region.cc 's/if \(!IsHeldLocked\(\)\) last/last/' \
    'Close\(\) == State::kClosing\) failed|^status 139$' 'unmapped under a hold'
  control asan region/region.cc 's/if \(!IsHeldLocked\(\)\) last/last/' 'AddressSanitizer: SEGV' \
    'read through a hold after unmapping'
  control asan region/region.cc '0,/return std::shared_ptr<Region>\(new Region\(/ s//new Region(pages.value());\n  &/' \
    'LeakSanitizer: detected memory leaks' 'a Region that nobody owns'
  control plain os/descriptor.h 's/if \(fd_ >= 0\) \(void\)Close\(fd_\);//' \
    'FAILED RegionFailuresSayWhyAndLeaveNothingBehind' 'a descriptor left open when mapping fails'
  control plain region/pages.cc 's/faults_ \+= .*$//' 'FAILED PagesPastTheEndReadAsZerosAndAreCounted' \
    'a fault that is not counted'
  control plain region/fault_table.cc 's/return pages != nullptr \&\& .*$/return false;/' '^status 135$' \
    'a fault that nobody handles'
  control plain region/share.cc 's/std::move\(found->pages\)/found->pages/; s/table.erase\(found\);//' 'FAILED TokenIsClaimedOnce' 'a token claimed twice'
  control tsan transfer/pump.cc '/^std::vector<Outcome> Pump::TakeFinished/,/^}/ s/^ *const std::lock_guard.*$//' \
    'ThreadSanitizer: data race' 'Outcomes taken without the lock'
  control plain region/search.cc 's/kBackwards \? HighestBit\(mask\) : LowestBit\(mask\)/LowestBit(mask)/' \
    'FAILED SearchFindsWhatThePlainest' 'the first of several places taken for the last'
  control asan region/search.cc 's/candidates_\(haystack.length - needle.length \+ 1\)/candidates_(haystack.length)/' \
    'AddressSanitizer|status 139' 'candidates for which the haystack is too short'
  control plain os/futex_linux.cc 's/^  if \(result == 0\) return ECANCELED;/  if (result >= 0 \&\& *cancelled != 0) return ECANCELED;/' \
    'FAILED WaitsLoseNoWakeUp' 'a wake-up that a cancelled wait throws away'
  control tsan region/waiters.cc 's/^ *const std::lock_guard.*$//' 'ThreadSanitizer: data race' \
    'Outcomes of waits put down without the lock'
  control plain os/byte_range.h 's/return range.offset <= size.*$/return range.offset + range.length <= size;/' \
    'FAILED FitsIsExactUpToTheLastNumber' 'offset and length added before they are known to fit'
  control plain os/memory_map_posix.cc 's/^  const int error = errno;$/  (void)madvise(nullptr, 1, 0x7fff);\n&/' \
    'FAILED MappingFlushingAndAdvisingAnswerErrno' 'errno read after another call'
  control asan os/page.h 's/const uint64_t tail = /const int sum = static_cast<int>(1e10 * static_cast<double>(lead + 1));\n  (void)sum;\n&/; s/constexpr PageSpan/inline PageSpan/' \
    'outside the range of representable values' 'a length that does not fit an int'
}

builds=("$@")
[[ ${#builds[@]} -gt 0 ]] || builds=(plain asan tsan controls)
for name in "${builds[@]}"; do
  if [[ $name == controls ]]; then controls; else run "$name"; fi
done
