/** With less memory than the file is long: needs root, and cgroups (v1 or v2). */
import assert from 'node:assert/strict';
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { temporaryFolder } from '../support/temporary';

const MIB = 2 ** 20;
const SCAN = path.join(__dirname, '../support/scan.js');

/** A cgroup of this system that has the memory controller. */
function makeCgroup(limit: number): string {
  const name = `zerocopy-test-${process.pid}`;
  const first = '/sys/fs/cgroup/memory';
  const isFirst = existsSync(path.join(first, 'memory.limit_in_bytes'));
  const folder = path.join(isFirst ? first : '/sys/fs/cgroup', name);
  try {
    if (!isFirst) writeFileSync('/sys/fs/cgroup/cgroup.subtree_control', '+memory');
    mkdirSync(folder);
    writeFileSync(path.join(folder, isFirst ? 'memory.limit_in_bytes' : 'memory.max'), String(limit));
  } catch (error) {
    throw new Error('no memory cgroup can be made here: run this as root, with cgroups mounted', { cause: error });
  }
  return folder;
}

describe('with 300 MiB of memory', () => {
  const folder = temporaryFolder();
  let cgroup = '';
  let file = '';

  before(() => {
    cgroup = makeCgroup(300 * MIB);
    file = folder.file('2gib', 'hello');
    truncateSync(file, 2048 * MIB - 1); // the longest file that readFileSync takes
  });
  after(() => {
    if (cgroup !== '') rmdirSync(cgroup);
  });

  function runLimited(...args: string[]): SpawnSyncReturns<string> {
    const enter = `echo $$ > '${cgroup}/cgroup.procs' && exec "$0" "$@"`;
    return spawnSync('/bin/sh', ['-c', enter, process.execPath, ...args], { encoding: 'utf8', timeout: 120_000 });
  }

  it('a file of 2 GiB is read from end to end', () => {
    const { status, signal, stdout, stderr } = runLimited(SCAN, file);
    assert.deepEqual([status, signal], [0, null], stderr);
    assert.equal((JSON.parse(stdout) as { sum: number }).sum, 'h'.charCodeAt(0));
    const peak = ['memory.max_usage_in_bytes', 'memory.peak'].map((name) => path.join(cgroup, name)).find(existsSync);
    if (peak !== undefined) assert.ok(Number(readFileSync(peak, 'utf8')) <= 300 * MIB);
  });

  it('fs.readFileSync of it is killed', () => {
    const { signal } = runLimited('-e', `require('node:fs').readFileSync(${JSON.stringify(file)}); console.log('read');`);
    assert.equal(signal, 'SIGKILL');
  });
});
