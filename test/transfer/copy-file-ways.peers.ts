import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { blocksOf } from '../support/blocks';
import { withoutLeakCheck } from '../support/child';
import { patternBytes, temporaryFolder } from '../support/temporary';
import { requireTool } from '../support/tool';

const MIB = 2 ** 20;
const content = patternBytes(20 * MIB + 17);

interface Outcome {
  readonly copied: number;
  readonly code?: string;
  readonly bytesSent?: number;
  /** Calls of the ways of copying, in order, each with its first argument: 'copy_file_range', 'sendfile'. */
  readonly calls: readonly string[];
}

describe('copyFile, way by way', function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  let source: string;
  let target: string;
  before(() => {
    requireTool('strace');
    source = folder.file('source', content);
    target = folder.file('target');
    const fd = fs.openSync(source, 'r+');
    fs.ftruncateSync(fd, 40 * MIB); // a hole at the end
    fs.closeSync(fd);
  });

  const SCRIPT = `
    const zerocopy = require('zerocopy');
    const { openSync, writeFileSync } = require('node:fs');
    const [, source, target, result, asDescriptor] = process.argv;
    const tell = (outcome) => writeFileSync(result, JSON.stringify(outcome)); // stdout would want ioctl(2)
    zerocopy.copyFile(source, asDescriptor ? openSync(target, 'w') : target).then(
      (copied) => tell({ copied }), ({ code, bytesSent }) => tell({ copied: -1, code, bytesSent }));
  `;

  /** Copies under strace, which lets the calls named in `faults` fail as they say. */
  function copy(faults: readonly string[], asDescriptor = false): Outcome {
    fs.rmSync(target, { force: true });
    const log = folder.file('log', '');
    const result = folder.file('result', '{}');
    const inject = faults.flatMap((fault) => ['-e', `inject=${fault}`]);
    const traced = 'trace=ioctl,copy_file_range,sendfile,pwrite64,lseek,fallocate';
    const script = [process.execPath, '-e', SCRIPT, '--', source, target, result, ...(asDescriptor ? ['yes'] : [])];
    const { status, stderr } = spawnSync('strace', ['-f', '-qq', '-o', log, '-e', traced, ...inject, ...script],
      // strace counts the calls of each thread for itself.
      { cwd: path.resolve(), env: { ...withoutLeakCheck(), UV_THREADPOOL_SIZE: '1' }, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const calls = fs.readFileSync(log, 'utf8').split('\n')
      .flatMap((line) => /\b(FICLONERANGE|copy_file_range|sendfile|pwrite64)\b/.exec(line)?.[1] ?? []);
    return { ...(JSON.parse(fs.readFileSync(result, 'utf8')) as Omit<Outcome, 'calls'>), calls };
  }

  function isRight(): void {
    const bytes = fs.readFileSync(target);
    assert.equal(bytes.length, 40 * MIB);
    assert.ok(bytes.subarray(0, content.length).equals(content));
    assert.ok(bytes.subarray(content.length).every((byte) => byte === 0));
    assert.equal(blocksOf(target), blocksOf(source));
  }

  const CLONE = 'ioctl:error=EOPNOTSUPP';
  const RANGE = 'copy_file_range:error=';
  const SEND = 'sendfile:error=';

  it('shares the blocks first, and believes the system that it did', () => {
    const { copied, calls } = copy(['ioctl:retval=0']); // says so, and does nothing
    assert.deepEqual([copied, new Set(calls)], [40 * MIB, new Set(['FICLONERANGE'])]);
    assert.equal(fs.statSync(target).size, 40 * MIB);
  });

  it('then copies in the kernel', () => {
    const { copied, calls } = copy([CLONE]);
    assert.deepEqual([copied, new Set(calls)], [40 * MIB, new Set(['FICLONERANGE', 'copy_file_range'])]);
    isRight();
  });

  for (const refused of ['EXDEV', 'EINVAL', 'ENOSYS', 'EOPNOTSUPP', 'EPERM']) {
    it(`then sends, when the system says ${refused}`, () => {
      const { copied, calls } = copy([CLONE, RANGE + refused]);
      assert.deepEqual([copied, new Set(calls)], [40 * MIB, new Set(['FICLONERANGE', 'copy_file_range', 'sendfile'])]);
      assert.equal(calls.filter((call) => call === 'copy_file_range').length, 1, 'asked once');
      isRight();
    });

    it(`at last reads and writes, when it says ${refused} to that too`, () => {
      const { copied, calls } = copy([CLONE, RANGE + refused, SEND + refused]);
      assert.equal(copied, 40 * MIB);
      assert.ok(calls.filter((call) => call === 'pwrite64').length >= content.length / (256 * 1024));
      isRight();
    });
  }

  it('reads and writes when the kernel copies nothing', () => {
    assert.equal(copy([CLONE, 'copy_file_range:retval=0', 'sendfile:retval=0']).copied, 40 * MIB);
    isRight();
  });

  it('goes on after interruptions', () => {
    assert.equal(copy([CLONE, `${RANGE}EINTR:when=1..3`]).copied, 40 * MIB);
    isRight();
    assert.equal(copy([CLONE, `${RANGE}EXDEV`, `${SEND}EXDEV`, 'pwrite64:error=EINTR:when=2..4']).copied, 40 * MIB);
    isRight();
  });

  it("sends to a file of the caller's through an opening of its own", () => {
    const { copied, calls } = copy([CLONE, `${RANGE}EXDEV`], true);
    assert.deepEqual([copied, calls.includes('sendfile')], [40 * MIB, true]);
    isRight();
  });

  it('copies holes as zeros where the system does not tell of them', () => {
    assert.equal(copy([CLONE, 'lseek:error=EINVAL']).copied, 40 * MIB);
    const bytes = fs.readFileSync(target);
    assert.ok(bytes.length === 40 * MIB && bytes.subarray(0, content.length).equals(content));
  });

  for (const code of ['ENOSPC', 'EIO']) {
    it(`fails with ${code}, says how far it came, and removes its target`, () => {
      const inKernel = copy([CLONE, `${RANGE}${code}:when=2+`]);
      assert.deepEqual([inKernel.copied, inKernel.code, inKernel.bytesSent], [-1, code, 8 * MIB]);
      assert.equal(fs.existsSync(target), false);
      const written = copy([CLONE, `${RANGE}EXDEV`, `${SEND}EXDEV`, `pwrite64:error=${code}:when=5+`]);
      assert.deepEqual([written.copied, written.code, written.bytesSent], [-1, code, MIB]);
      assert.equal(fs.existsSync(target), false);
    });
  }
});
