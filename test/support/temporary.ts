import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Windows neither replaces nor removes a file that is mapped: there the same name comes in another folder. */
const KEEPS_MAPPED_FILES = process.platform === 'win32';

/** Removed when the process ends. */
const leftovers: (() => void)[] = [];

/** A folder for one suite's files, removed when it ends: call inside describe(). */
export function temporaryFolder(): { file(name: string, content?: Uint8Array | string): string } {
  let folder: string | undefined;
  const newest = new Map<string, string>();
  const remove = (): void => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  };
  after(() => {
    if (!KEEPS_MAPPED_FILES) remove();
    else if (leftovers.push(remove) === 1) process.once('exit', () => { leftovers.forEach(removeWhatCanBe); });
  });
  return {
    file(name, content) {
      folder ??= mkdtempSync(path.join(os.tmpdir(), 'zerocopy-test-'));
      if (content === undefined) return newest.get(name) ?? path.join(folder, name);
      const again = KEEPS_MAPPED_FILES && newest.has(name);
      const file = path.join(again ? mkdtempSync(path.join(folder, 'again-')) : folder, name);
      newest.set(name, file);
      writeFileSync(file, content);
      return file;
    },
  };
}

/** What nobody has closed by then stays. */
function removeWhatCanBe(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
  }
}

/** `length` bytes that tell where they stand: byte i is (i * 31 + (i >> 8) * 7) & 255. */
export function patternBytes(length: number, from = 0): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = ((i + from) * 31 + ((i + from) >>> 8) * 7) & 255;
  return bytes;
}
