import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { closeSync, openSync, truncateSync } from 'node:fs';

import { Mapping, mappings, type MappingInfo, type MemoryView, mmap, mmapAnonymous, trace } from 'zerocopy';

import { runInChild } from '../support/child';
import { gcUntil } from '../support/gc';
import { patternBytes, temporaryFolder } from '../support/temporary';

const HUNDRED_MIB = 100 * 2 ** 20;

describe('holders() and mappings()', () => {
  const folder = temporaryFolder();
  let file = '';
  let large = '';

  before(() => {
    file = folder.file('small.bin', patternBytes(50_000));
    large = folder.file('large.bin', '');
    truncateSync(large, HUNDRED_MIB);
  });
  afterEach(() => trace(false));

  const of = (path: string): MappingInfo[] => mappings().filter((info) => info.path === path);

  it('find the ten bytes that keep 100 MiB, by one call, and say where they were made', async () => {
    trace(true);
    const kept = (function takeHeader(): MemoryView {
      return mmap(large).view(1000, 20).slice(0, 10);
    })();
    await gcUntil(() => of(large)[0]?.holders.views === 1);
    const [info, ...others] = of(large);
    assert.deepEqual(others, []);
    const { holders, ...facts } = info!;
    const { stacks = [], ...counts } = holders;
    assert.deepEqual(counts, { views: 1, holds: 0, buffers: 0, retained: HUNDRED_MIB, viewed: 10 });
    assert.deepEqual(facts, { path: large, byteLength: HUNDRED_MIB, access: 'read', state: 'open', faults: 0 });
    assert.equal(stacks.length, 2); // of the mapping, and of the view
    for (const stack of stacks) assert.match(stack, /^ {4}at takeHeader \(.*holders\.spec\.[jt]s:\d+:\d+\)/);
    assert.equal(kept.length, 10);
  });

  it('count views until they are released or collected', async () => {
    using mapping = mmap(file);
    const first = mapping.view();
    const second = first.slice(10, 30);
    assert.deepEqual(mapping.holders(), { views: 2, holds: 0, buffers: 0, retained: 50_000, viewed: 50_020 });
    first.release();
    assert.deepEqual(mapping.holders(), { views: 1, holds: 0, buffers: 0, retained: 50_000, viewed: 20 });
    (() => void mapping.view(0, 5).get(0))();
    assert.ok(await gcUntil(() => mapping.holders().views === 1));
    assert.equal(second.length, 20);
  });

  it('count buffers until they are collected, also those of a mapping that is closing', async () => {
    const mapping = mmap(file);
    let raw: Uint8Array | undefined = (() => mapping.asUint8Array(100, 10))();
    assert.equal(mapping.holders().buffers, 1);
    mapping.asBuffer(200, 10);
    assert.equal(mapping.holders().buffers, 1); // both lie in one
    mapping.close();
    assert.equal(mapping.state, 'closing');
    assert.deepEqual(mapping.holders(), { views: 0, holds: 0, buffers: 1, retained: 50_000, viewed: 0 });
    assert.equal(raw[0], patternBytes(101)[100]);
    raw = undefined;
    assert.ok(await gcUntil(() => mapping.state === 'closed'));
    assert.deepEqual(mapping.holders(), { views: 0, holds: 0, buffers: 0, retained: 0, viewed: 0 });
  });

  it('are named by the errors of a mapping that is closed while something keeps its memory', async () => {
    trace(true);
    const mapping = (function openLog(): Mapping {
      return mmap(file, { access: 'write' });
    })();
    const view = mapping.view();
    const raw = mapping.asUint8Array();
    const flushing = mapping.flush();
    mapping.close();
    const kept = { code: 'ERR_MAPPING_CLOSED', message: /^The mapping of .*small\.bin was closed; its memory is kept until the end of 1 ArrayBuffer that was handed out and 1 piece of native work\. It was made\n {4}at openLog / };
    assert.throws(() => view.get(0), kept);
    assert.throws(() => mapping.view(), kept);
    await flushing;
    assert.throws(() => view.get(0), { message: /until the end of 1 ArrayBuffer that was handed out\. It was made/ });
    assert.equal(raw.length, 50_000);
  });

  it('are not spoken of when nothing keeps the memory', () => {
    const mapping = mmap(file);
    const view = mapping.view();
    mapping.close();
    assert.throws(() => view.get(0), { code: 'ERR_MAPPING_CLOSED', message: `The mapping of ${file} was closed` });
  });

  it('count a flush while it runs', async () => {
    const mapping = mmap(file, { access: 'write' });
    mapping.view().set(0, 1);
    const flushing = mapping.flush();
    assert.equal(mapping.holders().holds, 1);
    mapping.close();
    assert.equal(mapping.state, 'closing');
    await flushing;
    assert.equal(mapping.state, 'closed');
    assert.equal(mapping.holders().holds, 0);
  });

  it('name memory that no file has, and what was mapped by descriptor, without a path', () => {
    using memory = mmapAnonymous(4096);
    const fd = openSync(file, 'r');
    using mapping = mmap(fd);
    closeSync(fd);
    const lengths = mappings().filter((info) => info.path === undefined).map((info) => info.byteLength);
    assert.ok(lengths.includes(memory.byteLength) && lengths.includes(mapping.byteLength), String(lengths));
  });

  it('count the pages that were lost', () => {
    const cut = folder.file('cut.bin', patternBytes(3 * 4096));
    using mapping = mmap(cut);
    const raw = mapping.asUint8Array();
    truncateSync(cut, 10);
    assert.equal(raw[2 * 4096], 0);
    assert.equal(of(cut)[0]?.faults, 2);
  });

  it('forget a mapping that is collected', async () => {
    const dropped = folder.file('dropped.bin', patternBytes(10));
    (() => void mmap(dropped).view().get(0))();
    assert.ok(await gcUntil(() => of(dropped).length === 0));
  });

  it('give a snapshot that later changes do not reach', () => {
    using mapping = mmap(file);
    const before = mapping.holders();
    const view = mapping.view();
    assert.equal(before.views, 0);
    assert.equal(view.length, 50_000);
  });
});

