// This library, and the program that loaded it.
#ifndef ZEROCOPY_OS_LIBRARY_H_
#define ZEROCOPY_OS_LIBRARY_H_

namespace zerocopy::os {

// Keeps this library's code in memory for ever: Node closes an addon that only a worker had loaded when that worker
// ends, and finalizers, threads and signals that come later would jump into unmapped code.
void PinThisLibrary();

// A function that the running program exports, beyond what this library was linked for; nullptr when it has none such.
void* FindInProgram(const char* name);

}  // namespace zerocopy::os

#endif  // ZEROCOPY_OS_LIBRARY_H_
