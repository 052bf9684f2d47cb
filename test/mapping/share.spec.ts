import assert from 'node:assert/strict';
import { truncateSync, unlinkSync } from 'node:fs';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';

import { native } from '#lib/native';
import { Mapping, type MappingHandle, mmap, mmapAnonymous } from 'zerocopy';

import { runInChild } from '../support/child';
import { HAS_EXTERNAL_SHARED } from '../support/engine';
import { mappedRanges } from '../support/maps';
import { patternBytes, temporaryFolder } from '../support/temporary';

/** Threads and their endings: test/lifetime/workers.spec.ts. */
describe('share() and attach()', () => {
  const folder = temporaryFolder();
  const content = patternBytes(20_000);
  let made = 0;
  const newFile = (): string => folder.file(`shared-${String(made++)}.bin`, content);

  it('pass a handle that is plain data, new each time, and nothing to guess', () => {
    const file = newFile();
    using mapping = mmap(file);
    const handles = Array.from({ length: 100 }, () => mapping.share());
    assert.equal(new Set(handles.map((handle) => handle.mapping)).size, 100);
    assert.match(handles[0]!.mapping, /^[0-9a-f]{32}$/);
    assert.deepEqual(Object.keys(handles[0]!), ['mapping', 'path']);
    const copy = structuredClone(handles[0]!);
    assert.deepEqual(copy, handles[0]);
    const { port1, port2 } = new MessageChannel();
    port1.postMessage(handles[1]);
    const { message } = receiveMessageOnPort(port2) as { message: MappingHandle };
    for (const handle of [copy, message, ...handles.slice(2)]) Mapping.attach(handle).close();
    assert.throws(() => Mapping.attach(handles[1]!), { code: 'ERR_INVALID_ARG_VALUE' });
    port1.close();
  });

  it('give the same memory, mapped once, with all that is known of it', () => {
    for (const access of ['read', 'write', 'copy'] as const) {
      const file = newFile();
      using mapping = mmap(file, { access, offset: 5001, length: 4096 });
      using again = Mapping.attach(mapping.share());
      assert.equal(mappedRanges(file).length, 1);
      for (const key of ['byteLength', 'fileOffset', 'access', 'readonly', 'path', 'state', 'faults', 'fd'] as const) {
        assert.equal(again[key], mapping[key], key);
      }
      mapping.asUint8Array()[9] = 200;
      assert.equal(again.view().get(9), 200);
    }
  });

  it('give each an end of its own, and the memory goes with the last', () => {
    const file = newFile();
    const first = mmap(file);
    const second = Mapping.attach(first.share());
    const third = Mapping.attach(second.share());
    const view = third.view();
    first.close();
    second.close();
    assert.deepEqual([first.state, second.state, third.state], ['closed', 'closed', 'open']);
    assert.throws(() => second.view(), { code: 'ERR_MAPPING_CLOSED' });
    assert.equal(view.get(777), content[777]);
    assert.equal(mappedRanges(file).length, 1);
    third.close();
    assert.throws(() => view.get(777), { code: 'ERR_MAPPING_CLOSED' });
    assert.equal(mappedRanges(file).length, 0);
  });

  it('count holders for each', () => {
    using mapping = mmap(newFile());
    using again = Mapping.attach(mapping.share());
    const view = again.view(0, 10);
    again.asBuffer();
    assert.deepEqual([mapping.holders().views, mapping.holders().buffers], [0, 0]);
    assert.deepEqual([again.holders().views, again.holders().buffers], [1, 1]);
    assert.equal(view.length, 10);
  });

  it('tell both when the file is cut', () => {
    const file = newFile();
    using mapping = mmap(file);
    using again = Mapping.attach(mapping.share());
    truncateSync(file, 0);
    assert.equal(mapping.asUint8Array()[9000], 0);
    for (const either of [mapping, again]) assert.throws(() => either.check(), { code: 'ERR_MAPPING_FAULT', faults: 5 });
  });

  it('need neither the file nor its mapping any more', () => {
    const file = newFile();
    const handle = ((): MappingHandle => {
      using mapping = mmap(file);
      return mapping.share();
    })();
    unlinkSync(file);
    using again = Mapping.attach(handle);
    assert.equal(again.view().equals(content), true);
  });

  it('work for empty mappings and shared memory', () => {
    using empty = mmap(folder.file('empty', ''));
    using emptyAgain = Mapping.attach(empty.share());
    assert.equal(emptyAgain.byteLength, 0);
    using memory = mmapAnonymous(100);
    using again = Mapping.attach(memory.share());
    new Int32Array(memory.asArrayBuffer())[3] = 7;
    assert.equal(new Int32Array(again.asArrayBuffer())[3], 7);
    assert.equal(again.path, undefined);
  });

  it('drop what is too old at the next share(), and count it unmapped', () => {
    const before = native.counters();
    const now = Number(process.hrtime.bigint() / 1_000_000n);
    const file = newFile();
    (() => {
      using mapping = mmap(file);
      mapping.share();
      mapping.share();
    })();
    native.dropExpiredOffers(now + 59_000);
    assert.equal(mappedRanges(file).length, 1);
    native.dropExpiredOffers(now + 62_000);
    assert.equal(mappedRanges(file).length, 0);
    const after = native.counters();
    assert.equal(after.regionsMapped - after.regionsUnmapped, before.regionsMapped - before.regionsUnmapped);
  });

  it('do not keep the process waiting for whoever might claim', async () => {
    const child = await runInChild('zerocopy.mmap(process.argv[1]).share(); console.log(1);', {
      arguments: [newFile()],
      timeoutMs: 40_000, // less than a handle lives
    });
    assert.deepEqual({ code: child.code, stdout: child.stdout }, { code: 0, stdout: '1\n' }, child.stderr);
  });
});

describe('asSharedArrayBuffer()', () => {
  const folder = temporaryFolder();

  it('of an empty mapping is empty, on every engine, the same each time, until it is closed', () => {
    const mapping = mmap(folder.file('empty', ''));
    const shared = mapping.asSharedArrayBuffer();
    assert.equal(shared.byteLength, 0);
    assert.equal(mapping.asSharedArrayBuffer(), shared);
    mapping.close();
    assert.throws(() => mapping.asSharedArrayBuffer(), { code: 'ERR_MAPPING_CLOSED' });
  });

  it('shares the memory and keeps it, or says that the engine cannot', () => {
    const mapping = mmapAnonymous(4096);
    if (!HAS_EXTERNAL_SHARED) {
      assert.throws(() => mapping.asSharedArrayBuffer(), { code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM' });
      return;
    }
    const shared = mapping.asSharedArrayBuffer();
    new Uint8Array(shared)[5] = 6;
    assert.equal(mapping.view().get(5), 6);
    assert.equal(mapping.asSharedArrayBuffer(), shared);
    mapping.close({ detach: true });
    assert.equal(mapping.state, 'closing'); // it cannot be detached
    assert.equal(new Uint8Array(shared)[5], 6);
    assert.throws(() => mapping.asSharedArrayBuffer(), { code: 'ERR_MAPPING_CLOSED' });
  });
});
