import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** A folder for one suite's files, removed when it ends: call inside describe(). */
export function temporaryFolder(): { file(name: string, content?: Uint8Array | string): string } {
  let folder: string | undefined;
  after(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });
  return {
    file(name, content) {
      folder ??= mkdtempSync(path.join(os.tmpdir(), 'zerocopy-test-'));
      const file = path.join(folder, name);
      if (content !== undefined) writeFileSync(file, content);
      return file;
    },
  };
}

/** `length` bytes that tell where they stand: byte i is (i * 31 + (i >> 8) * 7) & 255. */
export function patternBytes(length: number, from = 0): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = ((i + from) * 31 + ((i + from) >>> 8) * 7) & 255;
  return bytes;
}
