import assert from 'node:assert/strict';
import { mkdirSync, truncateSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

import { mmap, type Mapping } from 'zerocopy';

import { runInChild } from '../support/child';
import { runCli, runCliInTerminal } from '../support/cli';
import { evict, keepInMemory, livesInMemory } from '../support/page-cache';
import { patternBytes, temporaryFolder } from '../support/temporary';

const MIB = 2 ** 20;

describe('zerocopy cache', () => {
  const folder = temporaryFolder();
  let file = '';
  let small = '';

  before(() => {
    file = folder.file('data.bin', patternBytes(8 * MIB + 100));
    small = folder.file('small.bin', 'hello');
  });

  /** Takes `file` out of memory but for its first quarter, which stays while the mapping is open. */
  function keepQuarter(): Mapping {
    evict(file);
    const mapping = mmap(file, { advice: 'random' });
    const view = mapping.view(0, 2 * MIB);
    for (let at = 0; at < view.length; at += 4096) view.get(at);
    return mapping;
  }

  it('says in a pipe how much is in memory, a line for each file', async () => {
    using _quarter = keepQuarter();
    using _whole = keepInMemory(small);
    const { stdout, ...ending } = await runCli(['cache', file, small]);
    assert.deepEqual(ending, { code: 0, signal: null, stderr: '' });
    const [bytes, share] = livesInMemory(file) ? [8_388_708, '100.0'] : [2 * MIB, '25.0'];
    assert.deepEqual(stdout.split('\n'), [
      `${file}: ${bytes} of 8388708 bytes in memory (${share} %)`, `${small}: 5 of 5 bytes in memory (100.0 %)`, '',
    ]);
  });

  it('says it of empty files, and of holes', async () => {
    const hole = folder.file('hole', '');
    truncateSync(hole, 3 * 2 ** 30 + 5);
    const { stdout, code } = await runCli(['cache', folder.file('empty', ''), hole]);
    assert.equal(code, 0);
    assert.match(stdout, /^.*empty: 0 of 0 bytes in memory \(empty\)\n.*hole: 0 of 3221225477 bytes in memory \(0\.0 %\)\n$/);
  });

  it('brings files in with --load', async () => {
    evict(file);
    const { stdout, stderr, code } = await runCli(['cache', '--load', file]);
    assert.deepEqual([code, stderr, stdout], [0, '', `${file}: 8388708 of 8388708 bytes in memory (100.0 %)\n`]);
  });

  it('drops files with --evict, and says what is still there', async () => {
    keepInMemory(file).close();
    const { stdout, stderr, code } = await runCli(['cache', file, '--evict']);
    const resident = livesInMemory(file) ? 8_388_708 : 0;
    assert.deepEqual([code, stderr], [0, '']);
    assert.ok(stdout.startsWith(`${file}: ${resident} of 8388708 bytes in memory (`), stdout);
    using mapping = mmap(file);
    assert.equal(mapping.residency().resident > 0, livesInMemory(file));
  });

  it('leaves what another process has mapped, and says so', async () => {
    using mapping = keepInMemory(file);
    const { stdout } = await runCli(['cache', '--evict', file]);
    assert.equal(stdout, `${file}: 8388708 of 8388708 bytes in memory (100.0 %)\n`);
    assert.equal(mapping.residency().resident, 2049);
  });

  it('goes on after a file that fails, says each, and exits with 1', async () => {
    const directory = folder.file('directory');
    mkdirSync(directory);
    using _whole = keepInMemory(small);
    const { code, stdout, stderr } = await runCli(['cache', 'no-such-file', directory, small, '/dev/null']);
    assert.equal(code, 1);
    assert.equal(stdout, `${small}: 5 of 5 bytes in memory (100.0 %)\n`);
    assert.deepEqual(stderr.split('\n'), [
      "zerocopy cache: ENOENT: no such file or directory, open 'no-such-file'",
      `zerocopy cache: EISDIR: illegal operation on a directory, mmap '${directory}'`,
      "zerocopy cache: ENODEV: no such device, mmap '/dev/null'",
      '',
    ]);
  });

  it('does not repeat what mincore says of files of others', async () => {
    const { stdout, stderr } = await runInChild(`
      const { cache } = require('#lib/cli/cache'); require('#lib/cli/page-picture');
      if (process.getuid() === 0) process.setuid(65534);
      cache.run(['/etc/passwd'], {}).then(console.log);`);
    assert.deepEqual([stdout, stderr],
      ['1\n', "zerocopy cache: the system does not tell: '/etc/passwd' is a file that you neither own nor may write\n"]);
  });

  const wrong: readonly [what: string, args: readonly string[], says: RegExp][] = [
    ['no file', [], /^zerocopy cache: a file is missing\nTry 'zerocopy cache --help'\.\n$/],
    ['an unknown option', ['--lode', 'x'], /^zerocopy cache: Unknown option '--lode'/],
    ['a value for an option that takes none', ['--load=yes', 'x'], /^zerocopy cache: .*'--load'.*does not take an argument/],
    ['two options that exclude each other', ['--load', '--evict', 'x'], /^zerocopy cache: --load and --evict at the same time/],
  ];
  for (const [what, args, says] of wrong) {
    it(`answers ${what} with exit code 2 and a line on stderr`, async () => {
      const { code, stdout, stderr } = await runCli(['cache', ...args]);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, says);
    });
  }

  it('explains itself', async () => {
    const { code, stdout } = await runCli(['cache', '--help']);
    assert.equal(code, 0);
    assert.match(stdout, /^Usage: zerocopy cache FILE\.\.\. \[--load \| --evict\]\n/);
    assert.match((await runCli(['--help'])).stdout, /^ {2}cache +show which pages/m);
  });

  it('takes a file whose name begins with a dash after --', async () => {
    using _whole = keepInMemory(folder.file('--load', 'text'));
    const { stdout } = await runCli(['cache', '--', '--load'], { cwd: folder.file('.') });
    assert.equal(stdout, '--load: 4 of 4 bytes in memory (100.0 %)\n');
  });

  describe('in a terminal', () => {
    const GREEN = '\u001b[32m';

    it('draws where in the file the pages are, in colours', async () => {
      using _quarter = keepQuarter();
      const { code, stdout, stderr } = await runCliInTerminal(['cache', file]);
      assert.deepEqual([code, stderr], [0, '']);
      const [picture, text = ''] = stripVTControlCharacters(stdout).split(/(?<=^.{40}) /u);
      // 512 pages of 2,049 in 40 cells: the tenth has 51 pages, of which 50 are there.
      assert.equal(picture, livesInMemory(file) ? '█'.repeat(40) : `${'█'.repeat(9)}▓${'·'.repeat(30)}`);
      assert.ok(stdout.includes(GREEN), JSON.stringify(stdout));
      assert.match(text, /^ *(25|100)\.0 % +\d\.\d\d MiB of 8\.00 MiB {2}.*data\.bin\r\n$/);
    });

    for (const [name, env] of [['NO_COLOR', { NO_COLOR: '1' }], ['TERM=dumb', { TERM: 'dumb' }]] as const) {
      it(`draws without colours for ${name}`, async () => {
        const { stdout } = await runCliInTerminal(['cache', '--load', small], { env });
        assert.equal(stdout.includes('\u001b[3'), false, JSON.stringify(stdout));
        assert.match(stdout, /█ {39} +100\.0 % +5 B of 5 B {2}.*small\.bin\r\n$/);
      });
    }

    it('says how far it is while it loads, and takes that away again', async () => {
      const { stdout } = await runCliInTerminal(['cache', '--load', file]);
      const clear = '\r\u001b[K';
      assert.ok(stdout.startsWith(clear), JSON.stringify(stdout));
      assert.ok(stdout.includes(`${clear}${file}: 8.00 MiB of 8.00 MiB loaded (100.0 %)${clear}`), JSON.stringify(stdout));
    });

    it('does not let a name speak to the terminal', async () => {
      const name = 'a\u001b[31m\nb';
      using _whole = keepInMemory(folder.file(name, 'text'));
      const { stdout } = await runCliInTerminal(['cache', name, `${name}c`], { cwd: folder.file('.') });
      assert.match(stdout, /4 B of 4 B {2}a\?\[31m\?b\r\n/);
      assert.match(stdout, /ENOENT: .* 'a\?\[31m\?bc'\r\n$/);
    });
  });
});
