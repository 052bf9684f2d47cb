/** Every method x every state it must not work in: the code it throws, and that no memory changed. */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { MemoryView } from '#lib/view/memory-view';
import { SOURCES, WindowedMemory } from './sources';

const Resizable = ArrayBuffer as unknown as new (length: number, options: { maxByteLength: number }) => ArrayBuffer;

type Use = (view: MemoryView) => unknown;

const READS: Record<string, Use> = {
  obj: (v) => v.obj, format: (v) => v.format, itemsize: (v) => v.itemsize, nbytes: (v) => v.nbytes, ndim: (v) => v.ndim,
  shape: (v) => v.shape, strides: (v) => v.strides, readonly: (v) => v.readonly, cContiguous: (v) => v.cContiguous,
  fContiguous: (v) => v.fContiguous, contiguous: (v) => v.contiguous, length: (v) => v.length,
  slice: (v) => v.slice(1, 3), 'slice with a step': (v) => v.slice(null, null, -1), select: (v) => v.select([0, 2]),
  cast: (v) => v.cast('b'), toReadonly: (v) => v.toReadonly(),
};
/** What touches the elements: throws as well where only the memory is gone. */
const ELEMENTS: Record<string, Use> = {
  get: (v) => v.get(0), 'get of several indices': (v) => v.get([0]), toList: (v) => v.toList(), toBytes: (v) =>
    v.toBytes(),
  hex: (v) => v.hex(), indexOf: (v) => v.indexOf(1), lastIndexOf: (v) => v.lastIndexOf(1), includes: (v) =>
    v.includes(1),
  count: (v) => v.count(1), iterate: (v) => [...v], reversed: (v) => [...v.reversed()], 'new MemoryView': (v) =>
    new MemoryView(v),
  copyTo: (v) => v.copyTo(new Uint8Array(8)), 'assign from it': (v) => new MemoryView(new Uint8Array(8)).assign(v),
  asUint8Array: (v) => v.asUint8Array(), asBuffer: (v) => v.asBuffer(), asDataView: (v) => v.asDataView(),
    asTypedArray: (v) => v.asTypedArray(),
};
const WRITES: Record<string, Use> = {
  set: (v) => v.set(0, 1), 'set of several indices': (v) => v.set([0], 1), fill: (v) => v.fill(1), assign: (v) =>
    v.assign(new Uint8Array(8)),
  'copyTo it': (v) => new MemoryView(new Uint8Array(8)).copyTo(v),
};

function throwsCode(code: string, use: () => unknown): void {
  assert.throws(use, (error: NodeJS.ErrnoException) => {
    assert.equal(error.code, code, error.stack);
    return true;
  });
}

function eachThrows(code: string, make: () => MemoryView, ...tables: Record<string, Use>[]): void {
  for (const [name, use] of Object.entries(Object.assign({}, ...tables) as Record<string, Use>)) {
    it(`${name} throws ${code}`, () => {
      const view = make();
      throwsCode(code, () => use(view));
    });
  }
}

function eight(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]);
}

