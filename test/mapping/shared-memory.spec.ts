import assert from 'node:assert/strict';
import { spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';

import { mmap, mmapAnonymous, type Mapping } from 'zerocopy';

import { outcomeOf } from '../support/child';
import { mappedRanges } from '../support/maps';

/** Runs a program with the mapping's memory as its descriptor 3. */
function runWith(mapping: Mapping, command: string, ...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(command, args, { stdio: ['ignore', 'pipe', 'pipe', mapping.fd], encoding: 'utf8', timeout: 30_000 });
}

function answerOf({ status, signal, stdout, stderr }: SpawnSyncReturns<string>): string {
  assert.deepEqual([status, signal, stderr], [0, null, '']);
  return stdout.trim();
}

describe('shared memory', () => {
  it('shows its name', () => {
    using mapping = mmapAnonymous(4096, { name: 'my tiles' });
    assert.equal(mappedRanges('/memfd:my tiles (deleted)').length, 1);
    assert.equal(mapping.path, undefined);
  });

  it('goes both ways between a process and its child, by a descriptor', () => {
    using mapping = mmapAnonymous(100_000);
    mapping.view().set(99_999, 7);
    const answer = answerOf(runWith(mapping, process.execPath, '-e', `
      const mapping = require('zerocopy').mmap(3, { access: 'write' }); const view = mapping.view();
      console.log(mapping.byteLength, view.get(99_999)); view.set(50_000, 9); mapping.close();`));
    assert.equal(answer, '100000 7');
    assert.equal(mapping.view().get(50_000), 9);
  });

  it('goes to programs in other languages by a descriptor', () => {
    using mapping = mmapAnonymous(8192);
    mapping.view(100, 5).assign(Buffer.from('hello'));
    const answer = answerOf(runWith(mapping, 'python3', '-c', `
import mmap
with mmap.mmap(3, 8192) as memory:
    print(memory[100:105].decode())
    memory[200:205] = b'world'`));
    assert.equal(answer, 'hello');
    assert.equal(mapping.view(200, 5).asBuffer().toString(), 'world');
  });

  const TRUNCATE = `const fs = require('node:fs');
    try { fs.ftruncateSync(3, 0); console.log('cut'); } catch (error) { console.log(error.code); }
    fs.ftruncateSync(3, 8192); console.log(fs.fstatSync(3).size);`;

  it('that is sealed cannot be cut short by whoever gets it', () => {
    using mapping = mmapAnonymous(4096, { sealed: true });
    mapping.view().set(4095, 5);
    assert.equal(answerOf(runWith(mapping, process.execPath, '-e', TRUNCATE)), 'EPERM\n8192');
    assert.equal(mapping.view().get(4095), 5);
    assert.equal(mapping.faults, 0);
    mapping.check();
  });

  it('that is not sealed can be, and then says so', () => {
    using mapping = mmapAnonymous(4096);
    mapping.view().set(4095, 5);
    const cut = "require('node:fs').ftruncateSync(3, 0)";
    answerOf(runWith(mapping, process.execPath, '-e', cut));
    // The first look only counts the fault; what comes after it throws.
    assert.equal(mapping.asUint8Array()[4095], 0);
    assert.throws(() => mapping.view().get(4095), { code: 'ERR_MAPPING_FAULT' });
  });

  describe("and Python's multiprocessing.shared_memory", () => {
    const name = `zerocopy-test-${process.pid}`;
    const file = path.join('/dev/shm', name);
    after(() => rmSync(file, { force: true }));

    it('made there, is mapped here', async () => {
      const child = spawn('python3', ['-c', `
import sys
from multiprocessing import shared_memory
memory = shared_memory.SharedMemory(sys.argv[1], create=True, size=10000)
memory.buf[9999] = 42
print('ready', flush=True)
sys.stdin.readline()
print(memory.buf[5000], flush=True)
memory.close(); memory.unlink()`, name], { stdio: ['pipe', 'pipe', 'pipe'] });
      const outcome = outcomeOf(child);
      await new Promise((resolve) => child.stdout.once('data', resolve));
      using mapping = mmap(file, { access: 'write' });
      assert.deepEqual([mapping.byteLength, mapping.view().get(9999)], [10_000, 42]);
      mapping.view().set(5000, 77);
      child.stdin.end('\n');
      assert.deepEqual(await outcome, { code: 0, signal: null, stdout: 'ready\n77\n', stderr: '' });
      assert.equal(mapping.view().get(5000), 77, 'it outlives its name');
    });

    it('made here, is attached there', () => {
      using mapping = mmap(file, { access: 'write', size: 10_000 });
      mapping.view().set(1, 11);
      const { status, stdout, stderr } = spawnSync('python3', ['-c', `
import sys
from multiprocessing import resource_tracker, shared_memory
resource_tracker.register = lambda *_: None  # before Python 3.13 whoever attaches removes it in the end
memory = shared_memory.SharedMemory(sys.argv[1])
print(memory.size >= 10000, memory.buf[1])
memory.buf[9999] = 12
memory.close()`, name], { encoding: 'utf8' });
      assert.deepEqual([status, stdout, stderr], [0, 'True 11\n', '']);
      assert.equal(mapping.view().get(9999), 12);
    });
  });

  it('counts exactly, whoever adds: a child process, a worker and this thread, 10,000,000 times each', async () => {
    const times = 10_000_000;
    using mapping = mmapAnonymous(64);
    const count = new Int32Array(mapping.asArrayBuffer());
    // Each is counted in word 1 when it is ready, and begins when word 2 is set.
    const add = `const count = new Int32Array(mapping.asArrayBuffer());
      Atomics.add(count, 1, 1); mapping.notify(4); while (Atomics.load(count, 2) === 0);
      for (let i = 0; i < ${times}; i++) Atomics.add(count, 0, 1);`;
    const source = `const { Worker } = require('node:worker_threads');
      const mapping = require('zerocopy').mmap(3, { access: 'write' });
      new Worker("const { Mapping } = require('zerocopy'); const mapping = Mapping.attach(require('node:worker_threads').workerData);" +
        ${JSON.stringify(add)}, { eval: true, workerData: mapping.share() }).once('online', () => { ${add} });`;
    const child = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'pipe', mapping.fd] });
    const outcome = outcomeOf(child);
    for (let ready = 0; ready < 2; ready = Atomics.load(count, 1)) await mapping.wait(4, ready, 1000);
    Atomics.store(count, 2, 1);
    for (let i = 0; i < times; i++) Atomics.add(count, 0, 1);
    assert.deepEqual(await outcome, { code: 0, signal: null, stdout: '', stderr: '' });
    assert.equal(count[0], 3 * times);
  });
});
