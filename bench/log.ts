/** A web server's log, made the same at every run: text as programs search it and read it line by line. */
import { closeSync, openSync, writeSync } from 'node:fs';

import { sharedFile } from './files';

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

/** A log of about `bytes` bytes, which the contenders share. */
export function logFile(bytes: number): Log {
  const blocks = Math.ceil(bytes / LOG_BLOCK.length);
  const file = sharedFile('access.log', (half) => {
    const fd = openSync(half, 'w');
    for (let i = 0; i < blocks; i++) writeSync(fd, LOG_BLOCK);
    closeSync(fd);
  });
  return { file, bytes: blocks * LOG_BLOCK.length, lines: blocks * BLOCK_LINES };
}
