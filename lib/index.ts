/** The public names of `zerocopy`, and nothing else. */
export { mmap, mmapAnonymous } from './mapping/mmap';
export type { FileHandleLike, MappableFile, MmapAnonymousOptions, MmapOptions } from './mapping/mmap';
export { Mapping } from './mapping/mapping';
export type { Access, Advice, MappingRange } from './mapping/mapping';
export { MemoryView } from './view/memory-view';
export { sendfile } from './transfer/sendfile';
export type { SendfileOptions } from './transfer/sendfile';
export { sendfileSync } from './transfer/sendfile-sync';
export { explainTransfer } from './transfer/explain';
export type { TransferExplanation } from './transfer/explain';
export type { FallbackReason, SendfileOutput } from './transfer/output';
export type { SendableFile } from './transfer/source';
export type { ZeroCopyErrorCode } from './errors';
