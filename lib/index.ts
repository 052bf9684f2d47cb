/** The public names of `zerocopy`, and nothing else. */
export { mmap, mmapAnonymous } from './mapping/mmap';
export type { FileHandleLike, MappableFile, MmapAnonymousOptions, MmapOptions } from './mapping/mmap';
export { Mapping } from './mapping/mapping';
export type { Access, Advice, MappingRange } from './mapping/mapping';
export { MemoryView } from './view/memory-view';
export type { ZeroCopyErrorCode } from './errors';
