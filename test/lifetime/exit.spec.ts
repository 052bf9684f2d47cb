import assert from 'node:assert/strict';

import { runInChild, type ChildOutcome } from '../support/child';
import { patternBytes, temporaryFolder } from '../support/temporary';

/** `open()` in a child maps, `keep()` holds on to something, `end()` ends the process with code 42: at each stage. */
const PRELUDE = `
  const fs = require('node:fs'), net = require('node:net'), zlib = require('node:zlib'), crypto = require('node:crypto');
  const { Worker } = require('node:worker_threads'); const [file, output] = process.argv.slice(1);
  const end = () => process.exit(42); const open = () => zerocopy.mmap(file, { access: 'write' });
  const kept = []; const keep = (it) => { kept.push(it); return it; };
`;

const STAGES: [string, string][] = [
  ['before anything is mapped', 'end();'],
  ['with a mapping', 'keep(open()); end();'],
  ['with a view', 'keep(open().view()).get(0); end();'],
  ['with raw arrays', 'keep(open().asBuffer()); keep(open().asArrayBuffer()); end();'],
  ['with a closed mapping', 'keep(open()).close(); end();'],
  ['with a mapping that is closing', 'const m = keep(open()); keep(m.asBuffer()); m.close(); end();'],
  ['with a detached one', 'const m = keep(open()); keep(m.asBuffer()); m.close({ detach: true }); end();'],
  ['with memory that transfer() moved', 'const { buffer } = keep(open()).asBuffer(); keep(buffer.transfer?.()); end();'],
  ['with a SharedArrayBuffer', 'try { keep(open().asSharedArrayBuffer()); } catch {} end();'],
  ['with a handle that nobody claimed', 'keep(open()).share(); end();'],
  ['with shared memory', 'keep(zerocopy.mmapAnonymous(1 << 20)).view().fill(1); end();'],
  ['with many mappings', 'for (let i = 0; i < 3000; i++) { const m = keep(open()); if (i % 3 === 0) keep(m.asUint8Array()); if (i % 5 === 0) m.close(); } end();'],
  ['after dropped ones, before they are finalized', 'for (let i = 0; i < 3000; i++) open().asUint8Array(); gc(); end();'],
  ['with a flush in flight', 'const m = keep(open()); m.view().fill(3); m.flush(); end();'],
  ['when a flush has ended', 'keep(open()).flush().then(end);'],
  ['with a flush in flight, closed', 'const m = keep(open()); m.flush(); m.close(); end();'],
  ['with searches in flight', 'const m = keep(zerocopy.mmapAnonymous(200 << 20)); for (let i = 0; i < 6; i++) m.search("absent"); setTimeout(end, 5);'],
  ['with a search in flight, closed', 'const m = keep(open()); m.search("absent"); m.close(); end();'],
  ['with fs.write in flight', 'const raw = open().asBuffer(); for (let i = 0; i < 20; i++) fs.write(fs.openSync(output + i, "w"), raw, 0, raw.length, 0, () => {}); end();'],
  ['with fs.read in flight', 'const raw = open().asBuffer(); for (let i = 0; i < 20; i++) fs.read(fs.openSync(file), raw, 0, raw.length, 0, () => {}); setTimeout(end, 1);'],
  ['with zlib in flight', 'const raw = open().asBuffer(); for (let i = 0; i < 8; i++) zlib.deflate(raw, () => {}); setTimeout(end, 2);'],
  ['with randomFill in flight', 'const raw = open().asBuffer(); for (let i = 0; i < 8; i++) crypto.randomFill(raw, () => {}); end();'],
  ['with digests in flight', 'const raw = open().asBuffer(); for (let i = 0; i < 8; i++) crypto.subtle.digest("SHA-512", raw); end();'],
  ['with a socket.write in flight', 'net.createServer((s) => { s.write(open().asBuffer()); setImmediate(end); }).listen(0, function () { net.connect(this.address().port); });'],
  ['with a sendfile() in flight', 'net.createServer((s) => { zerocopy.sendfile(s, open()).then(end); setImmediate(end); }).listen(0, function () { net.connect(this.address().port); });'],
  ['with a sendfile() in flight, closed', 'net.createServer((s) => { const m = open(); zerocopy.sendfile(s, m); m.close(); setImmediate(end); }).listen(0, function () { net.connect(this.address().port); });'],
  ['in the callback of fs.write', 'const raw = open().asBuffer(); fs.write(fs.openSync(output, "w"), raw, 0, raw.length, 0, end);'],
  ['in the callback of zlib', 'zlib.deflate(open().asBuffer(), end);'],
  ['in a listener of process exit that closes', 'const m = keep(open()); keep(m.asBuffer()); process.on("exit", () => { m.close({ detach: true }); open().view().get(0); }); end();'],
  ['in a listener of zerocopy:map', 'require("node:diagnostics_channel").subscribe("zerocopy:map", end); open();'],
  ['in a listener of zerocopy:close', 'require("node:diagnostics_channel").subscribe("zerocopy:close", end); const m = open(); keep(m.asBuffer()); m.close();'],
  ['in a getter that mmap() reads', 'keep(open().asBuffer()); zerocopy.mmap(file, { get access() { end(); return "read"; } });'],
  ['with workers that read', 'const m = open(); for (let i = 0; i < 3; i++) new Worker("const { workerData, parentPort } = require(\'node:worker_threads\'); const raw = require(\'zerocopy\').Mapping.attach(workerData).asUint8Array(); parentPort.postMessage(1); for (;;) raw.fill(1);", { eval: true, workerData: m.share() }).once("message", end);'],
  ['of a worker, then of the process', 'new Worker("process.on(\'exit\', () => {}); globalThis.kept = require(\'zerocopy\').Mapping.attach(require(\'node:worker_threads\').workerData).asUint8Array(); process.exit(7);", { eval: true, workerData: keep(open()).share() }).once("exit", (code) => { if (code === 7) end(); });'],
  ['by an exception nobody catches', 'const m = keep(open()); keep(m.asBuffer()); process.on("uncaughtException", end); m.flush(); throw new Error("on purpose");'],
  ['by a rejection nobody catches', 'const m = keep(open()); process.on("unhandledRejection", end); keep(m.asBuffer()); const f = m.flush(); m.close(); f.then(() => { throw new Error("on purpose"); });'],
  ['after an exception between map and close', 'try { using(open()); } catch {} function using(m) { try { keep(m.view()).get(1 << 30); } finally { m.close(); m.close(); m.close({ detach: true }); } } end();'],
  ['after close() twice with arrays in between', 'const m = keep(open()); const raw = keep(m.asBuffer()); m.close(); m.close(); m.close({ detach: true }); m.close(); if (raw.length === 0 && m.state !== "open") end();'],
  ['by itself, with all of it', 'keep(open().asBuffer()); keep(open().view()); keep(open()).share(); process.exitCode = 42;'],
];

