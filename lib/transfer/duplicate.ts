/**
 * What the caller has open, for the time of a transfer: that may be closed as soon as the call returns, and the next
 * file to be opened gets its number. So it is duplicated in the call itself, before anything is waited for.
 */
import { valueOrThrow } from '../errors';
import { native } from '../native';
import type { FileHandleLike } from '../files';

export class Duplicate {
  /** A number of our own for the same open file: the position is the caller's too. */
  readonly fd: number;
  /** What it was made from: a FileHandle that nobody has is closed, which newer versions of Node take for an error. */
  readonly of: FileHandleLike | number;

  /** `fd` is the number of `of`. Throws EBADF, EMFILE. */
  constructor(fd: number, of: FileHandleLike | number) {
    this.fd = valueOrThrow(native.duplicateDescriptor(fd));
    this.of = of;
  }

  /** Once: the number may be another file's after it. */
  close(): void {
    native.closeDescriptor(this.fd);
  }
}
