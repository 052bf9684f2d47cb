import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** A new folder, gone when the process ends: by itself, by an error, or by a signal that can be caught. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'zerocopy-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const [signal, number] of Object.entries(SIGNALS)) {
    process.on(signal, () => process.exit(128 + number)); // as a shell reports it; 'exit' then removes the folder
  }
  return folder;
}
