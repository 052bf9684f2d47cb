/**
 * What is sent: a file by descriptor, or the memory of a Mapping. Both start jobs of the pump, and both can be read
 * piece by piece where sendfile cannot serve.
 */
import { zeroCopyError, type OsFailure } from '../errors';
import type { FileHandleLike } from '../files';
import type { Mapping } from '../mapping/mapping';
import type { CopyHandle } from '../native';
import type { ByteRange } from '../validate';

/** A file: a path, one that is open already (then it stays the caller's), or a Mapping. */
export type SendableFile = string | Buffer | URL | number | FileHandleLike | Mapping;

/** The part of the source that is wanted; checked numbers. */
export interface WantedRange {
  readonly offset: number | undefined;
  readonly length: number | undefined;
}

/** Where copyFile() writes. */
export interface CopyPlace {
  readonly fd: number;
  /** Opened for this copy: nobody minds its position moving. */
  readonly isOurs: boolean;
  /** Bytes. */
  readonly offset: number;
  /** What is there goes first. */
  readonly replaces: boolean;
}

/** A part of a source in memory: from `at` in the mapping on, bytes. */
export interface MappedRange {
  readonly mapping: Mapping;
  readonly at: number;
  /** Made for this, to be closed after it. */
  readonly isOurs: boolean;
}

export interface Source {
  readonly path: string | undefined;
  /** Permission bits of the file; undefined for memory. */
  readonly mode: number | undefined;
  /** Which bytes that is. May reach past the end of the file: then the transfer ends with ERR_SHORT_FILE. */
  range(wanted: WantedRange): ByteRange;
  /** True when the source is known to end before the range does. */
  isShorterThan(range: ByteRange): boolean;
  /** Sends what leaves at once of `head` (latin1) and the bytes behind it; 0 when nothing does. */
  sendInline(socket: number, head: string, range: ByteRange): number;
  startJob(out: number, offset: number, length: number): number | OsFailure;
  /** Null when `to` is the same file, and what is read would be written over. */
  startCopy(range: ByteRange, to: CopyPlace): CopyHandle | OsFailure | null;
  /** What a job or copy that failed with the byte at `offset` rejects with. */
  failure(failed: OsFailure, offset: number): Error;
  /** What a job that found the source's end after `sent` bytes of `range` rejects with. */
  shortage(range: ByteRange, sent: number): Error;
  /** Of memory: that a part of it was lost, before or meanwhile, and read as zeros. */
  fault(): Error | undefined;
  /** A range, at least a byte long, in memory; undefined where the file system cannot map files. */
  map(range: ByteRange): MappedRange | undefined;
  /** Whether the file is shorter now than to the end of `range`. */
  isCutBelow(range: ByteRange): boolean;
  /** Fills `buffer` from `offset` on, the event loop free meanwhile; resolves with the bytes read, 0 at the end. */
  read(buffer: Uint8Array, offset: number): Promise<number>;
  /**
   * Makes what the caller has open our own, before anything is waited for: it may be closed as soon as the call
   * returns. Throws EMFILE.
   */
  keep(): void;
  /** Ends what was opened for this transfer. */
  close(): void;
}

/** What is sent and which part of it: the same for every kind of output. */
export interface Payload {
  readonly source: Source | Promise<Source>;
  readonly wanted: WantedRange;
}

/** The file ended early: the one error a transfer makes itself. */
export function shortFile(path: string | undefined, expected: number, bytesSent: number): NodeJS.ErrnoException {
  const name = path === undefined ? 'The file' : `'${path}'`;
  return zeroCopyError('ERR_SHORT_FILE', `${name} ended after ${String(bytesSent)} of ${String(expected)} bytes: it is shorter than announced, or was cut while it was sent`, { bytesSent });
}
