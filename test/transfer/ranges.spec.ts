import assert from 'node:assert/strict';
import fs from 'node:fs';

import fc from 'fast-check';

import { copyFile, mmap, sendfileSync } from 'zerocopy';

import { temporaryFolder } from '../support/temporary';

const PAGE = 4096;
const MOST = 5 * PAGE;

/** Offsets and lengths: small ones, those around pages, and any; some lie outside of a file. */
const amount = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.record({ page: fc.integer({ min: 1, max: 5 }), by: fc.integer({ min: -2, max: 2 }) })
    .map(({ page, by }) => page * PAGE + by),
  fc.integer({ min: 0, max: MOST }),
);

/** What a file holds: parts of bytes, and holes. */
const part = fc.record({ length: amount, byte: fc.integer({ min: 0, max: 255 }), isHole: fc.boolean() });
const parts = fc.array(part, { maxLength: 4 });
type Parts = readonly { readonly length: number; readonly byte: number; readonly isHole: boolean }[];

/** Makes the file, and answers what it holds. */
function make(file: string, content: Parts): Buffer {
  const fd = fs.openSync(file, 'w');
  const all = content.map(({ length, byte, isHole }, i) =>
    Buffer.from(Uint8Array.from({ length }, (_, at) => (isHole ? 0 : byte + at * (i + 1)))));
  const bytes = Buffer.concat(all);
  fs.ftruncateSync(fd, bytes.length);
  let at = 0;
  content.forEach(({ length, isHole }, i) => {
    if (!isHole) fs.writeSync(fd, all[i]!, 0, length, at);
    at += length;
  });
  fs.closeSync(fd);
  return bytes;
}

/** `bytes` from `at` on over what `old` holds; what lies between them are zeros. */
function over(old: Buffer, at: number, bytes: Buffer): Buffer {
  if (bytes.length === 0) return old;
  const whole = Buffer.alloc(Math.max(old.length, at + bytes.length));
  old.copy(whole);
  bytes.copy(whole, at);
  return whole;
}

describe('ranges, against a Buffer', () => {
  const folder = temporaryFolder();

  interface CopyRequest {
    readonly content: Parts;
    readonly old: Parts | undefined;
    readonly offset: number | undefined;
    readonly length: number | undefined;
    readonly targetOffset: number | undefined;
    readonly as: 'path' | 'descriptors' | 'mapping' | 'same file';
  }

  /** The content of the target afterwards, or the code of the error. */
  function expected(request: CopyRequest, source: Buffer, old: Buffer): Buffer | string {
    const { offset = 0, length, targetOffset, as } = request;
    const left = source.length - offset;
    if (left < 0) return 'ERR_OUT_OF_RANGE';
    const count = length ?? left;
    if (count > left) return as === 'mapping' ? 'ERR_OUT_OF_RANGE' : 'ERR_SHORT_FILE';
    const isOver = targetOffset === undefined || Math.abs(targetOffset - offset) < count;
    if (as === 'same file' && source.length > 0 && isOver) return 'ERR_INVALID_ARG_VALUE';
    const bytes = source.subarray(offset, offset + count);
    return targetOffset === undefined ? bytes : over(old, targetOffset, bytes);
  }

  async function copied(request: CopyRequest): Promise<void> {
    const { content, old, offset, length, targetOffset, as } = request;
    const from = folder.file('source');
    const to = as === 'same file' ? from : folder.file('target');
    fs.rmSync(to, { force: true });
    const source = make(from, content);
    let before = as === 'same file' ? source : Buffer.alloc(0);
    if (as !== 'same file' && old !== undefined) before = make(to, old);
    const wanted = expected(request, source, before);
    const all = Object.entries({ offset, length, targetOffset });
    const options = Object.fromEntries(all.filter(([, value]) => value !== undefined));
    const byDescriptor = as === 'descriptors';
    if (byDescriptor && !fs.existsSync(to)) fs.writeFileSync(to, '');
    const input = byDescriptor ? fs.openSync(from, 'r') : from;
    const target = byDescriptor ? fs.openSync(to, 'r+') : to;
    using mapping = as === 'mapping' ? mmap(from) : undefined;
    const result = await copyFile(mapping ?? input, target, options)
      .catch((error: unknown) => (error as NodeJS.ErrnoException).code);
    for (const fd of [input, target]) if (typeof fd === 'number') fs.closeSync(fd);
    if (typeof wanted === 'string') {
      assert.equal(result, wanted);
      assert.ok(!fs.existsSync(to) || fs.readFileSync(to).equals(before), 'a copy that was refused has changed the target');
    } else {
      assert.equal(result, length ?? source.length - (offset ?? 0));
      assert.ok(fs.readFileSync(to).equals(wanted), 'the target holds something else');
    }
  }

  it('copyFile()', async function () {
    this.timeout(60_000);
    await fc.assert(fc.asyncProperty(fc.record({
      content: parts,
      old: fc.option(parts, { nil: undefined }),
      offset: fc.option(amount, { nil: undefined }),
      length: fc.option(amount, { nil: undefined }),
      targetOffset: fc.option(amount, { nil: undefined }),
      as: fc.constantFrom('path', 'descriptors', 'mapping', 'same file'),
    }), copied), { numRuns: 250 });
  });

  it('sendfileSync()', () => {
    const call = fc.record({ offset: fc.option(amount), count: amount, asBigint: fc.boolean() });
    const calls = fc.array(call, { maxLength: 6 });
    fc.assert(fc.property(parts, calls, (content, requests) => {
      const source = make(folder.file('in'), content);
      const [input, output] = [fs.openSync(folder.file('in'), 'r'), fs.openSync(folder.file('out'), 'w')];
      const sent: Buffer[] = [];
      let position = 0;
      for (const { offset, count, asBigint } of requests) {
        const bytes = source.subarray(offset ?? position, (offset ?? position) + count);
        const from = asBigint && offset !== null ? BigInt(offset) : offset;
        assert.equal(sendfileSync(output, input, from, count), bytes.length);
        if (offset === null) position += bytes.length;
        sent.push(bytes);
      }
      const next = Buffer.alloc(10);
      const length = fs.readSync(input, next);
      assert.deepEqual(next.subarray(0, length), source.subarray(position, position + 10)); // its position
      for (const fd of [input, output]) fs.closeSync(fd);
      assert.ok(fs.readFileSync(folder.file('out')).equals(Buffer.concat(sent)));
    }), { numRuns: 150 });
  });
});
