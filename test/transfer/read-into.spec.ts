import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';

import { MemoryView, mmap, mmapAnonymous, readInto, readIntoSync, type ReadTarget } from 'zerocopy';

import { patternBytes, temporaryFolder } from '../support/temporary';

const content = patternBytes(100_000);

for (const [name, read] of [
  ['readInto', readInto],
  ['readIntoSync', (...args: Parameters<typeof readInto>) => Promise.resolve().then(() => readIntoSync(...args))],
] as const) {
  describe(name, () => {
    const folder = temporaryFolder();
    let fd: number;
    before(() => { fd = openSync(folder.file('content', content), 'r'); });
    after(() => { closeSync(fd); });

    it('fills any memory in place', async () => {
      const memory = new ArrayBuffer(4000);
      using mapping = mmapAnonymous(4000);
      const targets: [ReadTarget, Uint8Array][] = [
        [new Uint8Array(memory), new Uint8Array(memory)],
        [new Float64Array(memory, 8, 3), new Uint8Array(memory, 8, 24)],
        [new DataView(memory, 1, 77), new Uint8Array(memory, 1, 77)],
        [Buffer.from(memory, 10, 100), new Uint8Array(memory, 10, 100)],
        [new MemoryView(new Uint8Array(memory, 100)), new Uint8Array(memory, 100)],
        [mapping.view(100, 3000), mapping.asUint8Array(100, 3000)],
      ];
      for (const [target, bytes] of targets) {
        new Uint8Array(memory).fill(0xee);
        assert.equal(await read(fd, target, 1000), bytes.length);
        assert.deepEqual(Buffer.from(bytes), content.subarray(1000, 1000 + bytes.length));
      }
      new Uint8Array(memory).fill(0xee);
      await read(fd, new Uint8Array(memory, 10, 10), 0);
      assert.deepEqual(Buffer.from(memory, 8, 2), Buffer.from([0xee, 0xee]));
      assert.deepEqual(Buffer.from(memory, 20, 2), Buffer.from([0xee, 0xee]));
    });

    it('stops at the end of the file', async () => {
      const target = Buffer.alloc(200, 0xee);
      assert.equal(await read(fd, target, content.length - 50), 50);
      assert.deepEqual(target.subarray(0, 50), content.subarray(-50));
      assert.equal(target[50], 0xee);
      assert.equal(await read(fd, target, content.length), 0);
      assert.equal(await read(fd, target, 2n ** 40n), 0);
      assert.equal(await read(fd, Buffer.alloc(0), 0), 0);
    });

    it("leaves the file's position alone with a position, moves it without", async () => {
      const handle = await open(folder.file('content'));
      const target = Buffer.alloc(10);
      assert.equal(await read(handle, target), 10);
      assert.equal(await read(handle, target, 500), 10);
      assert.equal(await read(handle, target), 10);
      assert.deepEqual(target, content.subarray(10, 20));
      readSync(handle.fd, target);
      assert.deepEqual(target, content.subarray(20, 30));
      await handle.close();
      await assert.rejects(read(handle, target), { code: 'EBADF' });
    });

    it('reads from beyond 4 GiB', async () => {
      const large = openSync(folder.file('large'), 'w+');
      const at = 5 * 2 ** 30 + 7;
      ftruncateSync(large, at);
      writeSync(large, 'here', at);
      const target = Buffer.alloc(8);
      assert.equal(await read(large, target, BigInt(at - 4)), 8);
      assert.equal(target.toString('latin1'), '\0\0\0\0here');
      closeSync(large);
    });

    it('takes what a pipe has at the moment', async () => {
      const fifo = folder.file('fifo');
      execFileSync('mkfifo', [fifo]);
      const pipe = openSync(fifo, 'r+');
      writeSync(pipe, 'hello');
      const target = Buffer.alloc(100);
      assert.equal(await read(pipe, target), 5);
      assert.equal(target.toString('latin1', 0, 5), 'hello');
      closeSync(pipe);
      unlinkSync(fifo);
    });

    it('refuses what cannot be written: a read-only view, a strided one', async () => {
      using mapping = mmap(folder.file('content'));
      await assert.rejects(read(fd, mapping.view(), 0), { code: 'ERR_VIEW_READONLY' });
      await assert.rejects(read(fd, new MemoryView(new Uint8Array(10)).toReadonly(), 0), { code: 'ERR_VIEW_READONLY' });
      await assert.rejects(read(fd, new MemoryView(new Uint8Array(10)).slice(0, 10, 2), 0), { code: 'ERR_VIEW_LAYOUT' });
      const view = new MemoryView(new Uint8Array(10));
      view.release();
      await assert.rejects(read(fd, view, 0), { code: 'ERR_VIEW_RELEASED' });
    });
  });
}
