{
  # For building in a clone. Kept out of the published package: package managers run `node-gyp rebuild` for any
  # package with a binding.gyp at its root. The real target is in src-native/.
  "targets": [{
    "target_name": "all_native",
    "type": "none",
    "dependencies": ["src-native/binding.gyp:zerocopy"]
  }]
}
