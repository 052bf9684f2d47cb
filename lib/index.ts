/** The public names of `zerocopy`, and nothing else. */
export { mmap, mmapAnonymous } from './mapping/mmap';
export type { MappableFile, MmapAnonymousOptions, MmapOptions } from './mapping/mmap';
export { byteSource } from './mapping/byte-source';
export type { ByteSource } from './mapping/byte-source';
export { Mapping } from './mapping/mapping';
export type { Access, Advice, MappingRange, PrefetchOptions } from './mapping/mapping';
export type { Residency } from './mapping/paging';
export type { WaitOptions, WaitResult } from './mapping/wait';
export type { Cursor, Whence } from './mapping/cursor';
export { mappings, trace } from './mapping/holders';
export type { Holders, MappingInfo } from './mapping/holders';
export type { LinesOptions } from './mapping/lines';
export type { Needle, SearchOptions } from './mapping/search';
export type { MappingHandle } from './mapping/share';
export { MemoryView } from './view/memory-view';
export type {
  Item, Key, MemoryExporter, MemorySource, MemoryViewOptions, NestedList, Scalar,
} from './view/memory-view';
export { createNpy, openNpy, writeNpy } from './formats/npy';
export type { CreateNpyOptions, OpenNpyOptions } from './formats/npy';
export { copyFile } from './transfer/copy-file';
export type { CopyFileOptions } from './transfer/copy-file';
export type { CopyTarget } from './transfer/copy-target';
export { createReadStream } from './transfer/read-stream';
export type { ReadStream } from './transfer/read-stream';
export { createReadableStream } from './transfer/readable-stream';
export type { ReadStreamOptions } from './transfer/stream-options';
export { readInto, readIntoSync } from './transfer/read-into';
export type { ReadTarget } from './transfer/read-into';
export { sendfile } from './transfer/sendfile';
export type { SendfileOptions } from './transfer/sendfile';
export { sendfileSync } from './transfer/sendfile-sync';
export { explainTransfer } from './transfer/explain';
export type { TransferExplanation } from './transfer/explain';
export type { FallbackReason, SendfileOutput } from './transfer/output';
export type { SendableFile } from './transfer/source';
export type { ZeroCopyErrorCode } from './errors';
export type { FileHandleLike } from './files';
