/**
 * The memory of a Mapping as what is sent or copied.
 *
 * A transfer holds the region from its call on: a mapping that is closed meanwhile, also while the transfer waits
 * behind others, is closing until the transfer has ended. A stream holds it for each piece of work alone, and ends
 * with ERR_MAPPING_CLOSED between two.
 *
 * Where a file shows the same bytes, and its descriptor is at hand, the kernel sends that: writing from memory would
 * copy them, and have the pages mapped first.
 */
import os from 'node:os';

import { isOsFailure, systemError, type OsFailure } from '../errors';
import { unreadable } from '../mapping/faults';
import { windowsOf, type Mapping } from '../mapping/mapping';
import type { Windows } from '../mapping/windows';
import { native, type CopyHandle, type HoldHandle } from '../native';
import { byteRange, type ByteRange } from '../validate';
import type { CopyPlace, MappedRange, Source, WantedRange } from './source';

const { EFAULT } = os.constants.errno;

/** Bytes that one read copies at most: the end of a worker waits for it. */
const LONGEST_READ = 8 * 2 ** 20;

export class MemorySource implements Source {
  readonly path: string | undefined;
  readonly mode = undefined;
  readonly #mapping: Mapping;
  /** Those of the mapping now: resize() gives it others. */
  readonly #windows: Windows;
  readonly #hold: HoldHandle | undefined;

  /** Throws ERR_MAPPING_CLOSED, and ERR_MAPPING_FAULT for memory of which a part is lost. */
  constructor(mapping: Mapping, holds: boolean) {
    const windows = windowsOf(mapping);
    windows.check();
    this.#mapping = mapping;
    this.#windows = windows;
    this.#hold = holds ? native.holdRegion(windows.region) : undefined;
    this.path = mapping.path;
  }

  /** The hold does. */
  keep(): void {}

  range({ offset, length }: WantedRange): ByteRange {
    return byteRange(offset, length, this.#windows.byteLength);
  }

  isShorterThan(): boolean {
    return false;
  }

  sendInline(socket: number, head: string, { offset, length }: ByteRange): number {
    return this.#held((hold) => native.sendMemoryInline(socket, head, hold, offset, length));
  }

  startJob(out: number, offset: number, length: number): number | OsFailure {
    return this.#held((hold) => native.startSendMemory(out, hold, offset, length));
  }

  startCopy({ offset, length }: ByteRange, to: CopyPlace): CopyHandle | OsFailure | null {
    const { fd, isOurs, offset: at, replaces } = to;
    return this.#held((hold) => native.startCopyMemory(hold, offset, length, fd, isOurs, at, replaces));
  }

  /** The kernel answers EFAULT where looking at the memory would be SIGBUS. */
  failure(failed: OsFailure, offset: number): Error {
    return failed.errno === EFAULT ? unreadable(this.#windows.region, offset) : systemError(failed);
  }

  /** The file behind it ends before the mapping does. */
  shortage({ offset }: ByteRange, sent: number): Error {
    return unreadable(this.#windows.region, offset + sent);
  }

  fault(): Error | undefined {
    return this.#windows.fault();
  }

  map({ offset }: ByteRange): MappedRange {
    return { mapping: this.#mapping, at: offset, isOurs: false };
  }

  isCutBelow(): boolean {
    return false;
  }

  /** Reads the pages in first, where that is no wait of the event loop. */
  async read(buffer: Uint8Array, offset: number): Promise<number> {
    const length = Math.min(buffer.byteLength, LONGEST_READ, this.#windows.byteLength - offset);
    const prefetched = await this.#held((hold) => native.prefetchHeld(hold, offset, length));
    if (isOsFailure(prefetched)) throw this.failure(prefetched, offset);
    this.#held((hold) => { native.readHeld(hold, offset, buffer.subarray(0, length)); });
    const fault = this.fault(); // what was lost since are zeros in the copy
    if (fault !== undefined) throw fault;
    return length;
  }

  /** Work that takes a share of the hold where it lasts longer. */
  #held<T>(work: (hold: HoldHandle) => T): T {
    if (this.#hold !== undefined) return work(this.#hold);
    if (!this.#windows.open) throw this.#windows.reason();
    const hold = native.holdRegion(this.#windows.region);
    try {
      return work(hold);
    } finally {
      native.releaseHold(hold);
    }
  }

  /** The mapping itself is the caller's. */
  close(): void {
    if (this.#hold !== undefined) native.releaseHold(this.#hold);
  }
}

/** Why a mapping leaves from memory; throws ERR_MAPPING_CLOSED. */
export function whyNotMapping(mapping: Mapping): 'memory' | undefined {
  const windows = windowsOf(mapping);
  if (!windows.open) throw windows.reason();
  return native.regionShowsFile(windows.region) ? undefined : 'memory';
}
