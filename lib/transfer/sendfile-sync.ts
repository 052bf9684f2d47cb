import { valueOrThrow } from '../errors';
import { fileDescriptor } from '../files';
import { native } from '../native';
import { wholeNumber } from '../validate';

/**
 * sendfile(2), once: sends at most `count` bytes of `inFd`, from `offset` on, to `outFd`. Python: os.sendfile.
 *
 * With `offset` null it sends from the position of `inFd`, which moves; otherwise that stays. The event loop waits for
 * the disk, and for the peer when `outFd` blocks.
 * @returns the bytes sent: perhaps fewer than `count`; 0 at the end of the file
 * @throws system errors of sendfile(2): EAGAIN when `outFd` is non-blocking and full, EPIPE, EBADF, EINVAL;
 * ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE
 */
export function sendfileSync(outFd: number, inFd: number, offset: number | bigint | null, count: number): number {
  const out = fileDescriptor(outFd, 'outFd');
  const file = fileDescriptor(inFd, 'inFd');
  const from = offset === null ? 0 : wholeNumber(offset, 'offset');
  return valueOrThrow(native.sendFile(out, file, offset !== null, from, wholeNumber(count, 'count')));
}
