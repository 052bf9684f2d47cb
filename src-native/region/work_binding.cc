#include "region/work_binding.h"

#include <node_api.h>

#include <utility>

#include "node_values.h"
#include "pool_work_binding.h"

namespace zerocopy::region {
namespace {

class RegionWork {
 public:
  RegionWork(std::shared_ptr<Region> held, os::ByteRange range, Operation operation)
      : region_(std::move(held)), range_(range), operation_(operation) {}

  void Run() { status_ = (region_.get()->*operation_)(range_); }

  napi_value Answer(napi_env env) const { return NothingOrFailure(env, status_); }

 private:
  const std::shared_ptr<Region> region_;
  const os::ByteRange range_;
  const Operation operation_;
  os::Status status_ = os::Nothing{};
};

}  // namespace

napi_value RunOnPool(napi_env env, std::shared_ptr<Region> held, os::ByteRange range, Operation operation,
                     const char* name) {
  return zerocopy::RunOnPool(env, std::make_unique<RegionWork>(std::move(held), range, operation), name);
}

}  // namespace zerocopy::region
