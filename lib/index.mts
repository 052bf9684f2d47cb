/** The same objects for ES modules: one class identity, however the package is loaded. */
export { Mapping, MemoryView, explainTransfer, mmap, mmapAnonymous, sendfile, sendfileSync } from './index.js';
export type {
  Access, Advice, FallbackReason, FileHandleLike, MappableFile, MappingRange, MmapAnonymousOptions, MmapOptions, SendableFile,
  SendfileOptions, SendfileOutput, TransferExplanation, ZeroCopyErrorCode,
} from './index.js';
