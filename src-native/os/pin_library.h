// Keeping this library's code in memory for ever.
#ifndef ZEROCOPY_OS_PIN_LIBRARY_H_
#define ZEROCOPY_OS_PIN_LIBRARY_H_

namespace zerocopy::os {

// Node closes an addon that only a worker had loaded when that worker ends; finalizers and threads that come
// later would jump into unmapped code.
void PinThisLibrary();

}  // namespace zerocopy::os

#endif  // ZEROCOPY_OS_PIN_LIBRARY_H_
