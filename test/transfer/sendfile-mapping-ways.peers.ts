import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { withoutLeakCheck } from '../support/child';
import { patternBytes, temporaryFolder } from '../support/temporary';
import { requireTool } from '../support/tool';

const content = patternBytes(9 * 2 ** 20 + 17);
/** Neither begins nor ends with a page, in the file or in the mapping. */
const [FIRST, OFFSET] = [5001, 777];

describe('sendfile of a mapping, seen by strace', function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  let file: string;
  before(() => {
    requireTool('strace');
    file = folder.file('content', content);
  });

  const SCRIPT = `
    const { explainTransfer, mmap, mmapAnonymous, sendfile } = require('zerocopy');
    const { readFileSync, writeFileSync } = require('node:fs');
    const net = require('node:net');
    const [, file, result, make] = process.argv;
    const pieces = [];
    const server = net.createServer(async (socket) => {
      const mapping = eval(make);
      const explained = explainTransfer(socket, mapping);
      const sent = await sendfile(socket, mapping, { offset: ${String(OFFSET)} });
      socket.end();
      socket.on('close', () => {
        writeFileSync(result, Buffer.concat(pieces));
        console.log(JSON.stringify({ sent, explained }));
        process.exit();
      });
    }).listen(0, '127.0.0.1', () => {
      net.connect(server.address().port, '127.0.0.1').on('data', (piece) => { pieces.push(piece); });
    });
  `;

  interface Way {
    /** Bytes by each system call that moved any to the socket. */
    readonly sendfile: number;
    readonly send: number;
    readonly explained: unknown;
  }

  /** Sends the mapping that the expression `make` makes of `file`, and sees how. */
  function send(make: string, expected: Buffer, inject: readonly string[] = []): Way {
    const log = folder.file('log', '');
    const result = folder.file('result', '');
    const faults = inject.flatMap((fault) => ['-e', `inject=${fault}`]);
    const { status, stdout, stderr } = spawnSync('strace', [
      '-f', '-qq', '-o', log, '-e', 'trace=sendfile,sendto', ...faults, process.execPath, '-e', SCRIPT, '--', file, result, make,
    ], { cwd: path.resolve(), env: withoutLeakCheck(), encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const { sent, explained } = JSON.parse(stdout) as { sent: number; explained: unknown };
    assert.equal(sent, expected.length);
    assert.ok(readFileSync(result).equals(expected), 'other bytes arrived');
    const bytes = (call: string): number => [...readFileSync(log, 'utf8').matchAll(new RegExp(`${call}.*= (\\d+)$`, 'gm'))]
      .reduce((sum, [, count]) => sum + Number(count), 0);
    return { sendfile: bytes('sendfile'), send: bytes('sendto'), explained };
  }

  const expected = content.subarray(FIRST + OFFSET);
  const bySendfile = { sendfile: expected.length, send: 0, explained: { way: 'sendfile' } };
  const fromMemory = { sendfile: 0, send: expected.length, explained: { way: 'fallback', reason: 'memory' } };
  const at = `{ offset: ${String(FIRST)} }`;
  for (const [what, make, way] of [
    ['of access read', `mmap(file, ${at})`, bySendfile],
    ['of access write', `mmap(file, { ...${at}, access: 'write' })`, bySendfile],
    ['whose views were read', `(() => { const m = mmap(file, ${at}); m.view().indexOf(7); m.indexOf('x'); return m; })()`, bySendfile],
    ['of access copy', `mmap(file, { ...${at}, access: 'copy' })`, fromMemory],
    ['of which raw memory was handed out', `(() => { const m = mmap(file, ${at}); m.asUint8Array(0, 10); return m; })()`, fromMemory],
  ] as const) {
    it(`goes by ${way === bySendfile ? 'sendfile(2)' : 'send(2)'}: ${what}`, () => {
      assert.deepEqual(send(make, expected), way);
    });
  }

  it('goes by sendfile(2): shared memory, written before', () => {
    const make = '(() => { const m = mmapAnonymous(readFileSync(file).length); m.asUint8Array().set(readFileSync(file)); return m; })()';
    const shown = content.subarray(OFFSET);
    assert.deepEqual(send(make, shown), { ...bySendfile, sendfile: shown.length });
  });

  it('sends raw memory as it was written, which the file does not have', () => {
    const make = `(() => { const m = mmap(file, ${at}); m.asUint8Array().fill(65, ${String(OFFSET)}); return m; })()`;
    assert.deepEqual(send(make, Buffer.alloc(expected.length, 65)), fromMemory);
  });

  it('goes on from memory where sendfile(2) is refused', () => {
    for (const when of [1, 3]) {
      const { sendfile, send: sent } = send(`mmap(file, ${at})`, expected, [`sendfile:error=EINVAL:when=${String(when)}`]);
      assert.equal(sendfile + sent, expected.length);
      assert.ok(sent > 0);
    }
  });
});
