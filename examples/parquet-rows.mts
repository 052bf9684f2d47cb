/**
 * Rows of a mapped Parquet file, hyparquet.
 *
 * Copied: the footer and the column chunks that are asked for, packed as they are in the file; decoding makes new
 * arrays of them, as with every Parquet reader. Not copied, and not read from the disk: everything else. A file behind
 * HTTP ranges (`asyncBufferFromUrl`) takes the place of the source without another change.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parquetReadObjects, type AsyncBuffer } from 'hyparquet';
import { parquetWriteFile } from 'hyparquet-writer/src/node.js';
import { byteSource, mmap } from 'zerocopy';

const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'zerocopy-example-'));
const file = path.join(folder, 'people.parquet');
try {
  const ids = Array.from({ length: 200_000 }, (_, i) => i);
  parquetWriteFile({
    filename: file,
    rowGroupSize: 50_000,
    columnData: [
      { name: 'id', data: ids },
      { name: 'note', data: ids.map((id) => (id * 2_654_435_761 % 2 ** 32).toString(36).repeat(4)) },
    ],
  });

  const mapping = mmap(file);
  const source = byteSource(mapping);
  let copied = 0;
  const counted: AsyncBuffer = {
    byteLength: source.byteLength,
    async slice(start, end) {
      const bytes = await source.slice(start, end);
      copied += bytes.byteLength;
      return bytes;
    },
  };
  const rows = await parquetReadObjects({ file: counted, columns: ['id'], rowStart: 150_000, rowEnd: 150_003 });
  assert.deepEqual(rows, [{ id: 150_000 }, { id: 150_001 }, { id: 150_002 }]);
  assert.ok(copied < mapping.byteLength / 4, `${String(copied)} of ${String(mapping.byteLength)} bytes were copied`);
  // An ArrayBuffer is hyparquet's AsyncBuffer as it is, and the mapping has one.
  assert.deepEqual(await parquetReadObjects({ file: mapping.asArrayBuffer(), columns: ['id'], rowEnd: 1 }), [{ id: 0 }]);
  console.log(`3 rows of ${String(ids.length)}: ${String(copied)} of ${String(mapping.byteLength)} bytes were copied`);
  mapping.close();
} finally {
  await fs.rm(folder, { recursive: true });
}
