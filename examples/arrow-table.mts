/**
 * An Arrow table over a mapped file, apache-arrow: node arrow-table.mjs [ROWS [LONGEST]]
 *
 * Copied: nothing but the file's footer and the heads of its record batches, which are decoded. Every column's values
 * are the mapping's own memory, and pages that are never accessed are never read. A file that is longer than one typed
 * array can be (LONGEST bytes; 4 GiB on Node 20) is read in parts: a batch that lies across two of them is copied.
 */
import assert from 'node:assert/strict';
import { constants } from 'node:buffer';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  RecordBatchReader, RecordBatchStreamWriter, Table, tableFromIPC, type Float64, type Int32, type Int64,
} from 'apache-arrow';
import { mmap, type Mapping } from 'zerocopy';

import { writeArrowFile } from './arrow-file.mjs';

const [rows = 1_500_000, longest = constants.MAX_LENGTH] = process.argv.slice(2).map(Number);

/** Behind the first 8 bytes a file is a stream of messages; the schema, which comes first there, is in its footer. */
function* asStream(mapping: Mapping, parts: readonly Uint8Array[]): Generator<Uint8Array> {
  const end = mapping.byteLength;
  const footer = Number(mapping.view(end - 10, 4).cast('<i').get(0)) + 10;
  const ends = Buffer.concat([mapping.asUint8Array(0, 8), mapping.asUint8Array(end - footer, footer)]);
  const { schema } = RecordBatchReader.from(ends).open();
  const empty = RecordBatchStreamWriter.writeAll(new Table(schema)).toUint8Array(true);
  yield empty.subarray(0, empty.length - 8); // without the mark of the end
  yield* parts;
}

function partsOf(mapping: Mapping): Uint8Array[] {
  const size = Math.min(longest, 2 ** 30);
  const count = Math.ceil((mapping.byteLength - 8) / size);
  return Array.from({ length: count }, (_, i) =>
    mapping.asUint8Array(8 + i * size, Math.min(size, mapping.byteLength - 8 - i * size)));
}

const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'zerocopy-example-'));
const file = path.join(folder, 'readings.arrow');
try {
  await writeArrowFile(file, rows);

  const mapping = mmap(file);
  const before = process.memoryUsage();
  const parts = mapping.byteLength <= longest ? [mapping.asUint8Array()] : partsOf(mapping);
  const ipc = parts.length === 1 ? parts[0] : asStream(mapping, parts);
  const table = tableFromIPC<{ time: Int64; value: Float64; sensor: Int32 }>(ipc);
  const after = process.memoryUsage();

  const sensor = table.getChild('sensor');
  assert.ok(sensor !== null && table.numRows === rows);
  const ours = new Set(parts.map((part) => part.buffer));
  for (const column of table.schema.names) {
    const copied = table.getChild(column)?.data.filter(({ values }) => !ours.has(values.buffer)) ?? [];
    assert.ok(copied.length < parts.length, `${column}: ${String(copied.length)} of its batches do not lie in the file`);
  }
  const [first] = table.batches;
  const allowed = 2 ** 20 + (parts.length - 1) * (first?.numRows ?? 0) * 20;
  const allocated = after.arrayBuffers - before.arrayBuffers;
  assert.ok(allocated < allowed, `${String(allocated)} bytes were allocated for ${String(mapping.byteLength)}`);

  let sum = 0;
  for (const { values } of sensor.data) for (const number of values) sum += number;
  assert.equal(sum, Math.floor(rows / 100) * 4950 + (rows % 100) * (rows % 100 - 1) / 2);
  assert.equal(table.getChild('value')?.get(rows - 1), (rows - 1) / 2);
  console.log(`${String(rows)} rows, ${String(table.batches.length)} batches, ${String(parts.length)} parts, ${String(mapping.byteLength)} bytes, sum ${String(sum)}`);
  mapping.close();
} finally {
  await fs.rm(folder, { recursive: true });
}
