/**
 * Opens and closes the file of an fs.ReadStream on this thread, where no disk has to be asked: a turn through libuv's
 * pool costs more than the call itself. The stream's events come in a later turn of the event loop, as ever.
 */
import fs from 'node:fs';

import { openAtHand } from '../transfer/at-hand';
import { isOfNodeFs, PLAIN, shadow, type FileStream } from './file-stream';

type Done = (error?: Error | null) => void;

/** Before the stream begins to open its file, which is a tick after it was made; later this does nothing. */
export function openOnThisThread(file: FileStream): void {
  if (!isPlain(file)) return;
  shadow(file, '_construct', construct);
}

function isPlain(file: FileStream): boolean {
  return file.fd === null && file.flags === 'r' && typeof file.path === 'string' &&
    file._construct === PLAIN._construct && file.open === PLAIN.open && isOfNodeFs(file);
}

function construct(this: FileStream, done: Done): void {
  this._construct = PLAIN._construct;
  setImmediate(open, this, done);
}

function open(file: FileStream, done: Done): void {
  const fd = openAtHand(file.path as string); // whatever fails fails again, as Node has it
  if (fd === undefined) {
    file._construct(done);
    return;
  }
  file.fd = fd;
  done();
  file.emit('open', fd);
  file.emit('ready');
}

/**
 * The stream will not read its file, which is small or has other names: closing it takes no time. (The last close of a
 * large file that was deleted frees its blocks.)
 */
export function closeOnThisThread(file: FileStream): void {
  if (file._destroy !== PLAIN._destroy || !isOfNodeFs(file)) return;
  shadow(file, '_destroy', destroy);
}

function destroy(this: FileStream, error: Error | null, done: Done): void {
  setImmediate(done, close(this) ?? error);
}

function close(file: FileStream): Error | undefined {
  const { fd } = file;
  file.fd = null;
  try {
    if (fd !== null) fs.closeSync(fd);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
