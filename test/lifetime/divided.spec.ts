import assert from 'node:assert/strict';
import { truncateSync } from 'node:fs';

import { runInChild } from '../support/child';
import { temporaryFolder } from '../support/temporary';

/** Every second page is treated unlike its neighbours, which makes a map of each to the kernel. */
const DIVIDE = `
  const mapping = zerocopy.mmap(process.argv[1]);
  const rounds = Math.floor(mapping.byteLength / 8192);
  let divided = 0;
  try {
    for (; divided < rounds; divided++) DIVIDE;
  } catch (error) {
    console.log(error.code);
  }
  console.log(divided > 10_000, divided < rounds);
  const { Worker } = require('node:worker_threads');
  new Worker('0', { eval: true }).once('exit', (code) => {
    console.log(code);
    mapping.close();
    console.log(zerocopy.mmap(process.argv[1]).view().get(5));
  });
`;

describe('a mapping that is divided into as many maps as the kernel has', () => {
  const folder = temporaryFolder();

  for (const [what, divide] of [
    ['advice', "mapping.advise('random', { offset: divided * 8192, length: 4096 })"],
    ['locks', 'mapping.lock({ offset: divided * 8192, length: 4096 })'],
  ] as const) {
    it(`by ${what} gets ERR_TOO_MANY_MAPPINGS before the engine has none left`, async () => {
      const file = folder.file(`${what}.bin`, '');
      truncateSync(file, 2 ** 30);
      const source = DIVIDE.replace('DIVIDE', divide);
      const child = await runInChild(source, { arguments: [file], timeoutMs: 100_000 });
      assert.deepEqual(
        { code: child.code, signal: child.signal, stdout: child.stdout },
        { code: 0, signal: null, stdout: 'ERR_TOO_MANY_MAPPINGS\ntrue true\n0\n0\n' },
        child.stderr,
      );
    }).timeout(110_000);
  }
});
