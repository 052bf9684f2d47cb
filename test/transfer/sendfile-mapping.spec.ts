import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, ftruncateSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import stream from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import tls from 'node:tls';

import { native, type RegionHandle } from '#lib/native';
import { copyFile, createReadStream, explainTransfer, mmap, mmapAnonymous, sendfile, type Mapping } from 'zerocopy';

import { localhost } from '../support/certificate';
import { writeLargeFile } from '../support/large-file';
import { received, servers } from '../support/network';
import { patternBytes, temporaryFolder } from '../support/temporary';

const MIB = 2 ** 20;
const SLOW = 24 * MIB; // more than the sockets take while nobody reads

describe('sendfile of a mapping', () => {
  const folder = temporaryFolder();
  const { http: serve } = servers();
  const content = patternBytes(3 * MIB + 17);
  let file: string;
  let slow: string;
  before(() => {
    file = folder.file('content', content);
    slow = folder.file('slow');
    writeLargeFile(slow, SLOW);
  });

  /** Both ends of a connection of which nobody reads yet. */
  async function connection(): Promise<{ client: net.Socket; socket: net.Socket }> {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1').pause();
    const [socket] = (await once(server, 'connection')) as [net.Socket];
    for (const end of [client, socket]) end.on('error', () => undefined);
    server.close();
    return { client, socket };
  }

  function regionOf(mapping: Mapping): RegionHandle {
    return native.liveHandles().find((handle) => handle.mapping === mapping)!;
  }

  /** `mapping` was closed under work of ours. */
  function assertHeld(mapping: Mapping): void {
    assert.deepEqual([mapping.state, native.regionHolds(regionOf(mapping))], ['closing', 1]);
  }

  /** The work has ended: nothing holds any more. */
  async function assertLetGo(mapping: Mapping): Promise<void> {
    for (let i = 0; i < 100 && mapping.state !== 'closed'; i++) await pause(5);
    assert.deepEqual([mapping.state, native.regionHolds(regionOf(mapping))], ['closed', 0]);
  }

  describe('that is closed at once', () => {
    it('behind a slow transfer to a socket, and between writes', async () => {
      const { client, socket } = await connection();
      const mappings = [mmap(file), mmap(file, { access: 'write' }), mmap(file, { access: 'copy', offset: 5 })];
      const first = sendfile(socket, slow);
      const sending = mappings.map((mapping, i) => {
        const sent = sendfile(socket, mapping, { offset: i * 1000 });
        mapping.close();
        socket.write('between');
        assertHeld(mapping);
        return sent;
      });
      socket.end('after');
      const got = await received(client);
      assert.equal(await first, SLOW);
      const parts = [content, content.subarray(1000), content.subarray(2005)];
      assert.deepEqual(await Promise.all(sending), parts.map((part) => part.length));
      const expected = parts.flatMap((part) => [part, Buffer.from('between')]);
      assert.ok(got.subarray(SLOW).equals(Buffer.concat([...expected, Buffer.from('after')])));
      for (const mapping of mappings) await assertLetGo(mapping);
    });

    it('behind other transfers to a descriptor', async () => {
      const target = folder.file('target');
      const fd = openSync(target, 'w');
      const first = sendfile(fd, slow);
      const mapping = mmap(file);
      const sending = sendfile(fd, mapping, { offset: 3, length: 2 * MIB });
      mapping.close();
      assertHeld(mapping);
      closeSync(fd);
      assert.deepEqual(await Promise.all([first, sending]), [SLOW, 2 * MIB]);
      assert.ok(readFileSync(target).subarray(SLOW).equals(content.subarray(3, 3 + 2 * MIB)));
      await assertLetGo(mapping);
    });

    it('for a response that waits behind another on its connection', async () => {
      const mappings: Mapping[] = [];
      const { port } = await serve((request, response) => {
        const mapping = mmap(file);
        mappings.push(mapping);
        void sendfile(response, request.url === '/slow' ? slow : mapping).then(() => response.end());
        mapping.close();
        if (request.url !== '/slow') assertHeld(mapping);
      });
      const client = net.connect(port, '127.0.0.1');
      client.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET /mapping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      const got = await received(client);
      assert.ok(got.subarray(-content.length).equals(content));
      for (const mapping of mappings) await assertLetGo(mapping);
    });

    it('where it falls back: TLS and other Writables', async () => {
      const server = tls.createServer(localhost, (socket) => {
        const mapping = mmap(file);
        void sendfile(socket, mapping).then(() => socket.end());
        mapping.close();
        assertHeld(mapping);
      }).listen(0);
      const { port } = server.address() as net.AddressInfo;
      assert.ok((await received(tls.connect({ port, rejectUnauthorized: false }))).equals(content));
      server.close();
      const mapping = mmapAnonymous(content.length);
      mapping.view().assign(content);
      const pass = new stream.PassThrough();
      const sending = sendfile(pass, mapping, { offset: 1 }).then(() => pass.end());
      mapping.close();
      assertHeld(mapping);
      assert.ok((await received(pass as unknown as net.Socket)).equals(content.subarray(1)));
      await sending;
      await assertLetGo(mapping);
    });

    it('while copyFile() opens its target', async () => {
      const mapping = mmap(file);
      const copying = copyFile(mapping, folder.file('copy'));
      mapping.close();
      assertHeld(mapping);
      assert.equal(await copying, content.length);
      assert.ok(readFileSync(folder.file('copy')).equals(content));
      await assertLetGo(mapping);
    });

    it('but not under a stream, which is told', async () => {
      const mapping = mmap(file);
      const reading = createReadStream(mapping);
      mapping.close();
      assert.equal(mapping.state, 'closed');
      await assert.rejects(reading.toArray(), { code: 'ERR_MAPPING_CLOSED' });
    });
  });

  it('sends what the memory was when it is resized meanwhile', async () => {
    const target = folder.file('grown');
    const fd = openSync(target, 'w');
    const first = sendfile(fd, slow);
    const mapping = mmap(folder.file('grows', content), { access: 'write' });
    const sending = sendfile(fd, mapping);
    mapping.resize(content.length + 5000);
    closeSync(fd);
    assert.deepEqual(await Promise.all([first, sending]), [SLOW, content.length]);
    assert.ok(readFileSync(target).subarray(SLOW).equals(content));
    mapping.close();
    await assertLetGo(mapping);
  });

  it('sends a part of what is longer than memory, from an offset that is no page', async () => {
    const huge = folder.file('huge');
    const fd = openSync(huge, 'w');
    const at = 2 ** 38 + 4097;
    writeSync(fd, content, 0, content.length, at);
    ftruncateSync(fd, 2 ** 39);
    closeSync(fd);
    const { client, socket } = await connection();
    const mapping = mmap(huge, { offset: 4095 });
    const sending = sendfile(socket, mapping, { offset: at - 4095 - 10, length: content.length + 20 });
    mapping.close();
    socket.end();
    const zeros = Buffer.alloc(10);
    assert.ok((await received(client)).equals(Buffer.concat([zeros, content, zeros])));
    assert.equal(await sending, content.length + 20);
    await assertLetGo(mapping);
  });

  for (const access of ['read', 'write', 'copy'] as const) {
    it(`ends with ERR_MAPPING_FAULT when the file is cut meanwhile, and the connection is cut: access ${access}`, async () => {
      const cut = folder.file('cut');
      writeLargeFile(cut, SLOW);
      const { client, socket } = await connection();
      const mapping = mmap(cut, { access, offset: 3 });
      const sending = sendfile(socket, mapping).catch((error: unknown) => error);
      while (socket.bytesWritten === 0) await pause(5);
      await pause(50);
      truncateSync(cut, SLOW - MIB); // whole pages, as memory sees it
      const got = await received(client);
      const { code, bytesSent } = (await sending) as NodeJS.ErrnoException & { bytesSent: number };
      assert.deepEqual([code, socket.destroyed, got.length], ['ERR_MAPPING_FAULT', true, bytesSent]);
      // From memory the kernel takes nothing of a piece that it cannot read all of.
      const whole = SLOW - MIB - 3;
      assert.ok(access === 'copy' ? bytesSent > 0 && bytesSent <= whole : bytesSent === whole, String(bytesSent));
      mapping.close();
      await assertLetGo(mapping);
    });
  }

  it('refuses memory of which a part is lost already', async () => {
    const cut = folder.file('lost', content);
    const mapping = mmap(cut);
    const view = mapping.view();
    truncateSync(cut, 4096);
    assert.throws(() => view.toBytes(), { code: 'ERR_MAPPING_FAULT' });
    await assert.rejects(sendfile(1, mapping), { code: 'ERR_MAPPING_FAULT' });
    mapping.close();
  });

  it('says which way it would go', () => {
    const socket = new net.Socket();
    const [read, write, copy] = (['read', 'write', 'copy'] as const).map((access) => mmap(file, { access })) as [Mapping, Mapping, Mapping];
    const anonymous = mmapAnonymous(10);
    const ways = (): string[] => [read, write, copy, anonymous].map((mapping) => {
      const { way, reason = '' } = explainTransfer(1, mapping);
      return way + reason;
    });
    assert.deepEqual(ways(), ['sendfile', 'sendfile', 'fallbackmemory', 'sendfile']);
    for (const mapping of [read, write, copy, anonymous]) mapping.asArrayBuffer();
    assert.deepEqual(ways(), ['fallbackmemory', 'sendfile', 'fallbackmemory', 'sendfile']);
    assert.deepEqual(explainTransfer(socket, copy), explainTransfer(socket));
    assert.deepEqual(explainTransfer(1, file), { way: 'sendfile' });
    read.close();
    assert.throws(() => explainTransfer(1, read), { code: 'ERR_MAPPING_CLOSED' });
  });

  describe('lets go of it', () => {
    const refused: [string, (mapping: Mapping) => Promise<unknown>, object][] = [
      ['an offset past the end', (mapping) => sendfile(1, mapping, { offset: mapping.byteLength + 1 }), { code: 'ERR_OUT_OF_RANGE' }],
      ['a socket that has ended', (mapping) => sendfile(new net.Socket().destroy(), mapping), { code: 'ERR_STREAM_DESTROYED' }],
      ['a descriptor that is closed', (mapping) => sendfile(2 ** 30, mapping), { code: 'EBADF' }],
      ['a wrong length announced', (mapping) => {
        const response = new http.ServerResponse(new http.IncomingMessage(new net.Socket()));
        response.setHeader('content-length', 1);
        return sendfile(response, mapping);
      }, { code: 'ERR_INVALID_ARG_VALUE' }],
      ['a signal that was aborted', (mapping) => sendfile(1, mapping, { signal: AbortSignal.abort() }), { code: 'ABORT_ERR' }],
      ['a copy to nowhere', (mapping) => copyFile(mapping, folder.file('no/such/folder')), { code: 'ENOENT' }],
      ['a copy onto itself', (mapping) => copyFile(mapping, file), { code: 'ERR_INVALID_ARG_VALUE' }],
    ];
    for (const [what, start, expected] of refused) {
      it(`after ${what}`, async () => {
        const mapping = mmap(file);
        await assert.rejects(start(mapping), expected);
        assert.equal(native.regionHolds(regionOf(mapping)), 0);
        mapping.close();
        assert.equal(mapping.state, 'closed');
      });
    }

    it('when it is aborted: at once while it waits for its turn, and in the middle', async () => {
      const { client, socket } = await connection();
      const waits = mmap(file);
      const runs = mmap(slow);
      const control = [new AbortController(), new AbortController()] as const;
      const running = assert.rejects(sendfile(socket, runs, { signal: control[0].signal }), { code: 'ABORT_ERR' });
      const waiting = assert.rejects(sendfile(socket, waits, { signal: control[1].signal }), { code: 'ABORT_ERR', bytesSent: 0 });
      waits.close();
      runs.close();
      control[1].abort();
      await waiting;
      await pause(1);
      assert.deepEqual([waits.state, runs.state], ['closed', 'closing']);
      control[0].abort();
      await running;
      await assertLetGo(runs);
      for (const end of [client, socket]) end.destroy();
    });

    it('when the socket is destroyed under it, and of all that wait behind', async () => {
      const { client, socket } = await connection();
      const mappings = Array.from({ length: 3 }, () => mmap(slow));
      const sending = mappings.map((mapping) => assert.rejects(sendfile(socket, mapping)));
      for (const mapping of mappings) mapping.close();
      for (const mapping of mappings) assertHeld(mapping);
      await pause(20);
      socket.destroy();
      await Promise.all(sending);
      for (const mapping of mappings) await assertLetGo(mapping);
      client.destroy();
    });

    it('when a Writable is destroyed that never takes a piece', async () => {
      const stuck = new stream.Writable({ write: () => undefined });
      const mapping = mmap(file);
      const sending = assert.rejects(sendfile(stuck, mapping));
      mapping.close();
      await pause(20);
      stuck.destroy();
      await sending;
      await assertLetGo(mapping);
    });
  });

  it('holds natively what it is handed, whatever becomes of the mapping', async () => {
    const mapping = mmap(file);
    const region = regionOf(mapping);
    const hold = native.holdRegion(region);
    mapping.close();
    assertHeld(mapping);
    assert.throws(() => native.holdRegion(region), { code: 'ERR_INTERNAL_MISUSE' });
    const target = new Uint8Array(100);
    assert.equal(await native.prefetchHeld(hold, 7, 100), undefined);
    native.readHeld(hold, 7, target);
    assert.deepEqual(Buffer.from(target), content.subarray(7, 107));
    for (const offset of [content.length - 99, content.length + 1, 2 ** 53]) {
      assert.throws(() => { native.readHeld(hold, offset, target); }, { code: 'ERR_INTERNAL_MISUSE' });
    }
    assert.throws(() => native.startSendMemory(1, region as never, 0, 1), { code: 'ERR_INTERNAL_MISUSE' });
    native.releaseHold(hold);
    native.releaseHold(hold);
    assert.equal(mapping.state, 'closed');
    for (const work of [
      () => { native.readHeld(hold, 0, target); }, () => native.prefetchHeld(hold, 0, 1),
      () => native.startSendMemory(1, hold, 0, 1), () => { native.readHeld({}, 0, target); },
      () => { native.releaseHold({}); }, () => native.holdRegion(hold as never),
    ]) assert.throws(work, { code: 'ERR_INTERNAL_MISUSE' });
  });
});