describe('MemoryView misused', () => {
  describe('released', () => {
    eachThrows('ERR_VIEW_RELEASED', () => {
      const view = new MemoryView(eight());
      view.release();
      return view;
    }, READS, ELEMENTS, WRITES);

    it('answers released, equals itself alone, shows itself, and is released again in peace', () => {
      const view = new MemoryView(eight());
      const part = view.slice(2);
      view.release();
      view.release();
      view[Symbol.dispose]();
      assert.equal(view.released, true);
      assert.equal(view.equals(view), true);
      assert.equal(view.equals(eight()), false);
      assert.equal(new MemoryView(eight()).equals(view), false);
      assert.equal(inspect(view), 'MemoryView (released)');
      assert.equal(part.get(0), 3, 'a part outlives the view it was made from');
    });
  });

  describe('over a closed exporter', () => {
    const closed = (make: (memory: WindowedMemory) => MemoryView) => (): MemoryView => {
      const memory = new WindowedMemory(new Uint8Array(256), 32);
      const view = make(memory);
      memory.close();
      return view;
    };
    describe('a view of all', () => eachThrows('ERR_MAPPING_CLOSED', closed((memory) => new MemoryView(memory)),
      READS, ELEMENTS, WRITES));
    describe('a view of a window', () => {
      eachThrows('ERR_MAPPING_CLOSED', closed((memory) => new MemoryView(memory).slice(0, 8)), READS, ELEMENTS, WRITES);
    });
  });

  describe('read-only', () => {
    const memory = eight();
    const locked = (): MemoryView => new MemoryView(memory, { readonly: true });
    const raw = Object.fromEntries(Object.entries(ELEMENTS).filter(([name]) =>
      name.startsWith('as') && name !== 'assign from it'));
    describe('of writable memory', () => eachThrows('ERR_VIEW_READONLY', locked, WRITES, raw));
    for (const [name, make] of Object.entries<(v: MemoryView) => MemoryView>({
      slice: (v) => v.slice(0, 8), 'a step': (v) => v.slice(null, null, -1), select: (v) => v.select('...'),
        cast: (v) => v.cast('c').cast('B'),
      'n-d cast': (v) => v.cast('B', [8]), 'new MemoryView': (v) => new MemoryView(v), toReadonly: (v) =>
        v.toReadonly(),
    })) {
      describe(`and ${name} of it`, () => eachThrows('ERR_VIEW_READONLY', () => make(locked()), { fill: WRITES['fill'] as Use, set: (v) => v.set(0, v.format === 'c' ? Uint8Array.of(1) : 1) }));
    }
    it('changed nothing', () => assert.deepEqual(memory, eight()));
    it('of one view leaves the other writable', () => {
      const view = new MemoryView(memory);
      assert.equal(view.toReadonly().readonly, true);
      assert.equal(view.readonly, false);
    });
    it('of writable memory gives no raw array, whatever the exporter would allow of read-only memory', () => {
      class Writable extends WindowedMemory {
        override readonly rawWhenReadonly = true;
      }
      const view = new MemoryView(new Writable(new Uint8Array(64), 32)).slice(0, 8).toReadonly();
      throwsCode('ERR_VIEW_READONLY', () => view.asUint8Array());
    });
    it("raw arrays of an exporter that allows them are handed out, and exposed", () => {
      class Private extends WindowedMemory {
        override readonly readonly = true;
        override readonly rawWhenReadonly = true;
      }
      const source = new Private(new Uint8Array(256), 32);
      const view = new MemoryView(source).slice(0, 8);
      assert.equal(view.readonly, true);
      assert.equal(source.exposed, 0, 'reading exposes nothing');
      assert.equal(view.asUint8Array().length, 8);
      assert.equal(source.exposed, 1);
    });
  });

  describe('over memory that is gone', () => {
    const gone: Record<string, () => MemoryView> = {
      'a detached ArrayBuffer': () => {
        const { buffer } = eight();
        const view = new MemoryView(buffer);
        structuredClone(buffer, { transfer: [buffer] });
        return view;
      },
      'a slice of a detached array': () => {
        const memory = Uint8Array.from({ length: 24 });
        const view = new MemoryView(memory).slice(8, 16);
        structuredClone(memory.buffer, { transfer: [memory.buffer] });
        return view;
      },
      'a shrunk ArrayBuffer': () => {
        const buffer = new Resizable(8, { maxByteLength: 16 });
        const view = new MemoryView(buffer);
        (buffer as unknown as { resize(length: number): void }).resize(7);
        return view;
      },
    };
    for (const [name, make] of Object.entries(gone)) {
      describe(name, () => eachThrows('ERR_VIEW_RELEASED', make, ELEMENTS, WRITES));
      it(`${name} equals itself alone and shows itself`, () => {
        const view = make();
        assert.equal(view.equals(view), true);
        assert.equal(view.equals(eight()), false);
        assert.match(inspect(view), /ERR_VIEW_RELEASED/);
      });
    }
    for (const format of ['i', 'd', 'h', 'q', '?', 'c', 'e']) {
      it(`get and set of format ${format}, used before`, () => {
        const { buffer } = new Uint8Array(64);
        const view = new MemoryView(buffer).cast(format);
        for (let i = 0; i < 3; i++) view.set(1, view.get(1));
        const value = view.get(0);
        structuredClone(buffer, { transfer: [buffer] });
        throwsCode('ERR_VIEW_RELEASED', () => view.get(1));
        throwsCode('ERR_VIEW_RELEASED', () => view.set(1, value));
      });
    }
    it('is said before the arguments are looked at', () => {
      for (const make of Object.values(gone)) {
        const wrong = {} as never;
        for (const use of [(v: MemoryView) => v.get(wrong), (v: MemoryView) => v.set(wrong, wrong),
          (v: MemoryView) => v.fill(wrong), (v: MemoryView) => v.assign(wrong), (v: MemoryView) => v.copyTo(wrong),
          (v: MemoryView) => v.hex(wrong), (v: MemoryView) => v.toBytes(wrong),
          (v: MemoryView) => v.indexOf(0, wrong)]) {
          throwsCode('ERR_VIEW_RELEASED', () => use(make()));
        }
      }
    });
    it('of a grown buffer the view keeps its length', () => {
      const buffer = new Resizable(8, { maxByteLength: 16 });
      const view = new MemoryView(buffer);
      (buffer as unknown as { resize(length: number): void }).resize(16);
      assert.equal(view.length, 8);
      assert.equal(view.toBytes().length, 8);
    });
    it('cannot be looked at anew', () => {
      const { buffer } = eight();
      structuredClone(buffer, { transfer: [buffer] });
      throwsCode('ERR_INVALID_ARG_VALUE', () => new MemoryView(buffer));
    });
  });

  describe('foreign this', () => {
    const names = Object.getOwnPropertyNames(MemoryView.prototype).filter((name) => name !== 'constructor');
    for (const [kind, foreign] of Object.entries<unknown>({
      undefined: undefined, null: null, 'an object': {}, 'a typed array': eight(),
        'an heir without memory': Object.create(MemoryView.prototype) as unknown,
      'an object with an owner': { owner: { open: true } },
    })) {
      for (const name of names) {
        it(`${name} of ${kind}`, () => {
          const { value, get } = Object.getOwnPropertyDescriptor(MemoryView.prototype, name) as { value?: () =>
            unknown; get?: () => unknown };
          throwsCode('ERR_INVALID_THIS', () => Reflect.apply((value ?? get) as () => unknown, foreign, [0, 0]));
        });
      }
    }
    it('that looks open reaches no memory', () => {
      const { form } = new MemoryView(eight()) as unknown as { form: object };
      const fake = { owner: { open: true, epoch: 0, byteLength: 8 }, items: 8, offset: 0, form };
      for (const name of ['get', 'set', 'toBytes', 'fill', 'hex', 'asUint8Array', 'toList'] as const) {
        assert.throws(() => Reflect.apply(MemoryView.prototype[name] as () => unknown, fake, [0, 0]), TypeError);
      }
    });
  });

  describe('re-entrancy: the caller\'s code ends the view while it is used', () => {
    const index = (act: () => void, item = 0): number[] => new Proxy([item], {
      get: (target, key, receiver) => {
        if (key === 'length') act();
        return Reflect.get(target, key, receiver) as unknown;
      },
    });
    for (const [name, use] of Object.entries<(v: MemoryView, keys: number[]) => unknown>({
      get: (v, keys) => v.get(keys), set: (v, keys) => v.set(keys, 1),
      cast: (v, keys) => v.cast('B', keys), select: (v, keys) => v.select(keys as never),
    })) {
      it(`${name}: released by a getter`, () => {
        const view = new MemoryView(Uint8Array.of(1));
        const keys = name === 'select' ? (new Proxy([0, 1], { get: (t, k,
          r) => { view.release(); return Reflect.get(t, k, r) as unknown; } })) : index(() => view.release(), name === 'cast' ? 1 : 0);
        throwsCode('ERR_VIEW_RELEASED', () => use(view, keys));
      });
    }
    it('valueOf and toString of a value or an index are never called', () => {
      const view = new MemoryView(eight());
      const trap = { valueOf: () => { throw new Error('called'); }, toString: () => { throw new Error('called'); },
        [Symbol.toPrimitive]: () => { throw new Error('called'); } };
      for (const format of ['B', 'i', 'd', 'q', 'e', '?', 'c']) {
        throwsCode('ERR_INVALID_ARG_TYPE', () => view.cast(format).set(0, trap as never));
        throwsCode('ERR_INVALID_ARG_TYPE', () => view.cast(format).get(trap as never));
        assert.equal(view.cast(format).indexOf(trap), -1);
      }
      throwsCode('ERR_INVALID_ARG_TYPE', () => view.slice(trap as never));
      throwsCode('ERR_INVALID_ARG_TYPE', () => view.hex(trap as never));
    });
    it('iteration stops where the view ends', () => {
      const view = new MemoryView(eight());
      throwsCode('ERR_VIEW_RELEASED', () => { for (const item of view) if (item === 3) view.release(); });
    });
  });

  it('cannot be cloned or posted, and the error says what to do', () => {
    for (const make of [() => new MemoryView(eight()), () => new MemoryView(eight()).slice(1), () =>
      new MemoryView(new WindowedMemory(eight(), 8))]) {
      assert.throws(() => structuredClone(make()), (error: Error) =>
        error.name === 'DataCloneError' && error.message.includes('toBytes'));
      const { port1 } = new MessageChannel();
      assert.throws(() => port1.postMessage({ view: make() }), /toBytes/);
      port1.close();
    }
  });

  it('is JSON by its elements, and throws what toList() throws', () => {
    const view = new MemoryView(Int16Array.of(1, -2, 3, 4));
    assert.deepEqual(JSON.parse(JSON.stringify({ view: view.cast('B').cast('h', [2, 2]) })),
      { view: { type: 'MemoryView', format: 'h', shape: [2, 2], data: [[1, -2], [3, 4]] } });
    view.release();
    throwsCode('ERR_VIEW_RELEASED', () => JSON.stringify(view));
  });

  it('cannot be released once it is frozen, and says so', () => {
    const view = Object.freeze(new MemoryView(eight()));
    throwsCode('ERR_INVALID_THIS', () => view.release());
    throwsCode('ERR_INVALID_THIS', () => view[Symbol.dispose]());
    assert.equal(view.get(0), 1);
  });

  it('names what was received: the indices, not their array', () => {
    const view = new MemoryView(eight()).cast('B', [2, 4]);
    assert.throws(() => view.get(1), { code: 'ERR_INVALID_ARG_VALUE', message: /Received \[ 1 \]$/ });
    assert.throws(() => view.select(1, 2, 3), { code: 'ERR_INVALID_ARG_VALUE', message: /Received \[ 1, 2, 3 \]$/ });
  });

  it('takes the bytes of another realm for what they are', () => {
    const view = new MemoryView(eight()).cast('c');
    const foreign = runInNewContext('Uint8Array.of(3)') as Uint8Array;
    assert.equal(view.indexOf(foreign), 2);
    view.set(0, foreign);
    assert.equal(view.count(foreign), 2);
    throwsCode('ERR_INVALID_ARG_TYPE', () => view.set(0, Object.create(foreign) as never));
  });

  it('is not made over what a shrunk buffer no longer has', () => {
    const buffer = new Resizable(16, { maxByteLength: 16 });
    const beyond = [new Uint8Array(buffer, 8, 8), new Float64Array(buffer, 8, 1), new DataView(buffer, 8, 8)];
    const empty = new Uint8Array(buffer, 4, 0);
    (buffer as unknown as { resize(length: number): void }).resize(12);
    for (const source of beyond) throwsCode('ERR_INVALID_ARG_VALUE', () => new MemoryView(source));
    assert.equal(new MemoryView(empty).length, 0);
  });

  it('does not trust what a subclass says of itself', () => {
    class Liar extends Uint8Array {
      override get byteLength(): number { return 1e6; }
      override get length(): number { return 1e6; }
      override get byteOffset(): number { return -8; }
      static get [Symbol.species](): never { throw new Error('called'); }
      override subarray(): never { throw new Error('called'); }
      override slice(): never { throw new Error('called'); }
    }
    const view = new MemoryView(new Liar(4).fill(7));
    assert.equal(view.length, 4);
    assert.deepEqual(view.toList(), [7, 7, 7, 7]);
    assert.equal(view.slice(1).equals(Uint8Array.of(7, 7, 7)), true);
  });

  for (const [kind, make] of Object.entries(SOURCES)) {
    it(`refuses wrong arguments, ${kind}`, () => {
      const view = new MemoryView(make(eight()).source);
      for (const index of ['0', 1.5, NaN, Infinity, undefined, null, {}, true]) throwsCode('ERR_INVALID_ARG_TYPE',
        () => view.get(index as never));
      for (const index of [8, -9, 2 ** 53, -(2 ** 31), 2 ** 32]) throwsCode('ERR_OUT_OF_RANGE', () => view.get(index));
      for (const value of ['1', 1.5, NaN, undefined, null, {}, true]) throwsCode('ERR_INVALID_ARG_TYPE', () =>
        view.set(0, value as never));
      for (const value of [-1, 256, 2 ** 40, 256n]) throwsCode('ERR_OUT_OF_RANGE', () => view.set(0, value));
      throwsCode('ERR_INVALID_ARG_TYPE', () => view.assign([1] as never));
      throwsCode('ERR_VIEW_LAYOUT', () => view.assign(new Uint8Array(7)));
      throwsCode('ERR_VIEW_LAYOUT', () => view.assign(new Int8Array(8)));
      throwsCode('ERR_VIEW_LAYOUT', () => view.slice(null, null, 2).asUint8Array());
      throwsCode('ERR_INVALID_ARG_TYPE', () => new MemoryView('abc' as never));
      throwsCode('ERR_INVALID_ARG_VALUE', () => new MemoryView(view, { readOnly: true } as never));
      throwsCode('ERR_INVALID_ARG_VALUE', () => view.cast('x'));
      throwsCode('ERR_INVALID_ARG_VALUE', () => view.toBytes('Z' as never));
      assert.deepEqual(view.toBytes(), eight());
    });
  }
});
