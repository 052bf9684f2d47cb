import assert from 'node:assert/strict';
import fs from 'node:fs';
import { open } from 'node:fs/promises';

import { createReadableStream, mmap, type ReadStreamOptions, type SendableFile } from 'zerocopy';

import { closesEveryDescriptor } from '../support/descriptors';
import { patternBytes, temporaryFolder } from '../support/temporary';

const MIB = 2 ** 20;
const content = patternBytes(3 * MIB + 17);

async function all(source: SendableFile, options?: ReadStreamOptions): Promise<Buffer> {
  return Buffer.from(await new Response(createReadableStream(source, options) as never).arrayBuffer());
}

describe('createReadableStream', () => {
  const folder = temporaryFolder();
  let source: string;
  before(() => { source = folder.file('source', content); });
  closesEveryDescriptor();

  it('gives a Response every kind of source, byte for byte', async () => {
    const handle = await open(source);
    using mapping = mmap(source);
    for (const from of [source, Buffer.from(source), handle.fd, handle, mapping]) {
      assert.ok((await all(from)).equals(content));
    }
    await handle.close();
    assert.equal((await all(folder.file('empty', ''))).length, 0);
    assert.equal(String(await all('/proc/self/cmdline')), fs.readFileSync('/proc/self/cmdline', 'utf8'));
  });

  it('gives the range asked for', async () => {
    assert.deepEqual(await all(source, { start: 5, end: 10 }), content.subarray(5, 11));
    assert.deepEqual(await all(source, { start: content.length - 3 }), content.subarray(-3));
    assert.equal((await all(source, { start: content.length + 5 })).length, 0);
    assert.ok((await all(source, { highWaterMark: 7777 })).equals(content));
  });

  it("fills a reader's own buffer, again and again", async () => {
    using mapping = mmap(source);
    for (const from of [source, mapping]) {
      const reader = createReadableStream(from, { start: 3 }).getReader({ mode: 'byob' });
      let buffer = new ArrayBuffer(100_000);
      let at = 3;
      for (;;) {
        const { value, done } = await reader.read(new Uint8Array(buffer, 10, 50_000));
        if (done) break;
        assert.ok(content.subarray(at, at + value.length).equals(value));
        assert.deepEqual([value.byteOffset, value.buffer.byteLength], [10, 100_000]);
        at += value.length;
        ({ buffer } = value);
      }
      assert.equal(at, content.length);
    }
  });

  it('leaves the memory of a mapping where it is', async () => {
    using mapping = mmap(source);
    const raw = mapping.asUint8Array();
    for await (const chunk of createReadableStream(mapping)) {
      structuredClone(chunk.buffer, { transfer: [chunk.buffer as ArrayBuffer] });
    }
    assert.equal(raw.length, content.length);
    assert.ok(content.equals(raw));
  });

  it('reads nothing before it is asked to', async () => {
    using mapping = mmap(source);
    const stream = createReadableStream(mapping, { highWaterMark: 1000 });
    await new Promise((resolve) => setTimeout(resolve, 10));
    mapping.close();
    await assert.rejects(stream.getReader().read(), { code: 'ERR_MAPPING_CLOSED' });
  });

  it('ends with the error of its file, mapping or signal', async () => {
    await assert.rejects(createReadableStream(folder.file('missing')).getReader().read(), { code: 'ENOENT' });
    await assert.rejects(createReadableStream('/dev/null').getReader().read(), { code: 'EINVAL', syscall: 'read' });
    const cut = folder.file('cut');
    for (const [from, code] of [[() => cut, 'ERR_SHORT_FILE'], [() => mmap(cut), 'ERR_MAPPING_FAULT']] as const) {
      fs.writeFileSync(cut, content);
      const reader = createReadableStream(from(), { highWaterMark: MIB }).getReader();
      await reader.read();
      fs.truncateSync(cut, MIB);
      await assert.rejects(reader.read(), { code });
    }
    const controller = new AbortController();
    const reader = createReadableStream(source, { signal: controller.signal }).getReader();
    await reader.read();
    controller.abort(new Error('enough'));
    await assert.rejects(reader.read(), { name: 'AbortError', code: 'ABORT_ERR' });
    await assert.rejects(all(source, { signal: AbortSignal.abort() }), { code: 'ABORT_ERR' });
  });

  it('closes its file when it is cancelled, in a read too', async () => {
    for (const early of [true, false]) {
      const reader = createReadableStream(source).getReader();
      const reading = reader.read();
      if (!early) await reading;
      await reader.cancel();
      assert.equal((await reader.read()).done, true);
      await reading;
    }
  });

  it('refuses arguments that are none', () => {
    const type = { code: 'ERR_INVALID_ARG_TYPE' };
    for (const wrong of [undefined, null, {}, true]) assert.throws(() => createReadableStream(wrong as never), type);
    assert.throws(() => createReadableStream(source, { start: '1' as never }), type);
    assert.throws(() => createReadableStream(source, { start: 2, end: 1 }), { code: 'ERR_OUT_OF_RANGE' });
    assert.throws(() => createReadableStream(source, { highWaterMark: 0 }), { code: 'ERR_OUT_OF_RANGE' });
  });
});
