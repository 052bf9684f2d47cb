import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

import { runInChild } from '../support/child';
import { patternBytes, temporaryFolder } from '../support/temporary';

/**
 * A child has `mapping` of a file (`want` its bytes), `raw` of it, and `transfer(buffer)`, which says so and ends where
 * the engine has none. `bystanders()` takes the addresses that became free, with mappings of another file.
 */
const PRELUDE = `
  const fs = require('node:fs'); const { promisify } = require('node:util'); const { once } = require('node:events');
  const { Worker } = require('node:worker_threads');
  const [file, other, output] = process.argv.slice(1); const want = fs.readFileSync(file), wantOther = fs.readFileSync(other);
  let mapping = zerocopy.mmap(file, { access: 'copy' }); let raw = mapping.asBuffer();
  const held = []; const bystanders = () => { for (let i = 0; i < 20; i++) held.push(zerocopy.mmap(other).view()); };
  const transfer = (buffer, ...to) => { if (!buffer.transfer) { console.log('no transfer'); process.exit(0); } return buffer.transfer(...to); };
  const same = (buffer) => Buffer.from(buffer).equals(want);
  const thrown = (f) => { try { f(); return 'nothing'; } catch (e) { return e.code ?? e.name; } };
  const turns = async () => { for (let i = 0; i < 30; i++) { gc(); await new Promise(setImmediate); } };
  process.on('exit', () => { if (!held.every((view) => view.equals(wantOther))) { console.log('foreign bytes'); process.exitCode = 9; } });
`;

/** ArrayBuffer.prototype.transfer came with Node 22. */
const HAS_TRANSFER = 'transfer' in ArrayBuffer.prototype;

