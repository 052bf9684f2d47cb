import assert from 'node:assert/strict';
import { truncateSync } from 'node:fs';

import { runInChild } from '../support/child';
import { patternBytes, temporaryFolder } from '../support/temporary';

const ROUNDS = 100_000;
/**
 * Just past the 8,192 maps at which dropped ones are reclaimed: the engine collects garbage at every 64 MiB of buffers,
 * so a loop that looks at 1 GiB each time spends milliseconds a round.
 */
const ROUNDS_OF_LARGE_BUFFERS = 9_000;
/** The same for windows of 16 MiB, a collection every fourth round. */
const ROUNDS_OF_WINDOWS = 20_000;

/**
 * Resident memory, bytes, by which a quarter of the rounds again may grow. The allocator keeps what the first loop's
 * pending finalizers needed, so that loop is the measure; a leak of 1 KiB a round would be 25 MiB.
 */
const GROWN = 12 * 2 ** 20;

/** Counts the maps of the process every thousand rounds, and what is left after a turn of the event loop. */
const LOOP = `
  const fs = require('node:fs'); const [file] = process.argv.slice(1);
  const maps = () => fs.readFileSync('/proc/self/maps', 'utf8').split('\\n').length;
  let sum = 0;
  function loop(rounds) {
    let peak = 0;
    for (let round = 0; round < rounds; round++) {
      const mapping = zerocopy.mmap(file); USE
      if (round % 1000 === 0) peak = Math.max(peak, maps());
    }
    return peak;
  }
  async function settle() {
    for (let i = 0; i < 100; i++) { gc(); await new Promise(setImmediate); }
  }
  async function main() {
    zerocopy.mmap(file).view();
    const before = maps();
    const peak = loop(ROUNDS);
    await settle();
    const rss = process.memoryUsage.rss();
    loop(ROUNDS / 4);
    await settle();
    const c = native.counters();
    console.log(JSON.stringify({
      peak, left: c.regionsMapped - c.regionsUnmapped, more: maps() - before,
      grown: process.memoryUsage.rss() - rss, fds: fs.readdirSync('/proc/self/fd').length,
    }));
  }
  main();
`;

const RAW = 'sum += mapping.asUint8Array()[round % 60000];';

/** What is mapped, its length, how often, what is done with it. */
const LOOPS: [string, number, number, string][] = [
  ['64 KiB, never looked at', 2 ** 16, ROUNDS, ''],
  ['64 KiB, looked at through a view', 2 ** 16, ROUNDS, 'sum += mapping.view(round % 60000, 10).get(1);'],
  ['64 KiB, looked at through a raw array', 2 ** 16, ROUNDS, RAW],
  ['64 KiB, closed with a raw array out', 2 ** 16, ROUNDS, 'sum += mapping.asUint8Array()[0]; mapping.close();'],
  ['1 GiB, never looked at', 2 ** 30, ROUNDS, ''],
  ['1 GiB, looked at through a view', 2 ** 30, ROUNDS_OF_WINDOWS, 'sum += mapping.view().get(round * 10_000);'],
  ['1 GiB, looked at through a raw array', 2 ** 30, ROUNDS_OF_LARGE_BUFFERS, RAW],
];

describe('mappings that a loop drops without a turn of the event loop', () => {
  const folder = temporaryFolder();
  for (const [what, length, rounds, use] of LOOPS) {
    it(`${String(rounds)} of ${what}: fewer than 10,000 maps at any time, none left afterwards`, async () => {
      const file = folder.file(`${String(length)}.bin`, patternBytes(65536));
      truncateSync(file, length);
      const source = LOOP.replace('USE', use).replaceAll('ROUNDS', String(rounds));
      const child = await runInChild(source, { arguments: [file], timeoutMs: 170_000 });
      assert.deepEqual({ code: child.code, signal: child.signal }, { code: 0, signal: null }, child.stderr);
      const seen = JSON.parse(child.stdout) as { peak: number; left: number; more: number; grown: number; fds: number };
      assert.ok(seen.peak < 10_000, `${String(seen.peak)} maps`);
      assert.equal(seen.left, 0);
      assert.ok(seen.more < 200, `${String(seen.more)} more maps than before`); // the heap's own
      assert.ok(seen.grown < GROWN, `resident memory grew by ${String(seen.grown)} bytes`);
      assert.ok(seen.fds < 40, `${String(seen.fds)} descriptors`);
    }).timeout(180_000);
  }

  it('that are all kept end in ERR_TOO_MANY_MAPPINGS, which names them, not in an abort', async () => {
    const file = folder.file('kept.bin', patternBytes(4096));
    const child = await runInChild(
      `const kept = [];
       try { for (;;) kept.push(zerocopy.mmap(process.argv[1]).view()); } catch (error) { console.log(error.code, error.message); }
       console.log(kept.length > 50000, kept.at(-1).get(3));
       for (const view of kept.splice(0)) view.obj.close();
       console.log(zerocopy.mmap(process.argv[1]).view().get(3));`,
      { arguments: [file], timeoutMs: 170_000 },
    );
    assert.equal(child.signal, null, child.stderr);
    assert.match(child.stdout, new RegExp(`^ERR_TOO_MANY_MAPPINGS .*${file} \\(\\d+ times\\)\ntrue 93\n93\n$`));
  }).timeout(180_000);
});
