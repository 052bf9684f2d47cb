import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import type net from 'node:net';

import { copyFile, createReadStream, explainTransfer, mmap, sendfile, sendfileSync } from 'zerocopy';

import { patternBytes, temporaryFolder } from '../support/temporary';

const LENGTH = 3_000_000;

/** The ways without sendfile(2): run by scripts/test-windows.sh. */
describe('transfers on Windows', () => {
  const folder = temporaryFolder();
  const content = patternBytes(LENGTH);
  let source: string;
  before(() => { source = folder.file('source', content); });

  it('copy files and mappings, also in part', async () => {
    const target = folder.file('target');
    assert.equal(await copyFile(source, target), LENGTH);
    assert.deepEqual(fs.readFileSync(target), content);
    const expected = Buffer.from(content);
    using mapping = mmap(source);
    assert.equal(await copyFile(mapping, target, { offset: 7, length: 1000, targetOffset: 10 }), 1000);
    content.copy(expected, 10, 7, 1007);
    assert.deepEqual(fs.readFileSync(target), expected);
  });

  it('write to a descriptor, at its position, in the order of the calls', async () => {
    const target = folder.file('descriptor');
    const fd = fs.openSync(target, 'w');
    fs.writeSync(fd, 'head');
    using mapping = mmap(source);
    const sent = await Promise.all([sendfile(fd, source), sendfile(fd, mapping, { offset: 5, length: 1_000_000 })]);
    assert.deepEqual(sent, [LENGTH, 1_000_000]);
    fs.closeSync(fd);
    assert.deepEqual(fs.readFileSync(target), Buffer.concat([Buffer.from('head'), content, content.subarray(5, 1_000_005)]));
  });

  it('of a file that is shorter than announced, or that are aborted, say how much was sent', async () => {
    const fd = fs.openSync(folder.file('short'), 'w');
    const outcome = sendfile(fd, source, { offset: LENGTH - 10, length: 20 });
    await assert.rejects(outcome, { code: 'ERR_SHORT_FILE', bytesSent: 10 });
    await assert.rejects(sendfile(fd, source, { signal: AbortSignal.abort() }), { name: 'AbortError', bytesSent: 0 });
    fs.closeSync(fd);
  });

  it('answer requests, and can be read as streams', async () => {
    using mapping = mmap(source);
    for (const file of [source, mapping]) {
      const server = http.createServer((_request, response) => {
        void sendfile(response, file).then(() => response.end());
      });
      await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
      const answer = await fetch(`http://127.0.0.1:${String((server.address() as net.AddressInfo).port)}/`);
      assert.equal(answer.headers.get('content-length'), String(LENGTH));
      assert.deepEqual(Buffer.from(await answer.arrayBuffer()), content);
      server.close();
      server.closeAllConnections();
      const chunks: Buffer[] = [];
      for await (const chunk of createReadStream(file)) chunks.push(chunk as Buffer);
      assert.deepEqual(Buffer.concat(chunks), content);
    }
  });

  it('are explained', () => {
    assert.deepEqual(explainTransfer(1), { way: 'fallback', reason: 'platform' });
    const unavailable = { code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM' };
    const fd = fs.openSync(source, 'r');
    assert.throws(() => sendfileSync(1, fd, 0, 1), unavailable);
    fs.closeSync(fd);
  });
});
