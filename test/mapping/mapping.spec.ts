import assert from 'node:assert/strict';
import { inspect } from 'node:util';

import { native } from '#lib/native';
import { Mapping, MemoryView, mmap, mmapAnonymous } from 'zerocopy';

import { mappedRanges } from '../support/maps';
import { patternBytes, temporaryFolder } from '../support/temporary';

const LENGTH = 10_000;

describe('Mapping', () => {
  const folder = temporaryFolder();
  const content = patternBytes(LENGTH);
  let path = '';

  before(() => {
    path = folder.file('pattern.bin', content);
  });

  describe('shares its memory', () => {
    it('as one ArrayBuffer, the same each time', () => {
      using mapping = mmap(path, { access: 'copy', offset: 5 });
      const buffer = mapping.asArrayBuffer();
      assert.equal(buffer.byteLength, LENGTH - 5);
      assert.equal(mapping.asArrayBuffer(), buffer);
      assert.equal(mapping.asUint8Array(3, 4).buffer, buffer);
      assert.equal(mapping.view(3).asUint8Array().buffer, buffer);
      new Uint8Array(buffer)[7] = 200;
      assert.equal(mapping.view().get(7), 200);
      assert.equal(mapping.asBuffer(7, 1)[0], 200);
    });

    it('as Uint8Array and Buffer over a range', () => {
      using mapping = mmap(path);
      assert.ok(Buffer.isBuffer(mapping.asBuffer()));
      assert.equal(Buffer.isBuffer(mapping.asUint8Array()), false);
      assert.deepEqual(Buffer.from(mapping.asUint8Array(4090, 20)), content.subarray(4090, 4110));
      assert.deepEqual(mapping.asBuffer(LENGTH - 3), content.subarray(LENGTH - 3));
      assert.equal(mapping.asUint8Array(LENGTH).length, 0);
    });

    it('with one external buffer, made when memory is first looked at, however many views', () => {
      const { buffersCreated } = native.counters();
      using mapping = mmap(path);
      assert.equal(native.counters().buffersCreated, buffersCreated);
      const view = mapping.view();
      for (let i = 0; i < 1000; i++) mapping.view(i, 10).slice(1, 5).get(0);
      mapping.asUint8Array();
      mapping.asArrayBuffer();
      assert.equal(view.get(0), content[0]);
      assert.equal(native.counters().buffersCreated, buffersCreated + 1);
    });

    it('with views of any range, format B, the mapping as their source', () => {
      using mapping = mmap(path);
      const view = mapping.view(4000, 200);
      assert.equal(view.format, 'B');
      assert.equal(view.length, 200);
      assert.equal(view.obj, mapping);
      assert.equal(view.readonly, true);
      assert.deepEqual(Buffer.from(view.toBytes()), content.subarray(4000, 4200));
      const whole = new MemoryView(mapping);
      assert.deepEqual(Buffer.from(whole.slice(-7).toBytes()), content.subarray(-7));
      assert.equal(whole.obj, mapping);
    });
  });

  describe('close', () => {
    it('is quiet the second time, and using calls it', () => {
      const { regionsUnmapped } = native.counters();
      let kept: Mapping | undefined;
      {
        using mapping = mmap(path);
        kept = mapping;
        mapping.close();
        mapping.close();
      }
      kept.close({ detach: true });
      assert.equal(native.counters().regionsUnmapped, regionsUnmapped + 1);
    });

    it('unmaps before it returns when nothing raw was handed out', () => {
      const own = folder.file('unmapped.bin', content);
      const mapping = mmap(own);
      const view = mapping.view(10, 20);
      const part = view.slice(2);
      assert.equal(part.get(0), content[12]);
      assert.equal(mappedRanges(own).length, 1);
      mapping.close();
      assert.equal(mapping.state, 'closed');
      assert.equal(mapping.closed, true);
      assert.deepEqual(mappedRanges(own), []);
      for (const dead of [view, part]) assert.throws(() => dead.get(0), { code: 'ERR_MAPPING_CLOSED' });
    });

    it('leaves raw arrays alone: closing, until they are collected', () => {
      const own = folder.file('closing.bin', content);
      const mapping = mmap(own);
      const raw = mapping.asUint8Array();
      const view = mapping.view();
      mapping.close();
      assert.equal(mapping.state, 'closing');
      assert.equal(mapping.closed, false);
      assert.deepEqual(Buffer.from(raw), content);
      assert.throws(() => view.get(0), { code: 'ERR_MAPPING_CLOSED' });
      assert.equal(mappedRanges(own).length, 1);
    });

    it('empties raw arrays when asked to, also later', () => {
      for (const first of [{ detach: true }, undefined]) {
        const mapping = mmap(path);
        const raw = mapping.asUint8Array(3);
        mapping.close(first);
        mapping.close({ detach: true });
        assert.equal(raw.length, 0);
        assert.equal(raw[0], undefined);
      }
    });

    it('of one mapping does not touch another of the same file', () => {
      const one = mmap(path);
      using other = mmap(path);
      const view = other.view();
      one.view();
      one.close();
      assert.deepEqual(Buffer.from(view.toBytes()), content);
    });
  });

  describe('once closed', () => {
    const calls: Record<string, (mapping: Mapping) => unknown> = {
      view: (mapping) => mapping.view(),
      'new MemoryView': (mapping) => new MemoryView(mapping),
      asArrayBuffer: (mapping) => mapping.asArrayBuffer(),
      asUint8Array: (mapping) => mapping.asUint8Array(),
      asBuffer: (mapping) => mapping.asBuffer(),
      asSharedArrayBuffer: (mapping) => mapping.asSharedArrayBuffer(),
      flush: (mapping) => mapping.flush(),
      flushSync: (mapping) => { mapping.flushSync(); },
      advise: (mapping) => { mapping.advise('random'); },
      prefetch: (mapping) => mapping.prefetch(),
      residency: (mapping) => mapping.residency(),
      lock: (mapping) => { mapping.lock(); },
      unlock: (mapping) => { mapping.unlock(); },
      resize: (mapping) => { mapping.resize(1); },
      indexOf: (mapping) => mapping.indexOf(1),
      lastIndexOf: (mapping) => mapping.lastIndexOf(1),
      search: (mapping) => mapping.search(1),
      lines: (mapping) => mapping.lines(),
      copyWithin: (mapping) => mapping.copyWithin(0, 1),
      cursor: (mapping) => mapping.cursor(),
      wait: (mapping) => mapping.wait(0, 0),
      notify: (mapping) => mapping.notify(0),
      check: (mapping) => { mapping.check(); },
      share: (mapping) => mapping.share(),
    };
    const called = (call: (mapping: Mapping) => unknown, mapping: Mapping): Promise<unknown> =>
      new Promise((resolve) => { resolve(call(mapping)); });

    for (const [name, call] of Object.entries(calls)) {
      it(`${name} throws ERR_MAPPING_CLOSED, closing or closed`, async () => {
        const closed = mmap(path);
        closed.close();
        await assert.rejects(called(call, closed), { code: 'ERR_MAPPING_CLOSED' });
        const closing = mmap(path);
        const raw = closing.asUint8Array();
        closing.close();
        await assert.rejects(called(call, closing), { code: 'ERR_MAPPING_CLOSED' });
        assert.equal(raw.length, LENGTH);
      });
    }

    it('every other method throws, by the rows above', () => {
      const own = Object.entries(Object.getOwnPropertyDescriptors(Mapping.prototype));
      const methods = own.flatMap(([name, { value }]) =>
        typeof value === 'function' && name !== 'constructor' ? [name] : []);
      const rows = [...Object.keys(calls).filter((name) => name !== 'new MemoryView'), 'close', 'holders'];
      assert.deepEqual(methods.sort(), rows.sort());
    });

    it('holders says who keeps the memory', () => {
      const mapping = mmap(path);
      mapping.close();
      assert.equal(mapping.holders().retained, 0);
    });

    it('tells what it was', () => {
      const mapping = mmap(path, { offset: 8 });
      mapping.close();
      assert.equal(mapping.byteLength, LENGTH - 8);
      assert.equal(mapping.fileOffset, 8);
      assert.equal(mapping.fd, -1);
      assert.match(inspect(mapping), /closed/);
    });
  });

  it('holds its memory while a flush is under way', async () => {
    const target = folder.file('flushed', patternBytes(100_000));
    const mapping = mmap(target, { access: 'write' });
    mapping.view().set(0, 1);
    const flushed = mapping.flush();
    mapping.close();
    await flushed;
    assert.equal(mapping.state, 'closed');
    assert.deepEqual(mappedRanges(target), []);
  });

  it('prefetches on the thread pool, and holds its memory meanwhile', async () => {
    const mapping = mmap(path);
    await mapping.prefetch();
    await mapping.prefetch({ offset: 4097, length: 10 });
    const fetching = mapping.prefetch();
    mapping.close();
    await fetching;
    assert.equal(mapping.state, 'closed');
    await assert.rejects(mapping.prefetch(), { code: 'ERR_MAPPING_CLOSED' });
  });

  it('takes every advice this system has', () => {
    using mapping = mmap(path);
    for (const advice of ['normal', 'sequential', 'random', 'willneed', 'dontneed', 'cold', 'pageout'] as const) {
      mapping.advise(advice, { offset: 4097, length: 100 });
    }
    assert.deepEqual(mapping.asBuffer(), content);
  });

  it('shows in one line what it is', () => {
    using mapping = mmap(path, { offset: 16, access: 'copy' });
    const line = inspect(mapping);
    assert.match(line, /^Mapping \{.*\}$/);
    for (const part of [path, '9984', '16', 'copy', 'open']) assert.ok(line.includes(part), `${part} in ${line}`);
  });

  describe('bad input', () => {
    const bad: [string, (mapping: Mapping) => unknown, string][] = [
      ['a view past the end', (m) => m.view(LENGTH + 1), 'ERR_OUT_OF_RANGE'],
      ['a view too long', (m) => m.view(1, LENGTH), 'ERR_OUT_OF_RANGE'],
      ['a negative offset', (m) => m.view(-1), 'ERR_OUT_OF_RANGE'],
      ['a fraction', (m) => m.asUint8Array(0.5), 'ERR_OUT_OF_RANGE'],
      ['NaN', (m) => m.asBuffer(0, NaN), 'ERR_OUT_OF_RANGE'],
      ['a string', (m) => m.asBuffer('0' as never), 'ERR_INVALID_ARG_TYPE'],
      ['null', (m) => m.view(null as never), 'ERR_INVALID_ARG_TYPE'],
      ['unknown advice', (m) => { m.advise('quick' as never); }, 'ERR_INVALID_ARG_VALUE'],
      ['no advice', (m) => { m.advise(undefined as never); }, 'ERR_INVALID_ARG_TYPE'],
      ['a range past the end', (m) => { m.flushSync({ offset: 1, length: LENGTH }); }, 'ERR_OUT_OF_RANGE'],
      ['a range with an unknown name', (m) => { m.flushSync({ start: 1 } as never); }, 'ERR_INVALID_ARG_VALUE'],
      ['detach of the wrong type', (m) => { m.close({ detach: 1 as never }); }, 'ERR_INVALID_ARG_TYPE'],
      ['an unknown close option', (m) => { m.close({ force: true } as never); }, 'ERR_INVALID_ARG_VALUE'],
    ];
    for (const [what, call, code] of bad) {
      it(`${what} is ${code}, and the mapping stays open`, () => {
        using mapping = mmap(path);
        assert.throws(() => call(mapping), { code });
        assert.equal(mapping.state, 'open');
      });
    }

    it('the state is asked again after the options were read', async () => {
      const uses: Record<string, (m: Mapping, range: object) => unknown> = {
        flush: (m, range) => m.flush(range), flushSync: (m, range) => { m.flushSync(range); },
        advise: (m, range) => { m.advise('random', range); }, prefetch: (m, range) => m.prefetch(range),
        residency: (m, range) => m.residency(range), lock: (m, range) => { m.lock(range); },
        unlock: (m, range) => { m.unlock(range); },
        lines: (m, range) => m.lines({ get from() { return Object.values(range)[0] as number; } }),
        wait: (m, range) => m.wait(0, 0, { get timeout() { return Object.values(range)[0] as number; } }),
        'wait, while it listens': (m, range) => m.wait(0, 0, { signal: { aborted: false,
          addEventListener: () => { Object.values(range); }, removeEventListener: () => undefined } as never }),
      };
      for (const [name, use] of Object.entries(uses)) {
        const mapping = mmapAnonymous(4096);
        const closing = { get offset() { mapping.close(); return 0; } };
        const using = Promise.resolve().then(() => use(mapping, closing));
        await assert.rejects(using, { code: 'ERR_MAPPING_CLOSED' }, name);
      }
    });

    it('a range is checked against the mapping as it is after the options were read', () => {
      using mapping = mmapAnonymous(8192);
      const shrinking = { get offset() { mapping.resize(4096); return 8192; } };
      assert.throws(() => mapping.residency(shrinking), { code: 'ERR_OUT_OF_RANGE' });
    });

    const foreigners = { Mapping: () => mmapAnonymous(10), Cursor: () => mmapAnonymous(10).cursor() };
    for (const [name, make] of Object.entries<() => object>(foreigners)) {
      const prototype = Object.getPrototypeOf(make()) as object;
      const members = Reflect.ownKeys(prototype).filter((key) => key !== 'constructor' && key !== inspect.custom);
      for (const key of members) {
        it(`${name}: ${String(key)} on a foreign this is refused`, async () => {
          const { value, get } = Object.getOwnPropertyDescriptor(prototype, key) as { value?: unknown; get?: unknown };
          const member = (value ?? get) as () => unknown;
          const heir = Object.create(make()) as unknown;
          for (const foreign of [undefined, null, 1, {}, [], prototype, heir, new Proxy(make(), {})]) {
            const call = Promise.resolve().then(() => Reflect.apply(member, foreign, [0, 0]) as unknown);
            await assert.rejects(call, { name: 'TypeError', code: 'ERR_INVALID_THIS' });
          }
        });
      }
    }

    it('cannot be cloned or posted, and the error says what to do', () => {
      using mapping = mmap(path);
      assert.throws(() => structuredClone({ mapping }), { name: 'DataCloneError', message: /mapping\.share\(\)/ });
      assert.throws(() => structuredClone(mapping.view()), { name: 'DataCloneError', message: /toBytes/ });
    });

    it('is not deeply equal to another, nor are views of the two, whatever they hold', () => {
      const [a, b] = [mmapAnonymous(10), mmapAnonymous(10)];
      for (const [one, other] of [[a, b], [a.view(), b.view()], [a.view(1, 2), b.view(1, 2)]]) {
        assert.notDeepStrictEqual(one, other);
        assert.deepStrictEqual(one, one);
      }
      assert.deepStrictEqual(a.view(1, 2), a.view(1, 2));
      assert.notDeepStrictEqual(a.view(1, 2), a.view(2, 2));
    });

    it('its lines show themselves in one word', () => {
      using mapping = mmap(path);
      assert.equal(inspect(mapping.lines()), 'Object [Mapping Lines Iterator] {}');
    });

    it('an heir that was not made by mmap() can be looked at', () => {
      assert.equal(inspect(Object.create(mmap(path)) as object), 'Mapping {}');
    });

    it('a Mapping cannot be changed', () => {
      using mapping = mmap(path);
      assert.throws(() => { (mapping as { byteLength: number }).byteLength = 1e9; }, { name: 'TypeError' });
    });
  });
});
