{
  "variables": {
    # ZEROCOPY_SANITIZE=address|undefined|thread builds an instrumented addon (scripts/sanitize.sh).
    "sanitize%": "<!(node -p \"process.env.ZEROCOPY_SANITIZE || ''\")"
  },
  "targets": [{
    "target_name": "zerocopy",
    "include_dirs": ["."],
    "defines": ["NAPI_VERSION=8"],
    "sources": [
      "addon.cc",
      "descriptor_binding.cc",
      "http/document_root_binding.cc",
      "region/fault_table.cc",
      "region/handle_binding.cc",
      "region/hold_binding.cc",
      "region/map_budget.cc",
      "region/pages.cc",
      "region/paging_binding.cc",
      "region/region.cc",
      "region/region_binding.cc",
      "region/residents_binding.cc",
      "region/search.cc",
      "region/search_binding.cc",
      "region/share.cc",
      "region/share_binding.cc",
      "region/wait_binding.cc",
      "region/window_binding.cc",
      "region/work_binding.cc",
      "transfer/copy.cc",
      "transfer/copy_binding.cc",
      "transfer/transfer_binding.cc"
    ],
    # No exceptions, no RTTI, no C++ run-time library: the binary needs libc alone (no_runtime.cc).
    "cflags!": ["-O3"],
    "cflags_cc!": ["-O3", "-std=gnu++17", "-std=gnu++20"],
    "cflags": ["-O2", "-fvisibility=hidden", "-ffunction-sections", "-fdata-sections", "-fno-omit-frame-pointer"],
    "cflags_cc": [
      "-std=c++17", "-fvisibility-inlines-hidden", "-fno-threadsafe-statics", "-fno-exceptions", "-fno-rtti",
      "-Wall", "-Wextra", "-Wconversion", "-Werror"
    ],
    # The only place that chooses a system.
    "conditions": [
      ["OS=='linux'", {
        "sources": [
          "no_runtime.cc",
          "os/directory_linux.cc",
          "os/copy_file_linux.cc", "os/copy_file_posix.cc", "os/file_posix.cc", "os/memory_map_posix.cc",
          "os/fault_handler_posix.cc", "os/library_posix.cc",
          "os/futex_linux.cc", "os/open_again_linux.cc", "os/output_linux.cc", "os/poller_linux.cc",
          "os/send_file_linux.cc", "os/thread_posix.cc",
          "region/waiters.cc", "transfer/inline_send.cc", "transfer/pump.cc"
        ],
        "ldflags!": ["-rdynamic"],
        "ldflags": [
          "-Wl,--as-needed", "-Wl,--gc-sections", "-Wl,-z,relro,-z,now,-z,noexecstack",
          "-Wl,--version-script=<!(node -p \"require('path').resolve('exports.map')\")"
        ]
      }],
      ["OS=='mac' or OS=='freebsd'", {
        "sources": [
          "os/directory_unsupported.cc",
          "os/copy_file_posix.cc", "os/copy_file_unsupported.cc", "os/file_posix.cc", "os/memory_map_posix.cc",
          "os/fault_handler_posix.cc", "os/library_posix.cc", "os/send_file_bsd.cc", "os/thread_unsupported.cc",
          "region/waiters_unsupported.cc", "transfer/pump_unsupported.cc"
        ],
        "xcode_settings": {
          "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
          "GCC_ENABLE_CPP_EXCEPTIONS": "NO",
          "GCC_ENABLE_CPP_RTTI": "NO",
          "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
          "MACOSX_DEPLOYMENT_TARGET": "11.0",
          "OTHER_LDFLAGS": ["-Wl,-dead_strip"]
        }
      }],
      ["OS=='win'", {
        "sources": [
          "os/directory_unsupported.cc",
          "os/copy_file_unsupported.cc", "os/copy_file_windows.cc", "os/file_windows.cc", "os/memory_map_windows.cc",
          "os/fault_handler_windows.cc", "os/handle_windows.cc", "os/library_windows.cc", "os/lock_windows.cc",
          "os/send_file_unsupported.cc", "os/thread_unsupported.cc",
          "region/waiters_unsupported.cc", "transfer/pump_unsupported.cc"
        ],
        "defines": ["WIN32_LEAN_AND_MEAN", "NOMINMAX", "_WIN32_WINNT=0x0A00", "_HAS_EXCEPTIONS=0"],
        "msvs_settings": {
          "VCCLCompilerTool": { "AdditionalOptions": ["/std:c++17"], "ExceptionHandling": 0, "RuntimeLibrary": 0 }
        }
      }],
      ["sanitize!=''", {
        "defines": ["ZEROCOPY_SANITIZED"],
        "cflags": ["-g", "-O1", "-fsanitize=<(sanitize)"],
        "ldflags": ["-fsanitize=<(sanitize)"],
        "ldflags!": ["-Wl,-z,relro,-z,now,-z,noexecstack"]
      }]
    ]
  }]
}
