// Files below a document root, opened and described in one call: at once where no disk has to be asked, else on
// libuv's thread pool.
#include <node_api.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <iterator>
#include <memory>
#include <utility>

#include "descriptor_binding.h"
#include "environment.h"
#include "node_values.h"
#include "os/descriptor.h"
#include "os/directory.h"
#include "os/file.h"
#include "os/send_file.h"
#include "pool_work_binding.h"

namespace zerocopy::http {
namespace {

#ifndef PATH_MAX
constexpr size_t kLongestPath = 4096;
#else
constexpr size_t kLongestPath = PATH_MAX;
#endif
// Where `describe` also says whether all bytes are in memory.
constexpr uint64_t kLargestProbed = uint64_t{64} * 1024;
constexpr int kHalf = 32;

struct Place {
  int root = -1;
  char path[kLongestPath] = {};
  os::Symlinks symlinks = os::Symlinks::kWithin;
};

// ENAMETOOLONG, EINVAL for a path that the kernel would see cut; ERR_INTERNAL_MISUSE (pending) for no arguments.
template <size_t kCount>
bool ReadPlace(napi_env env, const Arguments<kCount>& arguments, Place* place, os::OsError* error) {
  uint64_t symlinks = 0;
  size_t length = 0;
  if (!arguments.Descriptor(0, &place->root) || !arguments.Size(2, &symlinks) || symlinks > 2 ||
      napi_get_value_string_utf8(env, arguments[1], nullptr, 0, &length) != napi_ok) {
    ThrowMisuse(env, "openBeneath(root, path, symlinks, …)");
    return false;
  }
  place->symlinks = static_cast<os::Symlinks>(symlinks);
  if (length >= kLongestPath) {
    *error = {ENAMETOOLONG, "openat2"};
    return false;
  }
  napi_get_value_string_utf8(env, arguments[1], place->path, kLongestPath, &length);
  if (std::strlen(place->path) == length) return true;
  *error = {EINVAL, "openat2"};
  return false;
}

napi_value FailureOrPending(napi_env env, const os::OsError& error) {
  return error.number == 0 ? nullptr : MakeFailure(env, error);
}

// In the order of FACTS in lib/native.ts.
constexpr size_t kFacts = 10;

bool FactsArray(napi_env env, napi_value value, double** facts) {
  napi_typedarray_type type = napi_int8_array;
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok) return false;
  *facts = static_cast<double*>(data);
  return type == napi_float64_array && length == kFacts && data != nullptr;
}

os::Status DescribeInto(int descriptor, double* out) {
  const auto described = os::Describe(descriptor);
  if (!described.ok()) return described.error();
  const os::FileFacts& facts = described.value();
  const bool in_memory = facts.size <= kLargestProbed && os::IsCached(descriptor, 0, static_cast<size_t>(facts.size));
  const double values[] = {
      static_cast<double>(facts.size),
      static_cast<double>(facts.modified_seconds),
      static_cast<double>(facts.modified_nanoseconds),
      static_cast<double>(facts.changed_seconds),
      static_cast<double>(facts.changed_nanoseconds),
      static_cast<double>(facts.device),
      static_cast<double>(facts.inode >> kHalf),  // exact, which 64 bits in a double are not
      static_cast<double>(facts.inode & UINT32_MAX),
      static_cast<double>(facts.mode),
      in_memory ? 1.0 : 0.0,
  };
  static_assert(sizeof values / sizeof *values == kFacts);
  std::copy(std::begin(values), std::end(values), out);
  return os::Nothing{};
}

// openBeneath(root, path, symlinks, facts): a descriptor, its facts filled in; EAGAIN when the disk must be asked.
napi_value OpenBeneath(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  Place place;
  os::OsError error;
  double* facts = nullptr;
  if (!ReadPlace(env, arguments, &place, &error)) return FailureOrPending(env, error);
  if (!FactsArray(env, arguments[3], &facts)) return ThrowMisuse(env, "openBeneath(…, facts)");
  auto file = os::OpenBeneath(place.root, place.path, place.symlinks, os::Lookup::kCachedOnly);
  if (!file.ok()) return MakeFailure(env, file.error());
  const os::Status described = DescribeInto(file.value().get(), facts);
  return described.ok() ? HandOver(env, std::move(file.value())) : MakeFailure(env, described.error());
}

// describeFile(descriptor, facts)
napi_value DescribeFile(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  int descriptor = -1;
  double* facts = nullptr;
  if (!arguments.Descriptor(0, &descriptor) || !FactsArray(env, arguments[1], &facts)) {
    return ThrowMisuse(env, "describeFile(descriptor, facts)");
  }
  return NothingOrFailure(env, DescribeInto(descriptor, facts));
}

// isFileAtHand(path)
napi_value IsFileAtHand(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  char path[kLongestPath] = {};
  size_t length = 0;
  if (napi_get_value_string_utf8(env, arguments[0], path, kLongestPath, &length) != napi_ok) {
    return ThrowMisuse(env, "isFileAtHand(path)");
  }
  // What was cut is another path.
  const bool is_whole = length < kLongestPath - 1 && std::strlen(path) == length;
  return MakeBoolean(env, is_whole && os::IsFileAtHand(path));
}

struct Opening {
  Place place;
  os::Descriptor root;  // its own, for the caller may close that meanwhile
  os::Result<os::Descriptor> opened = os::OsError{ECANCELED, "openat2"};

  void Run() { opened = os::OpenBeneath(root.get(), place.path, place.symlinks, os::Lookup::kOnDisk); }

  // What is not taken is closed.
  napi_value Answer(napi_env env) {
    return opened.ok() ? HandOver(env, std::move(opened.value())) : MakeFailure(env, opened.error());
  }
};

// openBeneathOnPool(root, path, symlinks): a promise of a descriptor or a failure.
napi_value OpenBeneathOnPool(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  auto opening = std::make_unique<Opening>();
  os::OsError error;
  if (!ReadPlace(env, arguments, &opening->place, &error)) return FailureOrPending(env, error);
  auto root = os::Duplicate(opening->place.root);
  if (!root.ok()) return MakeFailure(env, root.error());
  opening->root = std::move(root.value());
  return RunOnPool(env, std::move(opening), "zerocopy:open");
}

}  // namespace

void Register(napi_env env, napi_value exports) {
  Export(env, exports, "openBeneath", OpenBeneath);
  Export(env, exports, "openBeneathOnPool", OpenBeneathOnPool);
  Export(env, exports, "describeFile", DescribeFile);
  Export(env, exports, "isFileAtHand", IsFileAtHand);
}

}  // namespace zerocopy::http
