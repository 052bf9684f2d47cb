/** The same objects for ES modules: one class identity, however the package is loaded. */
export { Mapping, MemoryView, mmap, mmapAnonymous } from './index.js';
export type {
  Access, Advice, FileHandleLike, MappableFile, MappingRange, MmapAnonymousOptions, MmapOptions, ZeroCopyErrorCode,
} from './index.js';
