/** The same objects for ES modules: one class identity, however the package is loaded. */
export {
  explainTransfer, Mapping, mappings, MemoryView, mmap, mmapAnonymous, readInto, readIntoSync, sendfile, sendfileSync,
  trace,
} from './index.js';
export type * from './index.js';
