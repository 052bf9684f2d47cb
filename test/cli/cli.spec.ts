import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { runCli } from '../support/cli';

const ROOT = path.join(__dirname, '../../..');
const { version, bin } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as
  { version: string; bin: Record<string, string> };

describe('the zerocopy command', () => {
  it('is what package.json names, for Node to run', () => {
    const file = path.join(ROOT, bin['zerocopy']!);
    assert.equal(require.resolve('#lib/cli'), file);
    assert.equal(readFileSync(file, 'utf8').split('\n')[0], '#!/usr/bin/env node');
  });

  for (const flag of ['--version', '-v']) {
    it(`says its version: ${flag}`, async () => {
      assert.deepEqual(await runCli([flag]), { code: 0, signal: null, stdout: `${version}\n`, stderr: '' });
    });
  }

  for (const flag of ['--help', '-h']) {
    it(`says what it can do: ${flag}`, async () => {
      const { code, stdout, stderr } = await runCli([flag]);
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, /^Usage: zerocopy COMMAND /);
    });
  }

  const wrong: readonly [what: string, args: readonly string[], says: RegExp][] = [
    ['no command', [], /^zerocopy: a command is missing\nTry 'zerocopy --help'\.\n$/],
    ['an unknown command', ['cash'], /^zerocopy: 'cash' is no command\n/],
    ['a name that every object has', ['constructor'], /^zerocopy: 'constructor' is no command\n/],
    ['an unknown option', ['--frobnicate'], /^zerocopy: '--frobnicate' is no command\n/],
  ];
  for (const [what, args, says] of wrong) {
    it(`answers ${what} with exit code 2 and a line on stderr`, async () => {
      const { code, stdout, stderr } = await runCli(args);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, says);
    });
  }
});
