import { createHash } from 'node:crypto';
import { closeSync, createReadStream, ftruncateSync, openSync, writeSync } from 'node:fs';
import { digest } from './network';

const MIB = 2 ** 20;

/** Writes a file of `length` bytes: holes, a block that tells its place at every 16 MiB, and its own last word. */
export function writeLargeFile(file: string, length: number): void {
  const fd = openSync(file, 'w');
  ftruncateSync(fd, length);
  for (let at = 0; at < length; at += 16 * MIB) {
    const block = createHash('sha512').update(String(at)).digest();
    const bytes = Buffer.alloc(Math.min(MIB + 13, length - at), block);
    writeSync(fd, bytes, 0, bytes.length, at);
  }
  writeSync(fd, 'the end', length - 7);
  closeSync(fd);
}

export function sha256OfFile(file: string): Promise<{ bytes: number; sha256: string }> {
  return digest(createReadStream(file) as AsyncIterable<Buffer>);
}
