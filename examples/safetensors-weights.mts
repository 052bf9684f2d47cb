/**
 * Weights in a mapped .safetensors file, as views by name.
 *
 * The format: the header's length (8 bytes, little-endian), a header of JSON, then the tensors, each where its
 * `data_offsets` say, counted from the header's end. Copied: the header. A tensor's pages are read when it is used, so
 * that a model larger than memory opens at once.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { mmap, type Mapping, type MemoryView } from 'zerocopy';

interface Tensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [begin: number, end: number];
}

/** BF16 is the upper half of a float32, which no format is: its bits, as 'H'. */
const FORMATS: Readonly<Record<string, string>> = {
  BOOL: '?', U8: 'B', I8: 'b', U16: '<H', I16: '<h', U32: '<I', I32: '<i', U64: '<Q', I64: '<q', F16: '<e', BF16: '<H',
  F32: '<f', F64: '<d',
};

function openWeights(mapping: Mapping): Map<string, MemoryView> {
  const length = Number(mapping.view(0, 8).cast('<Q').get(0));
  const text = Buffer.from(mapping.view(8, length).toBytes()).toString();
  const tensors = Object.entries(JSON.parse(text) as Record<string, Tensor>).filter(([name]) => name !== '__metadata__');
  return new Map(tensors.map(([name, { dtype, shape, data_offsets: [begin, end] }]) => {
    const format = FORMATS[dtype];
    if (format === undefined) throw new Error(`${name} has the unknown dtype ${dtype}`);
    return [name, mapping.view(8 + length + begin, end - begin).cast(format, shape)];
  }));
}

/** A file as the format's own library writes it: the header filled up with spaces to a multiple of 8 bytes. */
function safetensors(header: Record<string, unknown>, data: readonly Uint8Array[]): Buffer {
  const json = JSON.stringify(header);
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([prefix, text, ...data]);
}

const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'zerocopy-example-'));
const file = path.join(folder, 'model.safetensors');
try {
  const weight = Float32Array.from({ length: 512 * 256 }, (_, i) => i / 4);
  const bias = Float32Array.from({ length: 256 }, (_, i) => -i);
  await fs.writeFile(file, safetensors({
    __metadata__: { format: 'pt' },
    'layer.weight': { dtype: 'F32', shape: [512, 256], data_offsets: [0, weight.byteLength] },
    'layer.bias': { dtype: 'F32', shape: [256], data_offsets: [weight.byteLength, weight.byteLength + bias.byteLength] },
  }, [new Uint8Array(weight.buffer), new Uint8Array(bias.buffer)]));

  const mapping = mmap(file);
  const weights = openWeights(mapping);
  const [matrix, offsets] = ['layer.weight', 'layer.bias'].map((name) => weights.get(name));
  assert.ok(matrix !== undefined && offsets !== undefined && weights.size === 2);
  assert.equal(matrix.get([511, 255]), weight.at(-1));
  assert.deepEqual(matrix.select(2, [0, 3]).toList(), [128, 128.25, 128.5]);
  assert.equal(matrix.asTypedArray().buffer, mapping.asArrayBuffer(), 'the tensor lies in the file');
  assert.deepEqual(offsets.asTypedArray(), bias);
  console.log(`${[...weights].map(([name, view]) => `${name} ${view.shape.join(' x ')}`).join(', ')}, not copied`);
  mapping.close();
} finally {
  await fs.rm(folder, { recursive: true });
}