describe('raw memory that is transferred', () => {
  const folder = temporaryFolder();
  const content = patternBytes(1 << 20);

  async function run(body: string, expected: string, nodeArguments: string[] = []) {
    const foreign = Buffer.alloc(content.length, 0xee);
    const files = [folder.file('moved.bin', content), folder.file('other.bin', foreign), folder.file('out.bin', '')];
    const source = `${PRELUDE} (async () => { ${body} })();`;
    const { stderr, ...child } = await runInChild(source, { arguments: files, nodeArguments });
    assert.deepEqual({ ...child, stdout: child.stdout.trim() }, { code: 0, signal: null, stdout: expected }, stderr);
  }

  const moves: [string, string, string][] = [
    ['by transfer() keeps its bytes, and the memory until it is collected', `
      let moved = transfer(raw.buffer); raw = undefined; await turns(); bystanders();
      mapping.close(); await turns(); console.log(mapping.state, same(moved));
      moved = undefined; await turns(); console.log(mapping.state);`, 'closing true\nclosed'],
    ['by transfer() keeps its bytes when the mapping is closed and detached', `
      const moved = transfer(raw.buffer); mapping.close({ detach: true }); await turns(); bystanders();
      console.log(raw.length, same(moved), mapping.state);`, '0 true closing'],
    ['by transfer() keeps its bytes when the mapping is collected', `
      const moved = transfer(raw.buffer); mapping = raw = undefined; await turns(); bystanders(); console.log(same(moved));`, 'true'],
    ['by transfer() to another length is a copy', `
      const short = transfer(raw.buffer, 1000); raw = undefined; await turns(); mapping.close({ detach: true }); await turns(); bystanders();
      console.log(Buffer.from(short).equals(want.subarray(0, 1000)), mapping.state);`, 'true closed'],
    ['by transfer() leaves views as they were, or lets them throw', `
      const old = mapping.view(5, 100); const whole = mapping.view(); old.get(0); const moved = transfer(raw.buffer);
      for (const view of [old, whole, mapping.view(5, 100)]) {
        try { if (!want.subarray(view === whole ? 0 : 5).subarray(0, view.length).equals(view.toBytes())) console.log('wrong'); } catch (e) { if (!e.code) throw e; }
      }
      console.log(Buffer.from(mapping.view(5, 100).toBytes()).equals(want.subarray(5, 105)), mapping.asBuffer().equals(want), same(moved));`,
    'true true true'],
    ['by transfer() while fs.write reads it is written whole', `
      const writing = promisify(fs.write)(fs.openSync(output, 'w'), raw, 0, raw.length, 0);
      let moved = transfer(raw.buffer); moved = raw = undefined; mapping.close({ detach: true }); gc(); bystanders();
      const { bytesWritten } = await writing; console.log(bytesWritten, fs.readFileSync(output).equals(want));`, '1048576 true'],
    ['by transfer() to a worker and back keeps its bytes', `
      const worker = new Worker("const { parentPort } = require('node:worker_threads'); parentPort.once('message', (b) => {" +
        "const u = new Uint8Array(b); u[0] ^= 255; parentPort.postMessage(b, [b]); });", { eval: true });
      const moved = transfer(raw.buffer); worker.postMessage(moved, [moved]); mapping.close(); mapping = raw = undefined; gc();
      const ended = once(worker, 'exit'); const [back] = await once(worker, 'message'); await ended; await turns(); bystanders();
      new Uint8Array(back)[0] ^= 255; console.log(moved.byteLength, same(back));`, '0 true'],
    ['by transfer() to a worker that is terminated lets the mapping go', `
      const worker = new Worker("require('node:worker_threads').parentPort.on('message', (b) => { globalThis.kept = b; for (;;) new Uint8Array(b).fill(1); });", { eval: true });
      const moved = transfer(raw.buffer); worker.postMessage(moved, [moved]); mapping.close(); raw = undefined;
      await new Promise((resolve) => setTimeout(resolve, 100)); bystanders(); await worker.terminate(); await turns();
      console.log(mapping.state);`, 'closed'],
    ['is of fixed length', `const moved = transfer(raw.buffer);
      console.log(raw.buffer.resizable, moved.resizable, thrown(() => moved.resize(10)));`, 'false false TypeError'],
  ];
  for (const [what, body, expected] of moves) {
    it(what, () => run(body, HAS_TRANSFER ? expected : 'no transfer'));
  }

  // Node 20 overlooks what must not be transferred, and copies it; later ones throw a DataCloneError, code 25.
  it('by structuredClone or postMessage stays', () => run(`
      const { MessageChannel } = require('node:worker_threads'); const { port1 } = new MessageChannel();
      console.log(thrown(() => structuredClone(raw, { transfer: [raw.buffer] })), thrown(() => port1.postMessage(raw, [raw.buffer])));
      port1.close(); bystanders(); console.log(same(raw), mapping.view().equals(want));`, `${HAS_TRANSFER ? '25 25' : 'nothing nothing'}\ntrue true`));

  it('and cloned is a copy, which outlives a detached mapping', () => run(`
      const copy = structuredClone(raw.subarray(10, 20)); raw[10] ^= 255; mapping.close({ detach: true }); await turns(); bystanders();
      console.log(want.subarray(10, 20).equals(copy));`, 'true'));

  it('into an immutable ArrayBuffer, where the engine has them, survives every close', async () => {
    const flag = '--js-immutable-arraybuffer';
    const known = spawnSync(process.execPath, ['--v8-options'], { encoding: 'utf8' }).stdout.includes(flag);
    await run(`
      if (!raw.buffer.transferToImmutable) { console.log('no immutable buffers'); process.exit(0); }
      let moved = raw.buffer.transferToImmutable(); raw = undefined; const part = mapping.asArrayBuffer().sliceToImmutable(0, 100);
      mapping.close({ detach: true }); await turns(); bystanders(); console.log(moved.immutable, same(moved), part.byteLength, mapping.state);
      moved = undefined; await turns(); console.log(mapping.state);`,
    known ? 'true true 100 closing\nclosed' : 'no immutable buffers', known ? [flag] : []);
  });
});
