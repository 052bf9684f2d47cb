/**
 * An Arrow table over a mapped file, apache-arrow: node arrow-table.mjs [ROWS]
 *
 * Copied: nothing but the file's footer and the heads of its record batches, which are decoded. Every column's values
 * are the mapping's own memory, and pages that nobody looks at are never read.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { tableFromIPC, type Float64, type Int32, type Int64 } from 'apache-arrow';
import { mmap } from 'zerocopy';

import { writeArrowFile } from './arrow-file.mjs';

const rows = Number(process.argv[2] ?? 1_500_000);
const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'zerocopy-example-'));
const file = path.join(folder, 'readings.arrow');
try {
  await writeArrowFile(file, rows);

  const mapping = mmap(file);
  const before = process.memoryUsage();
  const table = tableFromIPC<{ time: Int64; value: Float64; sensor: Int32 }>(mapping.asUint8Array());
  const after = process.memoryUsage();

  const value = table.getChild('value');
  assert.ok(value !== null && table.numRows === rows);
  for (const column of table.schema.names) {
    for (const { values } of table.getChild(column)?.data ?? []) {
      assert.equal(values.buffer, mapping.asArrayBuffer(), `${column} lies in the file`);
    }
  }
  const allocated = after.arrayBuffers - before.arrayBuffers;
  assert.ok(allocated < 2 ** 20, `${String(allocated)} bytes were allocated for a table of ${String(mapping.byteLength)}`);
  assert.equal(value.get(rows - 1), (rows - 1) / 2);

  let sum = 0;
  for (const { values } of value.data) for (const number of values) sum += number;
  assert.equal(sum, (rows - 1) * rows / 4);
  console.log(`${String(rows)} rows in ${String(table.batches.length)} batches, ${String(mapping.byteLength)} bytes, sum ${String(sum)}`);
  mapping.close();
} finally {
  await fs.rm(folder, { recursive: true });
}
