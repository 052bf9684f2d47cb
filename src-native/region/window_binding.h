// A *window* is one external ArrayBuffer over a part of a Region, with a reference and a hold.
//
// Two things must have ended before its hold may go: the ArrayBuffer object (work in flight inside Node roots it) and
// its backing store (transfer() moves that to another ArrayBuffer). Each has a finalizer; the later one releases.
//
// A window that never left this package (not *exposed*) can be detached: nobody else has its memory, so its hold is
// released there and then.
//
// A SharedArrayBuffer's store may live in other threads and has one finalizer, after the last of them.
#ifndef ZEROCOPY_REGION_WINDOW_BINDING_H_
#define ZEROCOPY_REGION_WINDOW_BINDING_H_

#include <node_api.h>

namespace zerocopy::region {

void RegisterWindows(napi_env env, napi_value exports);

}  // namespace zerocopy::region

#endif  // ZEROCOPY_REGION_WINDOW_BINDING_H_
