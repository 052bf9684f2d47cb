import { inspect } from 'node:util';

import { illegalConstructor, invalidThis, unavailable, valueOrThrow, zeroCopyError } from '../errors';
import { ACCESS, ADVICE, native, type Access, type Advice, type RegionHandle, type STATES } from '../native';
import {
  byteRange, oneOf, optionalBoolean, optionalFunction, optionalSignal, optionsObject, type ByteRange,
} from '../validate';
import { type MemoryView, viewOf } from '../view/memory-view';
import { registerExporter } from '../view/owner';
import { remember, tracing } from '../view/trace';
import { announce } from './announce';
import { copyWithin } from './copy-within';
import { Cursor } from './cursor';
import { lostPages } from './faults';
import { holdersOf, type Holders } from './holders';
import { linesIn, type LinesOptions } from './lines';
import { lockPages, prefetchPages, residencyOf, type Residency } from './paging';
import { withRoom } from './refusals';
import { resizedRegion } from './resize';
import { find, search, type Needle, type SearchOptions } from './search';
import { claim, offer, type MappingHandle } from './share';
import { endWaits, notifyAt, waitAt, type WaitOptions, type WaitPlace, type WaitResult } from './wait';
import { Windows } from './windows';

/** A part of a mapping: bytes, from 0 and to its end where left out. */
export interface MappingRange {
  readonly offset?: number | bigint;
  readonly length?: number | bigint;
}

/** A range to read in; what may stop that, and what is told how far it is. */
export interface PrefetchOptions extends MappingRange {
  readonly signal?: AbortSignal;
  /** Told the bytes read in so far, at most every 50 ms, and at the end. */
  readonly onProgress?: (bytes: number) => void;
}

/** What mmap() found out on the way to a region. */
export interface MappingFacts {
  readonly region: RegionHandle;
  readonly byteLength: number;
  readonly fileOffset: number;
  readonly access: Access;
  readonly path: string | undefined;
  /** Memory that no file has: it cannot grow. */
  readonly anonymous: boolean;
  /** The public function that was called: traces begin above it. Without one, above this package. */
  readonly maker?: (...args: never[]) => Mapping;
}

/**
 * structuredClone and postMessage refuse a symbol among an object's properties, where they would make an empty shell of
 * the rest. Each Mapping has one of its own, so that none is deeply equal to another: their bytes cannot be compared.
 */
const CLONE_GUARD = 'a Mapping cannot be cloned: send mapping.share(), and take it by Mapping.attach()';

let isMapping: (value: unknown) => value is Mapping;

/** The memory behind a Mapping, open or not. Throws ERR_INVALID_THIS. */
export let windowsOf: (mapping: Mapping) => Windows;

/** Only mmap() and mmapAnonymous() have it: a Mapping is not made with `new`. */
export const MAKE: unique symbol = Symbol('zerocopy.make');

/**
 * A file, or a part of it, in memory: bytes with one owner and one end.
 *
 * Made by {@link mmap} and {@link mmapAnonymous}. It lives as long as anything looks at it: the Mapping itself, a
 * {@link MemoryView}, a typed array or Buffer over it. close() ends it before that: every MemoryView over it throws
 * ERR_MAPPING_CLOSED from then on. Every method but `close` and `holders` throws ERR_MAPPING_CLOSED after it.
 *
 * Source: mmap(2); CPython's `mmap` module.
 */
export class Mapping implements Disposable {
  /** Where in the file the mapping begins, bytes. */
  readonly fileOffset: number;
  /** 'read', 'write' (shared: writes reach the file) or 'copy' (private and writable). */
  readonly access: Access;
  /** True for access 'read': MemoryViews over it refuse to write. */
  readonly readonly: boolean;
  /** The path it was made from, when it was made from one. */
  readonly path?: string;
  /** Another one after resize(): code that keeps it sees the memory as it was, closed. */
  #windows: Windows;
  /** Those that resize() replaced, while raw arrays keep their memory. */
  #former: Windows[] = [];
  readonly #anonymous: boolean;

