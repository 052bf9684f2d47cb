/** Process a file in chunks with one reused buffer: readInto fills it, slices look at what was read. */
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { MemoryView, readInto } from 'zerocopy';

const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'zerocopy-example-'));
const name = path.join(folder, 'numbers.bin');
await fs.writeFile(name, Buffer.from(Int32Array.from({ length: 100_000 }, (_, i) => i).buffer));

const file = await fs.open(name);
const chunk = new MemoryView(Buffer.alloc(64 * 1024));
let position = 0;
let sum = 0;
for (;;) {
  const count = await readInto(file, chunk, position);
  if (count === 0) break;
  for (const number of chunk.slice(0, count).cast('<i')) sum += Number(number);
  position += count;
}
await file.close();
await fs.rm(folder, { recursive: true });
assert.equal(position, 400_000);
assert.equal(sum, (99_999 * 100_000) / 2);
console.log(`${String(position)} bytes, sum ${String(sum)}`);
