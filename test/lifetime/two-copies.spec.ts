import assert from 'node:assert/strict';

import { runInChild, type ChildOutcome } from '../support/child';
import { temporaryFolder } from '../support/temporary';

/**
 * A child loads the addon from two paths, as two versions of this package in one program do: `a` and `b`. Of each of
 * two files of 1 MiB of 7s it has a descriptor, and map(copy, i) maps it by that copy.
 */
const PRELUDE = `
  const fs = require('node:fs'); const [, ...names] = process.argv;
  const addon = Object.keys(require.cache).find((name) => name.endsWith('.node'));
  const [a, b] = names.slice(0, 2).map((name) => {
    fs.copyFileSync(addon, name);
    return require(name);
  });
  const files = names.slice(2).map((name) => {
    fs.writeFileSync(name, Buffer.alloc(1 << 20, 7));
    return fs.openSync(name, 'r+');
  });
  const map = (copy, i = 0) => copy.mapFile(files[i], 0, 1 << 20, 0, true, false);
  const read = (copy, region) => new Uint8Array(copy.createWindow(region, 0, 1 << 20))[100000];
`;

describe('two copies of the addon in one process', () => {
  const folder = temporaryFolder();

  async function run(body: string): Promise<ChildOutcome> {
    const names = ['a.node', 'b.node', '0', '1'].map((name) => folder.file(name));
    return runInChild(PRELUDE + body, { arguments: names, timeoutMs: 10_000 }); // they would pass it on for ever
  }

  function assertPrints(child: ChildOutcome, stdout: string): void {
    const { stderr, ...ending } = child;
    assert.deepEqual(ending, { code: 0, signal: null, stdout }, stderr);
  }

  const orders = ['ab', 'aba', 'abab', 'abbaab'];

  for (const order of orders) {
    const mapped = `for (const copy of '${order}') map(copy === 'a' ? a : b);`;
    const send = `process.kill(process.pid, 'SIGBUS'); setTimeout(() => console.log('alive'), 200);`;

    it(`leave a SIGBUS that is not theirs to the system, when they mapped in the order ${order}`, async () => {
      const { signal, stdout } = await run(mapped + send);
      assert.deepEqual({ signal, stdout }, { signal: 'SIGBUS', stdout: '' });
    });

    it(`leave it to a listener, when they mapped in the order ${order}`, async () => {
      const listen = "process.on('SIGBUS', () => console.log('sent'));";
      const again = 'a.installFaultHandler(); b.installFaultHandler();'; // as lib/ does
      assertPrints(await run(listen + mapped + send), 'sent\nalive\n');
      assertPrints(await run(mapped + listen + again + mapped + send), 'sent\nalive\n');
    });

    it(`survive faults of their own mappings, when they mapped in the order ${order}`, async () => {
      const child = await run(`
        const regions = [map(a, 0), map(b, 1)]; ${mapped}
        for (const file of files) fs.ftruncateSync(file, 0);
        console.log(read(a, regions[0]), read(b, regions[1]));
        console.log(a.regionFacts(regions[0]).faults, b.regionFacts(regions[1]).faults);`);
      assertPrints(child, '0 0\n256 256\n');
    });
  }

  // What `a` makes, and what `b` is asked to do with it.
  const foreign: [string, string, string][] = [
    ['region', 'map(a)', 'b.closeRegion(it)'],
    ['window', 'a.createWindow(map(a), 0, 4096)', 'b.exposeWindow(it)'],
    ['hold', 'a.holdRegion(map(a))', 'b.readHeld(it, 0, new Uint8Array(1))'],
    ['search', 'a.beginSearch(map(a), new Uint8Array(1))', 'b.endSearch(it)'],
    ['copy', 'a.startCopyFile(files[0], true, 0, 4096, files[1], true, 0, false)', 'b.endCopy(it)'],
  ];
  for (const [what, make, use] of foreign) {
    it(`refuse each other's object: ${what}`, async () => {
      const child = await run(`
        const use = (a, b) => { const it = ${make}; try { ${use}; console.log('taken'); } catch (e) { console.log(e.code); } };
        use(a, b); use(b, a); use(a, a);`);
      assertPrints(child, 'ERR_INTERNAL_MISUSE\nERR_INTERNAL_MISUSE\ntaken\n');
    });
  }
});
