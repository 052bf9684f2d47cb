// The handler for memory that cannot be read (SIGBUS): the interface; one .cc per system.
#ifndef ZEROCOPY_OS_FAULT_HANDLER_H_
#define ZEROCOPY_OS_FAULT_HANDLER_H_

#include <cstdint>

namespace zerocopy::os {

// Called in the signal handler, on the thread that touched `address`: true when the memory there can be read now.
using ReplaceFault = bool (*)(uint64_t address);

// Makes ours the handler of SIGBUS, unless it is already or the environment variable ZEROCOPY_SIGBUS is "off". The
// handler before it gets every signal that is not ours: a fault elsewhere, or one that a process sent. Cheap enough
// to call at every mapping, which it must be: process.on('SIGBUS') replaces handlers, and then every fault comes
// again for ever. Who replaced ours may itself pass on to ours, which nobody can know: the two do so a few times,
// then whoever came before both is next.
void InstallFaultHandler(ReplaceFault replace);

}  // namespace zerocopy::os

#endif  // ZEROCOPY_OS_FAULT_HANDLER_H_
