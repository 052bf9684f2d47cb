/** Whether this engine makes SharedArrayBuffers over memory of ours: Node since 22.23, 24.16 and 26.1. */
export const HAS_EXTERNAL_SHARED = ((): boolean => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return (major === 22 && minor >= 23) || (major === 24 && minor >= 16) || (major === 26 && minor >= 1) || major > 26;
})();
