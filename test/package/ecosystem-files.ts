/** The files that the examples of docs/ecosystem.md name, made by the packages themselves. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { writeNpy, MemoryView } from 'zerocopy';

import { makeTiles } from '../mapping/pmtiles-archive';

export async function makeEcosystemFiles(folder: string): Promise<void> {
  const file = (name: string): string => path.join(folder, name);
  const { writeArrowFile } = await import('../../examples/arrow-file.mjs');
  await writeArrowFile(file('readings.arrow'), 100_000);

  const ids = Array.from({ length: 1000 }, (_, i) => i);
  const columnData = [{ name: 'id', data: ids }, { name: 'name', data: ids.map((id) => `person ${String(id)}`) }];
  writeFileSync(file('people.parquet'), new Uint8Array(parquetWriteBuffer({ columnData })));

  const matrix = Float64Array.of(0, 1, 2, 3, 4, 5);
  writeNpy(file('matrix.npy'), new MemoryView(matrix).cast('B').cast('d', [2, 3]));

  writeNpy(file('embeddings.npy'), new MemoryView(Float32Array.from(matrix)).cast('B').cast('f', [2, 3]));

  const { default: Flatbush } = await import('flatbush');
  const index = new Flatbush(100);
  for (let i = 0; i < 100; i++) index.add(i % 10, Math.floor(i / 10));
  index.finish();
  writeFileSync(file('points.flatbush'), new Uint8Array(index.data));

  writeFileSync(file('map.pmtiles'), makeTiles(new Map([['0/0/0', 'whole'], ['5/17/9', 'deep']])));

  const header = Buffer.from(JSON.stringify({ 'layer.weight': { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] } }));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(header.length));
  writeFileSync(file('model.safetensors'), Buffer.concat([prefix, header, new Uint8Array(Float32Array.from(matrix).buffer)]));
}
