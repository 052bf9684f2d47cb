/** Views over real mappings: CPython's answers again, and the views of its mmap objects. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { mmap, mmapAnonymous, type Mapping, type MemoryView } from 'zerocopy';
import { differences, programs } from './oracle';
import type { Source } from './sources';

for (const name of ['mv', 'nd'] as const) {
  it(`CPython's answers, ${name}, over mappings: 0 differences`, () => {
    const found = programs(name).flatMap((program) => {
      const mappings: Mapping[] = [];
      const makeSource = (bytes: Uint8Array): Source => {
        if (bytes.length === 0) return { source: bytes, memory: bytes };
        const mapping = mmapAnonymous(bytes.length);
        mappings.push(mapping);
        const memory = mapping.asUint8Array();
        memory.set(bytes);
        return { source: mapping, memory };
      };
      try {
        return differences(program, makeSource);
      } finally {
        for (const mapping of mappings) mapping.close();
      }
    });
    assert.equal(found.length, 0, found.slice(0, 10).join('\n'));
  }).timeout(60_000);
}

// ---------------------------------------------------------------- views of mmap objects

type Position = number | { p: [number, number] } | { n: string } | null;
interface Expect {
  readonly r?: unknown;
  readonly e?: string;
  readonly c?: string;
}
interface MapProgram {
  readonly id: number;
  readonly map: { file: { n: Position; at: [Position, string][] } | null; len: Position; off: Position; acc: string };
  readonly ops: readonly (readonly unknown[])[];
}

const PAGE = 4096;
const CODES: Readonly<Record<string, string>> = {
  bounds: 'ERR_OUT_OF_RANGE', value_range: 'ERR_OUT_OF_RANGE',
  value_type: 'ERR_INVALID_ARG_TYPE', readonly: 'ERR_VIEW_READONLY',
  released: 'ERR_VIEW_RELEASED', step0: 'ERR_INVALID_ARG_VALUE', key: 'ERR_INVALID_ARG_TYPE', closed: 'ERR_MAPPING_CLOSED',
};
/** These change memory or mapping in ways that the mapping's own tests cover: a program is replayed up to the first. */
const ENDS_REPLAY = new Set(['write', 'write_byte', 'move', 'resize', 'close', 'sets']);

function at(position: Position): number {
  if (position === null) return 0;
  if (typeof position === 'number') return position;
  return 'n' in position ? Number(position.n) : position.p[0] * PAGE + position.p[1];
}

function open({ map }: MapProgram, file: string): Mapping {
  const access = ({ read: 'read', copy: 'copy', private: 'copy' } as const)[map.acc] ?? 'write';
  if (map.file === null) return mmapAnonymous(at(map.len));
  fs.writeFileSync(file, '');
  fs.truncateSync(file, at(map.file.n));
  const fd = fs.openSync(file, 'r+');
  for (const [where, hex] of map.file.at) fs.writeSync(fd, Buffer.from(hex, 'hex'), 0, hex.length / 2, at(where));
  fs.closeSync(fd);
  const length = at(map.len);
  return mmap(file, { access, offset: at(map.off), ...(length > 0 && { length }) });
}

/** Indices and slices of the vectors may be pages and bytes. */
function key(value: unknown): unknown {
  if (value === null || typeof value === 'number' || typeof value === 'string') return value;
  if (typeof value === 'object' && ('p' in value || 'n' in value)) return at(value as Position);
  return typeof value === 'object' && 'f' in value ? value.f : value;
}

function run(mapping: Mapping, views: MemoryView[], [name, ...args]: readonly unknown[]): unknown {
  const view = views[args[0] as number] as MemoryView;
  switch (name) {
    case 'view': {
      const [start, stop, step] = (args[0] as unknown[]).map(key) as (number | null)[];
      views.push(mapping.view().slice(start, stop, step));
      return undefined;
    }
    case 'vget': return view.get(key(args[1]) as number);
    case 'vset': view.set(key(args[1]) as number, key(args[2]) as number); return null;
    case 'vbytes': return { b: Buffer.from(view.toBytes()).toString('hex') };
    case 'vrel': view.release(); return null;
    case 'set': mapping.view().set(key(args[0]) as number, key(args[1]) as number); return null;
    case 'get': return mapping.view().get(key(args[0]) as number);
    default: return undefined;
  }
}

const REPLAYED = new Set(['view', 'vget', 'vset', 'vbytes', 'vrel', 'set', 'get']);

/** Fractions and booleans as Python has them, or an error that Python raises for its own reasons. */
function skipped(op: readonly unknown[]): boolean {
  return !REPLAYED.has(op[0] as string) || op.slice(1, -1).some((arg) => typeof arg === 'boolean');
}

