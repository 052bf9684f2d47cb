/** The same objects for ES modules: one class identity, however the package is loaded. */
export {
  Mapping, MemoryView, explainTransfer, mappings, mmap, mmapAnonymous, readInto, readIntoSync, sendfile, sendfileSync, trace,
} from './index.js';
export type {
  Access, Advice, FallbackReason, FileHandleLike, Holders, MappableFile, MappingHandle, MappingInfo, MappingRange, MmapAnonymousOptions, MmapOptions, ReadTarget, SendableFile,
  SendfileOptions, SendfileOutput, TransferExplanation, ZeroCopyErrorCode,
} from './index.js';
