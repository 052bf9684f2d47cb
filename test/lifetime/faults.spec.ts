import assert from 'node:assert/strict';

import { runInChild, type ChildOutcome } from '../support/child';
import { temporaryFolder } from '../support/temporary';

/**
 * A child maps FILE (1 MiB of 7s) and OTHER (of 9s), and runs `body` with `cut()`, which truncates FILE to 5,000 bytes,
 * and `thrown(f)`, the code and facts of what f throws.
 */
const PRELUDE = `
  const fs = require('node:fs'); const [file, other] = process.argv.slice(1);
  fs.writeFileSync(file, Buffer.alloc(1 << 20, 7)); fs.writeFileSync(other, Buffer.alloc(1 << 20, 9));
  const mapping = zerocopy.mmap(file, { access: process.env.ACCESS ?? 'read' });
  const bystander = zerocopy.mmap(other);
  const cut = () => fs.truncateSync(file, 5000);
  const thrown = (f) => { try { f(); return 'nothing'; } catch (e) { return e.code + ' ' + e.offset + ' ' + e.faults; } };
  const sound = () => bystander.view().equals(new Uint8Array(1 << 20).fill(9)) && bystander.faults === 0;
  process.on('exit', () => { if (!sound()) { console.log('the bystander was hurt'); process.exitCode = 9; } });
`;

/** 1 MiB is 256 pages; 5,000 bytes reach into the second. */
const FAULT = 'ERR_MAPPING_FAULT 8192 254';

