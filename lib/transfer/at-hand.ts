/**
 * Opening and closing a file on this thread, where no disk has to be asked: a turn through libuv's pool costs more than
 * the calls themselves.
 */
import fs from 'node:fs';

import { O_NONBLOCK } from '../files';
import { native } from '../native';

/** Code that replaces this later wants to see every file that is opened. */
const { open: plainOpen } = fs;
/** A FIFO may have taken the file's place since it was looked at. */
const NOT_WAITING = fs.constants.O_RDONLY | O_NONBLOCK;

/**
 * A descriptor of a regular file; undefined where the disk may have to be asked, and for whatever fails: another
 * opening tells why.
 */
export function openAtHand(path: string): number | undefined {
  try {
    return fs.open === plainOpen && native.isFileAtHand(path) ? fs.openSync(path, NOT_WAITING) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Closes what openAtHand() opened. The last close of an unlinked file frees its blocks and is slow, so it goes to the
 * pool.
 */
export function closeAtHand(fd: number): void {
  if (fs.fstatSync(fd).nlink > 0) fs.closeSync(fd);
  else fs.close(fd, () => undefined);
}
