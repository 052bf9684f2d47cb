// Pages on their way to another thread: a token, claimed once, stands for them. Process-wide.
//
// A token keeps its Pages mapped. One that nobody claims is dropped when its time is over, by the next call of any of
// these; the maker of tokens sees to it that there is one.
#ifndef ZEROCOPY_REGION_SHARE_H_
#define ZEROCOPY_REGION_SHARE_H_

#include <array>
#include <cstdint>
#include <memory>

#include "region/pages.h"

namespace zerocopy::region {

using Token = std::array<uint8_t, 16>;  // random: it cannot be guessed

constexpr int64_t kTokenLifetime = 60'000;  // milliseconds

void Offer(const Token& token, std::shared_ptr<Pages> pages, int64_t now);
// Nullptr when it was claimed, was dropped, or never was.
std::shared_ptr<Pages> Claim(const Token& token, int64_t now);
void DropExpired(int64_t now);

}  // namespace zerocopy::region

#endif  // ZEROCOPY_REGION_SHARE_H_
