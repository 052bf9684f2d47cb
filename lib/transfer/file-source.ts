/** A regular file as what is sent or copied. */
import fs from 'node:fs';

import { outOfRange, systemError, type OsFailure } from '../errors';
import type { FileHandleLike } from '../files';
import { mmap } from '../mapping/mmap';
import { native, type CopyHandle } from '../native';
import type { ByteRange } from '../validate';
import { Duplicate } from './duplicate';
import { promised } from './file-calls';
import { shortFile, type CopyPlace, type MappedRange, type Source, type WantedRange } from './source';

interface FileFacts {
  readonly size: number;
  readonly mode: number | undefined;
  readonly path: string | undefined;
  /** How to close what was opened for this transfer. */
  readonly end?: (fd: number) => unknown;
  /** What of the caller's has the file open: it may be closed before this source is. */
  readonly lender?: FileHandleLike | number;
}

export class FileSource implements Source {
  readonly path: string | undefined;
  readonly mode: number | undefined;
  readonly #size: number;
  readonly #end: ((fd: number) => unknown) | undefined;
  readonly #lender: FileHandleLike | number | undefined;
  #fd: number;
  #kept: Duplicate | undefined;
  #reads = 0; // under way
  #isClosing = false;

  constructor(fd: number, { size, mode, path, end, lender }: FileFacts) {
    this.#fd = fd;
    this.#size = size;
    this.mode = mode === undefined ? undefined : mode & 0o777;
    this.path = path;
    this.#end = end;
    this.#lender = lender;
  }

  range({ offset = 0, length }: WantedRange): ByteRange {
    if (offset > this.#size) {
      throw outOfRange('offset', `an integer >= 0 and <= ${String(this.#size)}`, offset);
    }
    if (length !== undefined && length > Number.MAX_SAFE_INTEGER - offset) {
      throw outOfRange('length', `an integer >= 0 and <= ${String(Number.MAX_SAFE_INTEGER - offset)}`, length);
    }
    return { offset, length: length ?? this.#size - offset };
  }

  isShorterThan({ offset, length }: ByteRange): boolean {
    return length > this.#size - offset;
  }

  sendInline(socket: number, head: string, { offset, length }: ByteRange): number {
    return native.sendInline(socket, head, this.#fd, offset, length);
  }

  startJob(out: number, offset: number, length: number): number | OsFailure {
    return native.startSendFile(out, this.#fd, offset, length);
  }

  startCopy({ offset, length }: ByteRange, to: CopyPlace): CopyHandle | OsFailure | null {
    const isOurs = this.#end !== undefined; // else somebody minds its position moving
    return native.startCopyFile(this.#fd, isOurs, offset, length, to.fd, to.isOurs, to.offset, to.replaces);
  }

  failure(failed: OsFailure): Error {
    return systemError(failed);
  }

  shortage({ length }: ByteRange, sent: number): Error {
    return shortFile(this.path, length, sent);
  }

  fault(): undefined {
    return undefined;
  }

  map({ offset, length }: ByteRange): MappedRange | undefined {
    try {
      return { mapping: mmap(this.#fd, { offset, length }), at: 0, isOurs: true };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENODEV') return undefined;
      throw error;
    }
  }

  isCutBelow({ offset, length }: ByteRange): boolean {
    return fs.fstatSync(this.#fd).size < offset + length;
  }

  async read(buffer: Uint8Array, offset: number): Promise<number> {
    this.#reads++;
    try {
      return await promised((done) => { fs.read(this.#fd, buffer, 0, buffer.byteLength, offset, done); });
    } finally {
      if (--this.#reads === 0 && this.#isClosing) this.#finish();
    }
  }

  keep(): void {
    if (this.#lender === undefined || this.#kept !== undefined) return;
    this.#kept = new Duplicate(this.#fd, this.#lender);
    this.#fd = this.#kept.fd;
  }

  /** Not under a read that waits for its thread: the number may be another file's by then. */
  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    if (this.#reads === 0) this.#finish();
  }

  #finish(): void {
    this.#kept?.close();
    this.#end?.(this.#fd);
  }
}

/** A regular file of `size` bytes that is open, and that somebody else closes, later than this source. */
export function openedFile(fd: number, size: number, path: string | undefined): Source {
  return new FileSource(fd, { size, mode: undefined, path });
}