describe('a file that is cut under its mapping', () => {
  const folder = temporaryFolder();

  async function run(body: string, env: NodeJS.ProcessEnv = {}, nodeArguments: string[] = []): Promise<ChildOutcome> {
    const files = [folder.file('cut.bin'), folder.file('other.bin')];
    return runInChild(PRELUDE + body, { arguments: files, env, nodeArguments });
  }

  function assertAlive(child: ChildOutcome, stdout: string): void {
    const { stderr, ...ending } = child;
    assert.deepEqual(ending, { code: 0, signal: null, stdout }, stderr);
  }

  const reads: [string, string][] = [
    ['in a hot loop over a raw array', `
      const raw = mapping.asUint8Array(); const sum = () => { let s = 0; for (let i = 0; i < raw.length; i++) s += raw[i]; return s; };
      for (let i = 0; i < 20; i++) sum(); cut(); console.log(sum());`],
    ['by Buffer.copy', `const raw = mapping.asBuffer(); cut(); const to = Buffer.alloc(1 << 20, 1); raw.copy(to);
      console.log(to.reduce((s, b) => s + b, 0));`],
    ['by toString', `const raw = mapping.asBuffer(); cut();
      console.log(Buffer.from(raw.toString('latin1'), 'latin1').reduce((s, b) => s + b, 0));`],
    ['by a hash', `const raw = mapping.asBuffer(); cut(); const { createHash } = require('node:crypto');
      const want = Buffer.alloc(1 << 20); want.fill(7, 0, 5000);
      console.log(createHash('sha256').update(raw).digest('hex') === createHash('sha256').update(want).digest('hex') ? 35000 : 0);`],
    ['by zlib on the thread pool', `const raw = mapping.asBuffer(); cut(); const zlib = require('node:zlib');
      zlib.deflate(raw, (e, packed) => { console.log(zlib.inflateSync(packed).reduce((s, b) => s + b, 0)); after(); });`],
    ['in a worker', `const { Worker } = require('node:worker_threads');
      const worker = new Worker("const { workerData, parentPort } = require('node:worker_threads');" +
        "const raw = require('zerocopy').Mapping.attach(workerData).asUint8Array(); let s = 0; for (const b of raw) s += b; parentPort.postMessage(s);",
        { eval: true, workerData: (cut(), mapping.share()) });
      worker.once('message', (s) => { console.log(s); }); worker.once('exit', () => after());`],
  ];
  for (const [how, body] of reads) {
    it(`reads as zeros ${how}, then throws ERR_MAPPING_FAULT`, async () => {
      const late = body.includes('after()');
      const child = await run(`
        function after() { console.log(thrown(() => mapping.check()), thrown(() => mapping.view()[Symbol.iterator]().next()), mapping.faults); }
        ${body} ${late ? '' : 'after();'}`);
      // 5,000 bytes of 7 are left; view() itself throws too, it looks for the memory
      assertAlive(child, `35000\n${FAULT} ${FAULT} 254\n`);
    });
  }

  it('makes the next operation of a view throw, whichever it is', async () => {
    const child = await run(`
      const view = mapping.view(); const part = view.slice(0, 10); cut(); mapping.asUint8Array()[100000];
      console.log(thrown(() => part.get(0)), thrown(() => view.toBytes()), thrown(() => part.slice(1)), thrown(() => part.hex()));`);
    assertAlive(child, `${[FAULT, FAULT, FAULT, FAULT].join(' ')}\n`);
  });

  const bulk: readonly [string, string][] = [
    ['toBytes', 'view.toBytes()'], ['toList', 'view.toList()'], ['hex', 'view.hex()'], ['count', 'view.count(7)'],
    ['indexOf', 'view.indexOf(8)'], ['lastIndexOf', 'view.lastIndexOf(8)'], ['includes', 'view.includes(8)'],
    ['copyTo', 'view.copyTo(new Uint8Array(1 << 20))'], ['assign', 'target.assign(view)'], ['fill', 'view.fill(7)'],
    ['assign to what was cut', 'view.assign(target)'], ['cursor().read', 'mapping.cursor().read()'],
  ];
  for (const [name, call] of bulk) {
    it(`makes the operation itself throw that came upon it: ${name}`, async () => {
      const child = await run(`
        const view = mapping.view(); const target = new zerocopy.MemoryView(new Uint8Array(1 << 20)); view.get(0); cut();
        console.log(thrown(() => ${call}));`, { ACCESS: 'write' });
      assertAlive(child, `${FAULT}\n`);
    });
  }

  it('is equal to nothing else, not even to zeros', async () => {
    const child = await run(`
      const view = mapping.view(5000); view.get(0); cut(); console.log(view.equals(new Uint8Array((1 << 20) - 5000)), view.equals(view));`);
    assertAlive(child, 'false true\n');
  });

  it('makes flush throw for access write, because what was written is lost', async () => {
    const child = await run(`
      const view = mapping.view(); cut(); mapping.asUint8Array()[100000] = 7;
      console.log(thrown(() => mapping.flushSync()));
      mapping.flush().then(() => console.log('flushed'), (e) => console.log(e.code));`, { ACCESS: 'write' });
    assertAlive(child, `${FAULT}\nERR_MAPPING_FAULT\n`);
  });

  it('rejects a sendfile of the mapping with ERR_MAPPING_FAULT, and what was sent is counted', async () => {
    const child = await run(`
      cut(); const fd = fs.openSync(file + '.out', 'w');
      zerocopy.sendfile(fd, mapping).catch((e) => console.log(e.code, e.offset === e.bytesSent, e.bytesSent <= 8192));`);
    assertAlive(child, 'ERR_MAPPING_FAULT true true\n');
  });

  it('rejects prefetch with ERR_MAPPING_FAULT, and what is there can be prefetched', async () => {
    const child = await run(`
      cut(); mapping.prefetch({ length: 8192 }).then(() => console.log('fetched', mapping.faults));
      mapping.prefetch().catch((e) => console.log(e.code, e.offset));`);
    assert.deepEqual(child.stdout.split('\n').sort(), ['', 'ERR_MAPPING_FAULT 0', 'fetched 0'], child.stderr);
  });

  for (const access of ['read', 'write', 'copy']) {
    it(`is noticed before anybody looks, inside a page too, by check() and flush (${access})`, async () => {
      const child = await run(`
        const rejected = (p) => p.then(() => 'nothing', (e) => e.code + ' ' + e.offset + ' ' + e.faults);
        const start = mapping.view(0, 100); mapping.check(); mapping.flushSync();
        fs.truncateSync(file, (1 << 20) - 1);
        console.log(thrown(() => mapping.check())); console.log(thrown(() => mapping.flushSync()));
        rejected(mapping.flush()).then((last) => { console.log(last); fs.truncateSync(file, 1 << 20);
          console.log(start.get(0), thrown(() => mapping.check()));
          const part = zerocopy.mmap(file, { access: process.env.ACCESS, offset: 5000, length: 100 });
          fs.truncateSync(file, 5100); console.log(thrown(() => part.check()));
          fs.truncateSync(file, 10); console.log(thrown(() => part.check()), part.faults); });`, { ACCESS: access });
      const cut = 'ERR_MAPPING_FAULT 1048575 0\n';
      assertAlive(child, `${cut}${cut}${cut}7 nothing\nnothing\nERR_MAPPING_FAULT 0 0 0\n`);
    });
  }

  it('is published on zerocopy:fault, once', async () => {
    const child = await run(`
      require('node:diagnostics_channel').subscribe('zerocopy:fault', (m) => console.log(m.mapping === mapping, m.error.code));
      cut(); mapping.asUint8Array()[100000]; thrown(() => mapping.check()); thrown(() => mapping.check());`);
    assertAlive(child, 'true ERR_MAPPING_FAULT\n');
  });

  it('does not hang a process that listens to SIGBUS, whenever it began to', async () => {
    const child = await run(`
      process.on('SIGBUS', () => console.log('sent'));
      cut(); console.log(mapping.asUint8Array()[100000], thrown(() => mapping.check()));
      process.kill(process.pid, 'SIGBUS'); setTimeout(() => process.exit(0), 200);`);
    assertAlive(child, `0 ${FAULT}\nsent\n`);
  });

  for (const [how, leave] of [
    ['taken away', "process.off('SIGBUS', listener);"],
    ['one for once', "process.emit('SIGBUS');"],
    ['all taken away', 'process.removeAllListeners();'],
  ] as const) {
    it(`survives after the last listener to SIGBUS has gone: ${how}`, async () => {
      const child = await run(`
        const listener = () => {}; process.${how === 'one for once' ? 'once' : 'on'}('SIGBUS', listener); ${leave}
        cut(); console.log(mapping.asUint8Array()[100000], process.listenerCount('SIGBUS'));
        process.kill(process.pid, 'SIGBUS'); setTimeout(() => console.log('alive'), 1000);`);
      assert.deepEqual({ signal: child.signal, stdout: child.stdout }, { signal: 'SIGBUS', stdout: '0 0\n' });
    });
  }

  it('ends the process, as without us, when ZEROCOPY_SIGBUS is off', async () => {
    const child = await run('cut(); mapping.asUint8Array()[100000]; console.log("alive");', { ZEROCOPY_SIGBUS: 'off' });
    assert.deepEqual({ signal: child.signal, stdout: child.stdout }, { signal: 'SIGBUS', stdout: '' });
  });

  it('leaves a SIGBUS that is not ours to the system', async () => {
    const child = await run(`process.kill(process.pid, 'SIGBUS'); setTimeout(() => console.log('alive'), 1000);`);
    assert.deepEqual({ signal: child.signal, stdout: child.stdout }, { signal: 'SIGBUS', stdout: '' });
  });

  it('survives with --abort-on-uncaught-exception, and WebAssembly still traps', async () => {
    // (module (memory 1) (func (export "f") (drop (i32.load (i32.const 0x7fffffff)))))
    const wasm = '0061736d010000000104016000000302010005030100010705010166000' + '00a0e010c0041ffffffff072802001a0b';
    const child = await run(`
      cut(); mapping.asUint8Array()[100000]; console.log(thrown(() => mapping.check()));
      const { f } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from('${wasm}', 'hex'))).exports;
      try { f(); } catch (e) { console.log(e instanceof WebAssembly.RuntimeError); }`, {}, ['--abort-on-uncaught-exception']);
    assertAlive(child, `${FAULT}\ntrue\n`);
  });
});