function difference(mapping: Mapping, views: MemoryView[], op: readonly unknown[]): string | undefined {
  const expected = op.at(-1) as Expect;
  try {
    const actual = run(mapping, views, op.slice(0, -1));
    if (expected.e !== undefined) return 'did not throw';
    return expected.r === undefined || JSON.stringify(actual) === JSON.stringify(expected.r) ? undefined : `answered ${JSON.stringify(actual)}`;
  } catch (error) {
    const { code } = error as { code?: string };
    // Python's mmap looks at the value before the index; our views, as its memoryview, at the index first.
    if (op[0] === 'set' && expected.c === 'value_type' && code === 'ERR_OUT_OF_RANGE') return undefined;
    return code !== undefined && CODES[expected.c ?? ''] === code ? undefined : `threw ${code ?? String(error)}`;
  }
}

it("the views of CPython's mmap objects: 0 differences", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'zerocopy-mapped-'));
  const vectors = fs.readFileSync(path.resolve(__dirname, '../../../test/oracle/mm.jsonl.gz'));
  const lines = gunzipSync(vectors).toString().trim().split('\n');
  const found: string[] = [];
  let replayed = 0;
  for (const program of lines.slice(1).map((line) => JSON.parse(line) as MapProgram)) {
    if ((program.ops[0]?.at(-1) as Expect).e !== undefined) continue;
    if (program.map.file === null && program.map.acc === 'read') continue; // anonymous memory is always writable here
    const mapping = open(program, path.join(folder, 'file'));
    const views: MemoryView[] = [];
    for (const op of program.ops.slice(1)) {
      const failed = (op.at(-1) as Expect).e !== undefined;
      if (ENDS_REPLAY.has(op[0] as string) && (!failed || op[0] === 'close')) break;
      if (skipped(op)) continue;
      const differs = difference(mapping, views, op);
      if (differs !== undefined) found.push(`program ${String(program.id)}: ${JSON.stringify(op)} ${differs}`);
      replayed++;
    }
    mapping.close();
  }
  fs.rmSync(folder, { recursive: true });
  assert.equal(found.length, 0, `${String(found.length)} of ${String(replayed)}\n${found.slice(0, 10).join('\n')}`);
  assert.ok(replayed > 500, String(replayed));
}).timeout(60_000);

describe('a view of a 64 GiB sparse file', () => {
  const GIB = 2 ** 30;
  const EDGES = [1, 2, 3, 4, 5, 33, 63].map((gib) => gib * GIB);
  let folder: string;
  let mapping: Mapping;
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'zerocopy-large-'));
    const file = path.join(folder, 'sparse');
    const fd = fs.openSync(file, 'w');
    fs.ftruncateSync(fd, 64 * GIB);
    for (const edge of EDGES) fs.writeSync(fd, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), 0, 8, edge - 4);
    fs.closeSync(fd);
    mapping = mmap(file, { access: 'copy' });
  });
  after(() => {
    mapping.close();
    fs.rmSync(folder, { recursive: true });
  });

  for (const edge of EDGES) {
    it(`is right across byte ${String(edge)}`, () => {
      const view = mapping.view();
      assert.equal(view.length, 64 * GIB);
      assert.deepEqual([view.get(edge - 1), view.get(edge), view.get(edge - 64 * GIB)], [4, 5, 5]);
      assert.deepEqual(view.slice(edge - 4, edge + 4).toList(), [1, 2, 3, 4, 5, 6, 7, 8]);
      assert.deepEqual(view.slice(edge + 3, edge - 5, -1).toList(), [8, 7, 6, 5, 4, 3, 2, 1]);
      assert.equal(view.cast('<q').get((edge - 8) / 8), 0x0403020100000000n);
      assert.equal(view.cast('<i').select([edge / 4 - 1, edge / 4 + 1]).hex(), '0102030405060708');
      assert.ok(view.slice(edge - 4, edge + 4).equals(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)));
      assert.ok(view.slice(edge - 100, edge + 100).equals(mapping.view(edge - 100, 200)));
      assert.equal(view.indexOf(4, edge - 1000, edge + 1000), edge - 1);
      const wide = view.slice(edge - 4, null, GIB / 2);
      assert.equal(wide.get(0), 1);
      assert.equal(wide.length, Math.ceil((64 * GIB - edge + 4) / (GIB / 2)));
      assert.equal(wide.toBytes()[0], 1);
    });
  }

  it('writes across an edge, and gives no array of it all', () => {
    const view = mapping.view();
    view.slice(2 * GIB - 2, 2 * GIB + 2).assign(Uint8Array.of(9, 9, 9, 9));
    assert.equal(view.slice(2 * GIB - 4, 2 * GIB + 4).hex(), '0102090909090708');
    assert.throws(() => view.asUint8Array(), { code: 'ERR_BUFFER_TOO_LARGE' });
  });
});
