// Which Pages an address belongs to, for the fault handler: it may run at any moment on any thread, so it takes no
// lock and allocates nothing. Entering and leaving take a lock among themselves.
#ifndef ZEROCOPY_REGION_FAULT_TABLE_H_
#define ZEROCOPY_REGION_FAULT_TABLE_H_

#include <cstdint>

#include "os/byte_range.h"

namespace zerocopy::region {

class Pages;

constexpr uint32_t kNoSlot = UINT32_MAX;

// Answers the slot to leave by. `range` in addresses. Past the capacity of the table (more than any kernel's default
// number of maps) it is kNoSlot: a fault there ends the process as it would without us.
uint32_t EnterFaultTable(Pages* pages, os::ByteRange range);
void LeaveFaultTable(uint32_t slot);

// In the signal handler: false when the address is none of ours, or zeros cannot be put there.
bool ReplaceFaultedPages(uint64_t address);

}  // namespace zerocopy::region

#endif  // ZEROCOPY_REGION_FAULT_TABLE_H_
