/** The same objects for ES modules: one class identity, however the package is loaded. */
export {
  byteSource, copyFile, createNpy, createReadableStream, createReadStream, explainTransfer, Mapping, mappings,
  MemoryView, mmap, mmapAnonymous, openNpy, readInto, readIntoSync, sendfile, sendfileSync, trace, writeNpy,
} from './index.js';
export type * from './index.js';