describe('a process that ends', () => {
  const folder = temporaryFolder();
  const content = patternBytes(1 << 20);

  async function run(body: string): Promise<ChildOutcome> {
    return runInChild(PRELUDE + body, { arguments: [folder.file('exit.bin', content), folder.file('output.bin', '')] });
  }

  for (const [when, body] of STAGES) {
    it(`${when} ends with the code it asked for`, async () => {
      const child = await run(body);
      assert.deepEqual({ code: child.code, signal: child.signal }, { code: 42, signal: null }, child.stderr);
    });
  }

  it('by an exception ends with code 1 and its message', async () => {
    const child = await run('const m = keep(open()); keep(m.asBuffer()); m.flush(); m.close(); throw new Error("on purpose");');
    assert.deepEqual({ code: child.code, signal: child.signal }, { code: 1, signal: null });
    assert.match(child.stderr, /Error: on purpose/);
  });

  it('leaves what it wrote in the file, without flush() or close()', async () => {
    const file = folder.file('written.bin', content);
    const child = await runInChild(
      'zerocopy.mmap(process.argv[1], { access: "write" }).asBuffer().fill(5); process.exit(0);', { arguments: [file] });
    assert.equal(child.code, 0, child.stderr);
    const seen = await runInChild('console.log(zerocopy.mmap(process.argv[1]).view().count(5));', { arguments: [file] });
    assert.equal(seen.stdout, `${String(content.length)}\n`, seen.stderr);
  });
});
