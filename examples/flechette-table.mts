/**
 * An Arrow table over a mapped file, @uwdata/flechette.
 *
 * Copied: nothing but the heads of the record batches. Values are the mapping's memory; dictionaries and strings
 * are decoded when they are asked for.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { tableFromIPC } from '@uwdata/flechette';
import { mmap } from 'zerocopy';

import { writeArrowFile } from './arrow-file.mjs';

const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'zerocopy-example-'));
const file = path.join(folder, 'readings.arrow');
try {
  await writeArrowFile(file, 100_000);

  const mapping = mmap(file);
  const table = tableFromIPC(mapping.asUint8Array(), { useBigInt: true });

  const sensor = table.getChild('sensor');
  assert.equal(table.numRows, 100_000);
  assert.deepEqual([sensor.at(0), sensor.at(99_999)], [0, 99]);
  assert.equal(table.getChild('time').at(99_999), 99_999n);
  for (const name of table.names) {
    for (const { values } of table.getChild(name).data) {
      assert.equal((values as Uint8Array).buffer, mapping.asArrayBuffer(), `${name} lies in the file`);
    }
  }
  console.log(`${String(table.numRows)} rows of ${table.names.join(', ')}, not copied`);
  mapping.close();
} finally {
  await fs.rm(folder, { recursive: true });
}
