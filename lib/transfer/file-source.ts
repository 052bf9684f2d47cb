/** A regular file as what is sent or copied. */
import fs from 'node:fs';

import { outOfRange, systemError, type OsFailure } from '../errors';
import { mmap } from '../mapping/mmap';
import { native, type CopyHandle } from '../native';
import type { ByteRange } from '../validate';
import { promised } from './file-calls';
import { shortFile, type CopyPlace, type MappedRange, type Source, type WantedRange } from './source';

interface FileFacts {
  readonly size: number;
  readonly mode: number | undefined;
  readonly path: string | undefined;
  /** Somebody else has the same open file, and minds its position moving. */
  readonly sharesPosition: boolean;
  /** How to close what was opened for this transfer; none for what somebody else closes. */
  readonly end: ((fd: number) => unknown) | undefined;
}

export class FileSource implements Source {
  readonly path: string | undefined;
  readonly mode: number | undefined;
  readonly #fd: number;
  readonly #size: number;
  readonly #sharesPosition: boolean;
  readonly #end: ((fd: number) => unknown) | undefined;
  #reads = 0; // under way
  #isClosing = false;

  constructor(fd: number, { size, mode, path, sharesPosition, end }: FileFacts) {
    this.#fd = fd;
    this.#size = size;
    this.mode = mode === undefined ? undefined : mode & 0o777;
    this.path = path;
    this.#sharesPosition = sharesPosition;
    this.#end = end;
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
    const isOurs = !this.#sharesPosition;
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
      if (--this.#reads === 0 && this.#isClosing) this.#end?.(this.#fd);
    }
  }

  /** Not under a read that waits for its thread: the number may be another file's by then. */
  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    if (this.#reads === 0) this.#end?.(this.#fd);
  }
}

/** A regular file of `size` bytes that is open, and that somebody else closes, later than this source. */
export function openedFile(fd: number, size: number, path: string | undefined): Source {
  return new FileSource(fd, { size, mode: undefined, path, sharesPosition: true, end: undefined });
}
