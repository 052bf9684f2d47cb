#include "region/share_binding.h"

#include <cstring>
#include <memory>
#include <utility>

#include "node_values.h"
#include "region/handle_binding.h"
#include "region/region.h"
#include "region/share.h"

namespace zerocopy::region {
namespace {

bool ReadToken(napi_env env, napi_value value, Token* token) {
  size_t length = 0;
  void* data = nullptr;
  if (!ReadArray(env, value, napi_uint8_array, &data, &length) || length != token->size()) return false;
  std::memcpy(token->data(), data, length);
  return true;
}

// offerRegion(handle, token, now)
napi_value OfferRegion(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  const std::shared_ptr<Region> region = arguments.ok() ? FromHandle(env, arguments[0]) : nullptr;
  Token token{};
  uint64_t now = 0;
  if (region == nullptr || !ReadToken(env, arguments[1], &token) || !arguments.Size(2, &now)) {
    return ThrowMisuse(env, "offerRegion(handle, token, now)");
  }
  std::shared_ptr<Pages> pages = region->pages();
  if (pages == nullptr) return ThrowMisuse(env, "offerRegion of a closed region");
  Offer(token, std::move(pages), static_cast<int64_t>(now));
  return MakeUndefined(env);
}

// claimRegion(token, now): handle | undefined
napi_value ClaimRegion(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Token token{};
  uint64_t now = 0;
  if (!arguments.ok() || !ReadToken(env, arguments[0], &token) || !arguments.Size(1, &now)) {
    return ThrowMisuse(env, "claimRegion(token, now)");
  }
  std::shared_ptr<Pages> pages = Claim(token, static_cast<int64_t>(now));
  return pages == nullptr ? MakeUndefined(env) : MakeHandle(env, std::shared_ptr<Region>(new Region(std::move(pages))));
}

// dropExpiredOffers(now)
napi_value DropExpiredOffers(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  uint64_t now = 0;
  if (!arguments.Size(0, &now)) return ThrowMisuse(env, "dropExpiredOffers(now)");
  DropExpired(static_cast<int64_t>(now));
  return MakeUndefined(env);
}

}  // namespace

void RegisterSharing(napi_env env, napi_value exports) {
  Export(env, exports, "offerRegion", OfferRegion);
  Export(env, exports, "claimRegion", ClaimRegion);
  Export(env, exports, "dropExpiredOffers", DropExpiredOffers);
}

}  // namespace zerocopy::region
