import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import { open } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';

import { native } from '#lib/native';
import { copyFile, createReadStream, createReadableStream, sendfile } from 'zerocopy';

import { openDescriptors, openedSince } from '../support/descriptors';
import { servers } from '../support/network';
import { temporaryFolder } from '../support/temporary';

const { createMemoryFile } = native;
const { writeSync } = fs;

describe('files that do not tell their size', () => {
  const folder = temporaryFolder();
  const { http: serve } = servers();
  let empty = '';
  before(() => { empty = folder.file('empty', ''); });
  afterEach(() => {
    native.createMemoryFile = createMemoryFile;
    fs.writeSync = writeSync;
  });

  describe('but are empty as they say, on a system without files in memory', () => {
    beforeEach(() => {
      native.createMemoryFile = () => ({ errno: os.constants.errno.ENOSYS, syscall: 'memfd_create' });
    });

    it('are sent to a response, a descriptor and a FileHandle', async () => {
      const { port } = await serve((_request, response) => {
        sendfile(response, empty).then((sent) => { response.end(String(sent)); }, (error: unknown) => {
          response.destroy(error as Error);
        });
      });
      const answer = await fetch(`http://127.0.0.1:${String(port)}/`);
      assert.equal(answer.headers.get('content-length'), '0');
      await using output = await open(folder.file('output'), 'w');
      await using input = await open(empty);
      assert.equal(await sendfile(output.fd, empty), 0);
      assert.equal(await sendfile(output, input), 0);
      assert.equal(await sendfile(output, input.fd), 0);
    });

    it('are copied, and read as streams', async () => {
      const target = folder.file('target', 'what was there');
      assert.equal(await copyFile(empty, target), 0);
      assert.equal(fs.statSync(target).size, 0);
      assert.equal((await buffer(createReadStream(empty))).length, 0);
      assert.equal((await buffer(createReadableStream(empty))).length, 0);
    });

    it('are too short for a length, and closed again', async () => {
      const before = openDescriptors();
      const target = folder.file('target');
      await assert.rejects(copyFile(empty, target, { length: 1 }), { code: 'ERR_SHORT_FILE', bytesSent: 0 });
      await assert.rejects(sendfile(1, empty, { offset: 1 }), { code: 'ERR_OUT_OF_RANGE' });
      for (let i = 0; i < 100 && openedSince(before).includes(empty); i++) await pause(10);
      assert.equal(openedSince(before).includes(empty), false);
    });
  });

  describe('and say that they are empty, as those of /proc', () => {
    const line = fs.readFileSync('/proc/self/cmdline', 'utf8');
    /** Of files in memory that sources are kept in. */
    const kept = (): string[] => [...openDescriptors().values()].filter((target) => target.includes('zerocopy:snapshot'));

    it('are whole when the system takes them piece by piece', async () => {
      const writeLittle = (fd: number, bytes: Uint8Array, from: number | null = 0): number =>
        writeSync(fd, bytes, from, Math.min(7, bytes.length - (from ?? 0)));
      fs.writeSync = writeLittle as typeof fs.writeSync;
      assert.equal(String(await buffer(createReadStream('/proc/self/cmdline'))), line);
    });

    it('leave nothing open when there is no room for them', async () => {
      const before = kept();
      fs.writeSync = () => { throw Object.assign(new Error('full'), { code: 'ENOSPC' }); };
      await assert.rejects(copyFile('/proc/self/cmdline', folder.file('target')), { code: 'ENOSPC' });
      assert.deepEqual(kept(), before);
    });
  });

  describe('or that they are longer than they are, as those of /sys', () => {
    const sysFile = '/sys/devices/system/cpu/online';
    const line = fs.readFileSync(sysFile, 'utf8');
    before(() => { assert.ok(fs.statSync(sysFile).size > line.length); });

    it('are sent, copied and read as what they hold', async () => {
      const target = folder.file('of-sys');
      await using input = await open(sysFile);
      for (const source of [sysFile, input, input.fd]) {
        await using output = await open(target, 'w');
        assert.equal(await sendfile(output, source), line.length);
        assert.equal(fs.readFileSync(target, 'utf8'), line);
        assert.equal(await copyFile(source, target), line.length);
        assert.equal(fs.readFileSync(target, 'utf8'), line);
        assert.equal(String(await buffer(createReadStream(source))), line);
      }
      await assert.rejects(copyFile(sysFile, target, { length: 4096 }), { code: 'ERR_SHORT_FILE', bytesSent: 0 });
    });

    it('but a file that is all hole is as long as it says', async () => {
      const hole = folder.file('hole', '');
      fs.truncateSync(hole, 4096);
      assert.equal(fs.statSync(hole).blocks, 0);
      assert.deepEqual(await buffer(createReadStream(hole)), Buffer.alloc(4096));
      const copy = folder.file('copied-hole');
      assert.equal(await copyFile(hole, copy), 4096);
      assert.equal(fs.statSync(copy).blocks, 0);
    });
  });
});
