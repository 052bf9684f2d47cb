/**
 * Opens and closes the file of an fs.ReadStream on this thread, where no disk has to be asked: a turn through libuv's
 * pool costs more than the call itself. The stream's events come in a later turn of the event loop, as ever.
 */
import fs from 'node:fs';

import { native } from '../native';
import { isOfNodeFs, PLAIN, replace, type FileStream } from './file-stream';

/** Whoever replaces this later wants to see every file that is opened. */
const { open: plainOpen } = fs;
// A FIFO may have taken the file's place since it was looked at: opening that would wait for a writer. Windows has no
// such flag.
const NOT_WAITING = fs.constants.O_RDONLY | ((fs.constants.O_NONBLOCK as number | undefined) ?? 0);

type Done = (error?: Error | null) => void;

/** Before the stream begins to open its file, which is a tick after it was made; later this does nothing. */
export function openOnThisThread(file: FileStream): void {
  if (!isPlain(file)) return;
  replace(file, '_construct', construct);
}

function isPlain(file: FileStream): boolean {
  return file.fd === null && file.flags === 'r' && typeof file.path === 'string' && fs.open === plainOpen &&
    file._construct === PLAIN._construct && file.open === PLAIN.open && isOfNodeFs(file);
}

function construct(this: FileStream, done: Done): void {
  replace(this, '_construct', PLAIN._construct);
  setImmediate(open, this, done);
}

function open(file: FileStream, done: Done): void {
  const fd = openNow(file.path as string);
  if (fd === undefined) {
    file._construct(done);
    return;
  }
  file.fd = fd;
  done();
  file.emit('open', fd);
  file.emit('ready');
}

/** Whatever fails here fails by the stream's own opening again, which says so as Node does. */
function openNow(path: string): number | undefined {
  try {
    return native.isFileAtHand(path) ? fs.openSync(path, NOT_WAITING) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The stream will not read its file, which is small or has other names: closing it takes no time. (The last close of a
 * large file that was deleted frees its blocks.)
 */
export function closeOnThisThread(file: FileStream): void {
  if (file._destroy !== PLAIN._destroy || !isOfNodeFs(file)) return;
  replace(file, '_destroy', destroy);
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
