import assert from 'node:assert/strict';
import { truncateSync } from 'node:fs';

import { runInChild } from '../support/child';
import { patternBytes, temporaryFolder } from '../support/temporary';

/**
 * The engine collects garbage at every 64 MiB of buffers, so a loop that looks at a file of 1 GiB each time spends a
 * millisecond a round: such loops run just past the 8,192 maps at which dropped ones are reclaimed.
 */
const ROUNDS = 100_000;
const ROUNDS_OF_LARGE_FILES = 10_000;

/** Counts the maps of the process every thousand rounds, and what is left after a turn of the event loop. */
const LOOP = `
  const fs = require('node:fs'); const [file] = process.argv.slice(1);
  const maps = () => fs.readFileSync('/proc/self/maps', 'utf8').split('\\n').length;
  zerocopy.mmap(file).view(); const before = maps(); let peak = 0, sum = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const mapping = zerocopy.mmap(file); USE
    if (round % 1000 === 0) peak = Math.max(peak, maps());
  }
  async function settle() {
    for (let i = 0; i < 100; i++) { gc(); await new Promise(setImmediate); }
    const c = native.counters();
    console.log(JSON.stringify({ peak, left: c.regionsMapped - c.regionsUnmapped, more: maps() - before, fds: fs.readdirSync('/proc/self/fd').length }));
  }
  settle();
`;

const USES: [string, string][] = [
  ['never looked at', ''],
  ['looked at through a view', 'sum += mapping.view(round % 60000, 10).get(1);'],
  ['looked at through a raw array', 'sum += mapping.asUint8Array()[round % 60000];'],
  ['closed with a raw array out', 'sum += mapping.asUint8Array()[0]; mapping.close();'],
];

describe('mappings that a loop drops without a turn of the event loop', () => {
  const folder = temporaryFolder();
  for (const [size, length] of [['64 KiB', 65536], ['1 GiB', 2 ** 30]] as const) {
    for (const [what, use] of USES) {
      const rounds = length > 2 ** 20 && use !== '' ? ROUNDS_OF_LARGE_FILES : ROUNDS;
      it(`${String(rounds)} of ${size}, ${what}: fewer than 10,000 maps at any time, none left afterwards`, async () => {
        const file = folder.file(`${String(length)}.bin`, patternBytes(65536));
        truncateSync(file, length);
        const child = await runInChild(LOOP.replace('USE', use).replace('ROUNDS', String(rounds)), { arguments: [file], timeoutMs: 170_000 });
        assert.deepEqual({ code: child.code, signal: child.signal }, { code: 0, signal: null }, child.stderr);
        const seen = JSON.parse(child.stdout) as { peak: number; left: number; more: number; fds: number };
        assert.ok(seen.peak < 10_000, `${String(seen.peak)} maps`);
        assert.equal(seen.left, 0);
        assert.ok(seen.more < 200, `${String(seen.more)} more maps than before`); // the heap's own
        assert.ok(seen.fds < 40, `${String(seen.fds)} descriptors`);
      }).timeout(180_000);
    }
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