  static {
    isMapping = (value): value is Mapping => typeof value === 'object' && value !== null && #windows in value;
    windowsOf = (mapping) => {
      if (!isMapping(mapping)) throw invalidThis('Mapping');
      return mapping.#windows;
    };
    registerExporter((source) => {
      if (!(#windows in source)) return undefined;
      return { owner: source.#windows.whole, offset: 0, byteLength: source.byteLength };
    });
  }

  /** @internal */
  constructor(make: typeof MAKE, facts: MappingFacts) {
    if ((make as unknown) !== MAKE) throw illegalConstructor('a Mapping is made by mmap() or mmapAnonymous()');
    this.fileOffset = facts.fileOffset;
    this.access = facts.access;
    this.readonly = facts.access === 'read';
    if (facts.path !== undefined) this.path = facts.path;
    this.#windows = new Windows(this, facts.region, facts.byteLength, this.readonly);
    this.#anonymous = facts.anonymous;
    Object.assign(this, { guard: Symbol(CLONE_GUARD) });
    facts.region.mapping = this;
    Object.freeze(this);
    if (tracing) remember(this, facts.maker);
    announce('map', this);
  }

  /** Length of the mapping, bytes. */
  get byteLength(): number {
    return windowsOf(this).byteLength;
  }

  /** 'open'; 'closing' after close() while raw arrays or our own native work still need the memory; 'closed'. */
  get state(): (typeof STATES)[number] {
    const { state } = windowsOf(this);
    return state === 'closed' && this.#former.some((windows) => windows.state !== 'closed') ? 'closing' : state;
  }

  /** True once the memory is unmapped. */
  get closed(): boolean {
    windowsOf(this);
    return this.state === 'closed';
  }

  /**
   * A descriptor of the file, to hand to a child process: for access 'write' and anonymous mappings, else -1. It is the
   * mapping's: do not close it.
   */
  get fd(): number {
    return native.regionDescriptor(windowsOf(this).region);
  }

  /**
   * The whole mapping as one ArrayBuffer, sharing its memory; the same object each time. Writing through it never
   * crashes: over access 'read' the write stays private to this mapping.
   * @throws ERR_BUFFER_TOO_LARGE when it is longer than this engine's largest ArrayBuffer (4 GiB on Node 20).
   */
  asArrayBuffer(): ArrayBuffer {
    return openWindows(this).rawWhole();
  }

  /**
   * A range of bytes (default: from 0, to the end) as Uint8Array, sharing the mapping's memory.
   * @throws ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, ERR_BUFFER_TOO_LARGE
   */
  asUint8Array(offset?: number, length?: number): Uint8Array<ArrayBuffer> {
    const windows = openWindows(this);
    const range = byteRange(offset, length, this.byteLength);
    return windows.raw(range.offset, range.length);
  }

  /** As {@link asUint8Array}, as Buffer. */
  asBuffer(offset?: number, length?: number): Buffer<ArrayBuffer> {
    const range = byteRange(offset, length, openWindows(this).byteLength);
    const bytes = openWindows(this).raw(range.offset, range.length);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /**
   * A view of a range of bytes (default: from 0, to the end), format 'B', of any length.
   * @throws ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE
   */
  view(offset?: number, length?: number): MemoryView {
    const windows = openWindows(this);
    const range = byteRange(offset, length, this.byteLength);
    const all = range.length === this.byteLength;
    const owner = (all ? undefined : windows.locate(range.offset, range.length)) ?? windows.whole;
    return viewOf(owner, range.offset - owner.start, range.length);
  }

  /**
   * Writes changed pages to the file and waits until they are on the disk, on the thread pool (msync(2), MS_SYNC).
   * The mapping is held until then. Range: default the whole mapping.
   * @throws (rejects) system errors of msync; ERR_OUT_OF_RANGE
   */
  async flush(range?: MappingRange): Promise<void> {
    const { offset, length } = rangeIn(this, range);
    const windows = this.#windows;
    valueOrThrow(await native.flushAsync(windows.region, offset, length), this.path);
    throwLoss(windows);
  }

  /** As {@link flush}, before it returns: the event loop waits for the disk. */
  flushSync(range?: MappingRange): void {
    const { offset, length } = rangeIn(this, range);
    valueOrThrow(native.flush(this.#windows.region, offset, length), this.path);
    throwLoss(this.#windows);
  }

  /**
   * Tells the kernel how a range (default: all) will be used: madvise(2). On access 'copy', 'dontneed' and 'free'
   * throw private writes away.
   * @throws ERR_INVALID_ARG_VALUE; ERR_FEATURE_UNAVAILABLE_ON_PLATFORM for advice that this system has none like;
   * ERR_TOO_MANY_MAPPINGS: each part that is treated unlike its surroundings is a map of its own to the kernel; system
   * errors of madvise
   */
  advise(advice: Advice, range?: MappingRange): void {
    const { offset, length } = rangeIn(this, range);
    const number = ADVICE.indexOf(oneOf(advice, 'advice', ADVICE));
    valueOrThrow(withRoom(native.advise(this.#windows.region, offset, length, number)), this.path);
  }

  /**
   * Reads a range (default: all) into memory on the thread pool, so that the event loop does not wait for the disk when
   * it is looked at: madvise(2), MADV_POPULATE_READ; before Linux 5.14 the kernel is only asked to. The mapping is held
   * meanwhile. It goes by turns of 8 MiB: abort, and close(), take effect when the turn under way is over. What was
   * read in stays as long as the system has the room: {@link lock} keeps it.
   * @param options `offset`, `length`; `signal`; `onProgress`
   * @throws (rejects) ERR_MAPPING_FAULT where pages cannot be read: the file was cut, or its disk failed; ABORT_ERR;
   * ERR_MAPPING_CLOSED; ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE; what onProgress throws; system errors of madvise,
   * ENOMEM among them
   */
  async prefetch(options?: PrefetchOptions): Promise<void> {
    openWindows(this);
    const { offset, length, signal, onProgress } =
      optionsObject(options, 'options', ['offset', 'length', 'signal', 'onProgress']);
    const windows = openWindows(this);
    const range = byteRange(offset, length, windows.byteLength);
    const control = {
      signal: optionalSignal(signal, 'options.signal'),
      onProgress: optionalFunction(onProgress, 'options.onProgress'),
    };
    await prefetchPages(windows, range, control, this.path);
  }

  /**
   * Which pages of a range (default: all) are in memory: mincore(2), whole pages, so that the first and the last may
   * reach beyond the range. Of a file that this process neither owns nor may write, Linux says that all of it is there.
   * It looks at every page, before it returns: about 20 ms for each GiB.
   * @throws ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE; system errors of mincore
   */
  residency(range?: MappingRange): Residency {
    const checked = rangeIn(this, range);
    return residencyOf(this.#windows, this.fileOffset, checked);
  }

  /**
   * Brings a range (default: all) into memory and keeps it there until {@link unlock} or the end of the mapping:
   * mlock2(2). Whole pages; locking twice is locking once. It waits for the disk: {@link prefetch} first, where that
   * matters.
   * @throws system errors of mlock: ENOMEM, EPERM or EAGAIN where the process may not lock so much (RLIMIT_MEMLOCK; the
   * message has the limit); ERR_MAPPING_FAULT; ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE
   */
  lock(range?: MappingRange): void {
    const checked = rangeIn(this, range);
    lockPages(this.#windows, checked, this.path);
  }

  /** Lets the system take the pages of a range (default: all) back when it needs room: munlock(2). */
  unlock(range?: MappingRange): void {
    const { offset, length } = rangeIn(this, range);
    valueOrThrow(withRoom(native.unlock(this.#windows.region, offset, length)), this.path);
  }

  /**
   * Makes the mapping, and its file, another length: the file then ends where the mapping does. Both change, or when
   * this throws neither. What is added reads as zeros, its blocks allocated. MemoryViews of before are released; raw
   * arrays keep the memory they have, which reads as zeros where the file was cut. The new memory has not been told
   * what advise() and lock() told the old. Anonymous memory can only become shorter: ask for much at once, pages that
   * are never touched cost nothing. holders() counts what raw arrays keep of before, and close() waits for it.
   * @param byteLength bytes, 0 or more
   * @throws ERR_VIEW_READONLY unless the access is 'write'; ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE; ERR_MAPPING_FAULT;
   * system errors, ENOSPC where the disk is full and EPERM where the memory is sealed among them
   */
  resize(byteLength: number | bigint): void {
    const before = openWindows(this);
    before.check();
    const region = resizedRegion(this, before.region, this.#anonymous, byteLength);
    this.#windows = new Windows(this, region, Number(byteLength), this.readonly);
    region.mapping = this;
    before.supersede();
    this.#former = [...this.#former, before].filter((windows) => windows.state !== 'closed');
  }

  /**
   * Where `needle` begins in the mapping, the first time; -1. Python: `mmap.find`, with bounds as Python's slices:
   * [from, to), negative ones count from the end, and all of the needle must lie inside. A long range takes its time,
   * about 0.1 s for each GiB that is in memory: {@link search} leaves the event loop free.
   * @param needle a byte (0 to 255), a string (as UTF-8), or memory, of whose elements the bytes are looked for
   * @throws ERR_INVALID_ARG_TYPE; ERR_OUT_OF_RANGE for a number that is no byte or no bound; ERR_MAPPING_FAULT
   * @example
   * const at = mapping.indexOf('error');
   */
  indexOf(needle: Needle, from?: number | bigint, to?: number | bigint): number {
    return find(openWindows(this), needle, { from, to, last: false });
  }

  /** As {@link indexOf}, the last time inside [from, to). Python: `mmap.rfind`. */
  lastIndexOf(needle: Needle, from?: number | bigint, to?: number | bigint): number {
    return find(openWindows(this), needle, { from, to, last: true });
  }

  /**
   * As {@link indexOf}, on the thread pool. The mapping is held until it is done: close() meanwhile does not end it.
   * It goes by turns of 32 MiB, and an abort takes effect when the turn under way is over.
   * @param options `from`, `to`; `last`: look for the last time, default false; `signal`
   * @throws (rejects) as indexOf; ERR_INVALID_ARG_VALUE; ABORT_ERR
   */
  async search(needle: Needle, options?: SearchOptions): Promise<number> {
    return search(openWindows(this), needle, options);
  }

  /**
   * The lines of the mapping one after the other, as views: nothing is copied, and a line may be of any length. A line
   * ends at '\n' or '\r\n', which is not part of it unless `keepEnds`; the last one needs no end. Where lines end is
   * looked up a few thousand lines ahead. Python: `iter(m.readline, b'')`.
   * @param options `from`, `to` as in indexOf; `keepEnds`, default false
   * @throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE; its next(): ERR_MAPPING_CLOSED,
   * ERR_MAPPING_FAULT
   * @example
   * for (const line of mapping.lines()) if (line.length > 80) console.log(line.asBuffer().toString());
   */
  lines(options?: LinesOptions): IterableIterator<MemoryView> {
    return linesIn(openWindows(this), options);
  }

  /**
   * Copies the bytes of [start, end) to `target` and after, as if through a copy where the two overlap; as many as fit.
   * As TypedArray#copyWithin, over all of the mapping: negative indices count from the end, all are clamped.
   * @throws ERR_VIEW_READONLY, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE for what is no whole number; ERR_MAPPING_FAULT
   */
  copyWithin(target: number, start: number, end?: number): this {
    copyWithin(openWindows(this), target, start, end);
    return this;
  }

  /** A position in the mapping that reads and writes as a file does, from 0 on: Python's side of mmap. */
  cursor(): Cursor {
    openWindows(this);
    return new Cursor(this, () => valueOrThrow(native.regionFileSize(openWindows(this).region), this.path));
  }

  /**
   * Waits, without a thread of Node's own, until a {@link notify} wakes it, while the Int32 at `offset` is `expected`:
   * Atomics.waitAsync() across processes (futex(2)). Look at the word again afterwards, and wait again if need be.
   * Keeps the event loop alive, and the mapping.
   * @param offset of the Int32, bytes; a multiple of 4 from the start of the file
   * @param timeout milliseconds, default Infinity; or `{ timeout, signal }`
   * @returns 'ok' when it was woken, 'not-equal' when the word was another to begin with, 'timed-out'
   * @throws (rejects) ERR_MAPPING_CLOSED, also when it is closed meanwhile; ABORT_ERR; ERR_VIEW_READONLY unless the
   * access is 'write'; ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE; ERR_MAPPING_FAULT; EAGAIN without room for a thread;
   * ERR_FEATURE_UNAVAILABLE_ON_PLATFORM
   */
  async wait(offset: number, expected: number, timeout?: number | WaitOptions): Promise<WaitResult> {
    return waitAt(this, placeOf(this), offset, expected, timeout);
  }

  /**
   * Wakes those who wait for the Int32 at `offset`, here or in any process that has the memory: store what they wait
   * for first. Threads in Atomics.wait() are not among them.
   * @param count at most so many; default all
   * @returns how many were woken
   * @throws as {@link wait}
   */
  notify(offset: number, count?: number): number {
    return notifyAt(placeOf(this), offset, count);
  }

  /** Pages that could not be read, because the file was cut or its disk failed; they read as zeros. 0 once closed. */
  get faults(): number {
    return lostPages(windowsOf(this).region);
  }

  /**
   * Throws if pages of the mapping could not be read: the file was cut under it, or its disk failed. Reading them
   * gives zeros and never ends the process. MemoryViews throw the same from then on; this and flush() also once the
   * file is shorter, before anybody looked, unless the mapping has no descriptor to ask: one that does not write and
   * was made when more than 256 others were open.
   * @throws ERR_MAPPING_FAULT (`offset` of the first lost page, bytes; `faults`, pages)
   */
  check(): void {
    throwLoss(openWindows(this));
  }

  /**
   * A handle for another thread of this process, to be passed by postMessage: there {@link Mapping.attach} makes a
   * mapping of the same memory of it. It is good for one attach(), within a minute; closing this mapping does not
   * spoil it. Once per receiver: call share() again for the next.
   */
  share(): MappingHandle {
    return offer(openWindows(this).region, this.path, this.#anonymous);
  }

  /**
   * The mapping behind a handle of {@link share}: the same memory, not a copy, with an end of its own.
   * @throws ERR_INVALID_ARG_TYPE; ERR_INVALID_ARG_VALUE for a handle that was claimed already or is too old
   */
  static attach(handle: MappingHandle): Mapping {
    const { region, path, anonymous } = claim(handle);
    const facts = native.regionFacts(region);
    if (facts === undefined) throw zeroCopyError('ERR_MAPPING_CLOSED', 'The mapping was closed');
    const { byteLength, fileOffset, access } = facts;
    return new Mapping(MAKE, { region, byteLength, fileOffset, access: ACCESS[access] ?? 'read', path, anonymous });
  }

  /**
   * The whole mapping as SharedArrayBuffer, sharing its memory: postMessage shares it with worker threads, and
   * Atomics.wait works on it. The same object each time. It cannot be detached: after close() the mapping is 'closing'
   * until no thread has it any more.
   * @throws ERR_FEATURE_UNAVAILABLE_ON_PLATFORM before Node 22.23, 24.16 and 26.1
   */
  asSharedArrayBuffer(): SharedArrayBuffer {
    const shared = openWindows(this).shared();
    if (shared === undefined) throw unavailable('A SharedArrayBuffer over a mapping');
    return shared;
  }

  /** Who keeps the memory of this mapping. A diagnosis: it collects garbage and looks at the whole heap. */
  holders(): Holders {
    return holdersOf(this, [windowsOf(this), ...this.#former].map((windows) => windows.region));
  }

  /**
   * Ends the mapping; idempotent. Every MemoryView over it throws ERR_MAPPING_CLOSED from then on. When no raw array
   * was handed out and no native work holds the memory, it is unmapped before this returns; otherwise the state is
   * 'closing' until those arrays are collected and the work has ended.
   * @param options `detach`: raw arrays become empty (length 0) now; default false. Not for arrays that work of
   * Node's own is still using: zlib and others do not survive it.
   */
  close(options?: { readonly detach?: boolean }): void {
    windowsOf(this);
    const { detach } = optionsObject(options, 'options', ['detach']);
    const detached = optionalBoolean(detach, 'options.detach', false);
    const wasOpen = this.#windows.open;
    for (const windows of [this.#windows, ...this.#former]) windows.close(detached);
    if (!wasOpen) return;
    endWaits(this, () => this.#windows.reason());
    announce('close', this);
  }

  [Symbol.dispose](): void {
    windowsOf(this);
    this.close();
  }

  /** console.log shows where it lies and whether it is open. */
  [inspect.custom](): string {
    if (!isMapping(this)) return 'Mapping {}';
    const { path = 'memory', byteLength, fileOffset, access, state } = this;
    return `Mapping { ${path}, ${String(byteLength)} bytes from ${String(fileOffset)}, ${access}, ${state} }`;
  }

}

function openWindows(mapping: Mapping): Windows {
  const windows = windowsOf(mapping);
  if (!windows.open) throw windows.reason();
  return windows;
}

/** Of an open mapping, and open still: reading the options may have run the caller's code. */
function rangeIn(mapping: Mapping, range: MappingRange | undefined): ByteRange {
  openWindows(mapping);
  const { offset, length } = optionsObject(range, 'range', ['offset', 'length']);
  return byteRange(offset, length, openWindows(mapping).byteLength);
}

function placeOf(mapping: Mapping): WaitPlace {
  const windows = openWindows(mapping);
  const { byteLength, fileOffset, access } = mapping;
  return { windows, byteLength, fileOffset, shared: access === 'write' };
}

function throwLoss(windows: Windows): void {
  const loss = windows.loss();
  if (loss !== undefined) throw loss;
}