describe('trace()', () => {
  const folder = temporaryFolder();
  afterEach(() => trace(false));

  it('remembers from when it is on until it is off', () => {
    const file = folder.file('traced.bin', patternBytes(10));
    using before = mmap(file);
    assert.equal(before.holders().stacks, undefined);
    trace(true);
    using during = mmap(file);
    assert.equal(during.holders().stacks?.length, 1);
    assert.equal(before.holders().stacks, undefined);
    trace(false);
    assert.equal(during.holders().stacks, undefined);
  });

  it('takes a boolean and nothing else', () => {
    for (const wrong of [undefined, null, 0, 1, 'true', {}]) {
      assert.throws(() => trace(wrong as never), { code: 'ERR_INVALID_ARG_TYPE', name: 'TypeError' });
    }
  });

  it('is on from the start with ZEROCOPY_TRACE=1, and names the mapping and each view', async () => {
    const file = folder.file('traced-child.bin', patternBytes(10));
    const source = `function opens() { return zerocopy.mmap(process.argv[1]); } function looks(m) { return m.view(); }
      const m = opens(), v = looks(m); console.log(JSON.stringify(zerocopy.mappings()[0].holders.stacks));`;
    const child = await runInChild(source, { arguments: [file], env: { ZEROCOPY_TRACE: '1' } });
    const stacks = JSON.parse(child.stdout) as string[];
    assert.match(stacks[0]!, /^ {4}at opens /);
    assert.match(stacks[1]!, /^ {4}at looks /);
    assert.equal(stacks.length, 2);
    const silent = await runInChild(source, { arguments: [file] });
    assert.equal(silent.stdout, 'undefined\n', silent.stderr);
  });

  it('remembers where attach() was called', () => {
    trace(true);
    using mapping = mmap(folder.file('attached.bin', patternBytes(10)));
    using again = (function attaches(): Mapping {
      return Mapping.attach(mapping.share());
    })();
    assert.match(again.holders().stacks?.[0] ?? '', /^ {4}at attaches /);
  });
});

describe('the diagnostics channels', () => {
  const folder = temporaryFolder();

  /** What `channel` gets while `body` runs. */
  function messages(channel: string, body: () => void): object[] {
    const got: object[] = [];
    const listener = (message: unknown): void => void got.push(message as object);
    subscribe(channel, listener);
    try {
      body();
    } finally {
      unsubscribe(channel, listener);
    }
    return got;
  }

  it('zerocopy:map has every mapping that is made, however', () => {
    const made: Mapping[] = [];
    const got = messages('zerocopy:map', () => {
      made.push(mmap(folder.file('made.bin', 'x')), mmapAnonymous(10));
      made.push(Mapping.attach(made[0]!.share()));
    });
    assert.equal(got.length, 3);
    for (const [i, mapping] of made.entries()) assert.equal((got[i] as { mapping: Mapping }).mapping, mapping);
    for (const mapping of made) mapping.close();
  });

  it('zerocopy:close has each that is closed, once', () => {
    const mapping = mmap(folder.file('closed.bin', 'x'));
    const got = messages('zerocopy:close', () => {
      mapping.close();
      mapping.close({ detach: true });
    });
    assert.deepEqual(got, [{ mapping }]);
  });

  it('zerocopy:fault has the mapping and its error, again when more is lost', () => {
    const file = folder.file('faulty.bin', patternBytes(5 * 4096));
    using mapping = mmap(file);
    const raw = mapping.asUint8Array();
    const got = messages('zerocopy:fault', () => {
      truncateSync(file, 3 * 4096);
      assert.equal(raw[4 * 4096], 0);
      assert.throws(() => mapping.check(), { code: 'ERR_MAPPING_FAULT', offset: 3 * 4096, faults: 2 });
      assert.throws(() => mapping.check());
      truncateSync(file, 0);
      assert.equal(raw[4096], 0);
      assert.throws(() => mapping.check(), { code: 'ERR_MAPPING_FAULT', offset: 0, faults: 5 + 2 });
    }) as { mapping: Mapping; error: Error & { faults: number } }[];
    assert.deepEqual(got.map((message) => message.mapping === mapping), [true, true]);
    assert.ok(got[0]!.error.faults < got[1]!.error.faults);
  });

  it('have listeners that may throw: the mapping is made, and closed, all the same', async () => {
    const child = await runInChild(`
      const { subscribe } = require('node:diagnostics_channel'); const thrown = [];
      for (const what of ['map', 'close']) subscribe('zerocopy:' + what, () => { throw new Error(what); });
      process.on('uncaughtException', (error) => thrown.push(error.message));
      const mapping = zerocopy.mmap(process.argv[1]); mapping.close(); console.log(mapping.state);
      setImmediate(() => console.log(thrown.join()));`, { arguments: [folder.file('throws.bin', 'x')] });
    assert.equal(child.stdout, 'closed\nmap,close\n', child.stderr);
  });
});
