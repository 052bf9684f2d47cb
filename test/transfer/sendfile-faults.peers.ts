import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';

import { withoutLeakCheck } from '../support/child';
import { sha256OfFile, writeLargeFile } from '../support/large-file';
import { temporaryFolder } from '../support/temporary';
import { requireTool } from '../support/tool';

describe('sendfile under faults of the system', function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  let file: string;
  let expected: { bytes: number; sha256: string };
  before(async () => {
    requireTool('strace');
    file = folder.file('content');
    writeLargeFile(file, 24 * 2 ** 20 + 1);
    expected = await sha256OfFile(file);
  });

  const SCRIPT = `
    const zerocopy = require('zerocopy');
    const net = require('node:net');
    const hash = require('node:crypto').createHash('sha256');
    const [, file] = process.argv;
    let bytes = 0;
    const server = net.createServer(async (socket) => {
      socket.on('error', () => {});
      let error = {};
      const sent = await zerocopy.sendfile(socket, file).catch((failure) => { error = failure; return failure.bytesSent; });
      socket.on('close', () => setTimeout(() => {
        console.log(JSON.stringify({ sent, code: error.code, bytes, sha256: hash.digest('hex') }));
        process.exit();
      }, 200));
      socket.end();
    }).listen(0, '127.0.0.1', () => {
      net.connect(server.address().port, '127.0.0.1').on('data', (piece) => { bytes += piece.length; hash.update(piece); });
    });
  `;

  interface Outcome {
    readonly sent: number;
    readonly code?: string;
    readonly bytes: number;
    readonly sha256: string;
  }

  async function underStrace(...inject: string[]): Promise<Outcome> {
    const faults = inject.map((fault) => ['-e', `inject=${fault}`]).flat();
    const child = spawn('strace', ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=sendfile', ...faults,
      process.execPath, '-e', SCRIPT, file], {
      cwd: path.resolve(), env: withoutLeakCheck(), stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    child.stdout.on('data', (piece: Buffer) => { output += piece.toString(); });
    child.stderr.on('data', (piece: Buffer) => { errors += piece.toString(); });
    const code = await new Promise((resolve) => child.on('close', resolve));
    assert.equal(code, 0, errors);
    return JSON.parse(output) as Outcome;
  }

  for (const fault of [
    'sendfile:error=EAGAIN:when=1', 'sendfile:error=EAGAIN:when=3', 'sendfile:error=EAGAIN:when=2+3',
    'sendfile:error=EINTR:when=2+2', 'sendfile:error=EINVAL:when=4', 'sendfile:error=EINVAL:when=1',
  ]) {
    it(`sends every byte under ${fault}`, async () => {
      assert.deepEqual(await underStrace(fault), { ...expected, sent: expected.bytes });
    });
  }

  for (const [error, code] of [['EIO', 'EIO'], ['EPIPE', 'EPIPE'], ['ENOMEM', 'ENOMEM']] as const) {
    it(`rejects with ${code} and the exact count under sendfile:error=${error}:when=5`, async () => {
      const outcome = await underStrace(`sendfile:error=${error}:when=5`);
      assert.equal(outcome.code, code);
      assert.ok(outcome.sent > 0 && outcome.sent < expected.bytes);
      assert.equal(outcome.bytes, outcome.sent);
    });
  }

  // What strace says was sent never left: the client misses just that.
  it('goes on after a short count under sendfile:retval=7:when=5', async () => {
    const { sent, bytes, code } = await underStrace('sendfile:retval=7:when=5');
    assert.deepEqual({ sent, bytes, code }, { sent: expected.bytes, bytes: expected.bytes - 7, code: undefined });
  });

  it('takes an early end of the file for what it is', async () => {
    const outcome = await underStrace('sendfile:retval=0:when=5');
    assert.equal(outcome.code, 'ERR_SHORT_FILE');
    assert.equal(outcome.bytes, outcome.sent);
  });
});
