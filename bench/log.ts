/** A web server's log, made the same at every run: text as programs search it and read it line by line. */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const BLOCK_LINES = 20_000;

function logLine(i: number): string {
  const mixed = Math.imul(i + 1, 2654435761) >>> 0;
  const [host, page, second, size] = [mixed >>> 16, (mixed >>> 8) % 10_000, mixed % 60, mixed % 100_000];
  return `10.0.${String(host >>> 8)}.${String(host & 255)} - - [10/Oct/2026:13:55:${String(second).padStart(2, '0')} +0000] ` +
    `"GET /articles/${String(page)}/index.html HTTP/1.1" 200 ${String(size)} "-" "Mozilla/5.0 (X11; Linux x86_64)"\n`;
}

/** About 2.4 MiB of lines, all different. */
export const LOG_BLOCK: Buffer = Buffer.from(Array.from({ length: BLOCK_LINES }, (_, i) => logLine(i)).join(''));

export interface Log {
  readonly file: string;
  readonly bytes: number;
  readonly lines: number;
}

/** Calls `measure` with a log of about `bytes` bytes, which is in the page cache; then it is gone. */
export async function withLog<T>(bytes: number, measure: (log: Log) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'zerocopy-bench-'));
  try {
    const file = path.join(folder, 'access.log');
    const blocks = Math.ceil(bytes / LOG_BLOCK.length);
    const fd = openSync(file, 'w');
    for (let i = 0; i < blocks; i++) writeSync(fd, LOG_BLOCK);
    closeSync(fd);
    return await measure({ file, bytes: blocks * LOG_BLOCK.length, lines: blocks * BLOCK_LINES });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
