import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

import { patternBytes, temporaryFolder } from '../support/temporary';

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

type Condition = (stdout: string) => boolean;

const SCRIPT = path.join(__dirname, '../../examples/main-job.js');

/** Runs the main job with pipes for output; SIGINT comes when `interruptWhen` says so. */
function mainJob(args: readonly string[], TMPDIR: string, interruptWhen?: Condition): Promise<Outcome> {
  const child = spawn(process.execPath, [SCRIPT, ...args], { env: { ...process.env, TMPDIR }, timeout: 120_000 });
  const outcome = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (outcome.stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (outcome.stderr += chunk));
  const timer = setInterval(() => {
    if (interruptWhen?.(outcome.stdout) === true && child.kill('SIGINT')) clearInterval(timer);
  }, 2);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearInterval(timer);
      resolve({ code, ...outcome });
    });
  });
}

describe('the main job', () => {
  const files = temporaryFolder();
  let folder: string;

  beforeEach(function () {
    folder = files.file(`temporary-${(this.currentTest?.title ?? '').replace(/\W+/g, '-')}`);
    mkdirSync(folder);
  });

  afterEach('leaves nothing behind', () => assert.deepEqual(readdirSync(folder), []));

  it('slices, reads and sends a file, and leaves it as it was', async () => {
    const content = patternBytes(100_000);
    const file = files.file('data.bin', content);
    const { mtimeMs } = statSync(file);
    const { code, stdout, stderr } = await mainJob([file], folder);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /97 read through views and compared with read\(2\)/);
    assert.match(stdout, /1,000,000 slices of 1\.00 KiB/);
    assert.match(stdout, /bytes, SHA-256 right +97\.7 KiB +97\.7 KiB\n/);
    assert.match(stdout, /bytes copied to user space +97\.7 KiB +0 B\n/);
    assert.match(stdout, /The mapping is closed\./);
    assert.deepEqual(readFileSync(file), content);
    assert.equal(statSync(file).mtimeMs, mtimeMs);
  });

  it('makes a file of its own, and removes it', async () => {
    const { code, stdout, stderr } = await mainJob(['--size', '5M'], folder);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /records\.bin\n +5\.00 MiB, made in/);
    assert.match(stdout, /bytes, SHA-256 right +5\.00 MiB +5\.00 MiB\n/);
  });

  it('writes plain text into a pipe', async () => {
    const { stdout } = await mainJob([files.file('tiny.bin', 'x')], folder);
    assert.match(stdout, /^[\n\x20-\x7e…]+$/);
    assert.ok(stdout.split('\n').every((line) => line.length <= 110 && !line.endsWith(' ')));
  });

  it('serves an empty file', async () => {
    const { code, stdout } = await mainJob([files.file('empty.bin', '')], folder);
    assert.equal(code, 0);
    assert.match(stdout, /bytes, SHA-256 right +0 B +0 B\n/);
    assert.match(stdout, /nothing to slice/);
  });

  const moments: Readonly<Record<string, Condition>> = {
    'makes it': () => readdirSync(folder).some((name) => existsSync(path.join(folder, name, 'records.bin'))),
    'sends it': (stdout) => stdout.includes('Records '),
    'slices it': (stdout) => stdout.includes('Served '),
  };
  for (const [moment, when] of Object.entries(moments)) {
    it(`removes its file when it is interrupted while it ${moment}`, async () => {
      const { code, stdout, stderr } = await mainJob(['--size', '32M'], folder, when);
      assert.deepEqual([code, stderr], [130, '']);
      assert.doesNotMatch(stdout, /The mapping is closed/);
    });
  }

  const wrong: Readonly<Record<string, readonly [args: readonly string[], says: RegExp]>> = {
    'a missing FILE': [['no-such-file'], /^zerocopy: cannot read \/.*\/no-such-file: no such file or directory\n$/],
    'a directory': [[__dirname], /is a directory; name a file in it\n$/],
    'a device': [['/dev/null'], /^zerocopy: \/dev\/null is not a regular file: it cannot be mapped\n$/],
    'two FILEs': [['a', 'b'], /^zerocopy: one FILE at a time, not 2\n$/],
    'an unknown option': [['--sise=4G'], /^zerocopy: Unknown option '--sise' \(--help shows what there is\)\n$/],
    'an option without its value': [['--size'], /--size <value>' argument missing \(--help shows what there is\)\n$/],
    'no size': [['--size', '4X'], /^zerocopy: --size takes a size such as 64M or 4G, not '4X'\n$/],
    'a size of nothing': [['--size', '0'], /not '0'\n$/],
    'FILE and --size': [['a', '--size', '4M'], /with FILE nothing is made\n$/],
    'more than the disk holds': [['--size', '4000T'], /^zerocopy: not enough disk space in .* for 3\.91 PiB: .* are free\. Set TMPDIR .*\n$/],
  };
  for (const [name, [args, says]] of Object.entries(wrong)) {
    it(`refuses ${name} in one line`, async () => {
      const { code, stdout, stderr } = await mainJob(args, folder);
      assert.match(stderr, says);
      assert.equal(stderr.split('\n').length, 2);
      assert.equal(code, 2);
      assert.doesNotMatch(stdout, /Mapped/);
    });
  }
});
