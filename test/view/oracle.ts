/** Replays the programs of views that real CPython (and NumPy) answered. */
import { MemoryView, type Key, type MemorySource } from '#lib/view/memory-view';
import { describes, describeView, isCodeFor, isObject, means, plainValue, type Json, type JsonObject, type Recorded,
} from '../support/oracle';
import type { MakeSource, Source } from './sources';

export interface Program extends Recorded {
  readonly src: readonly (readonly [kind: string, hex: string])[];
  readonly fin: readonly string[];
}

/** One program being replayed. */
class Replay {
  readonly views: MemoryView[] = [];
  readonly sources: { source: MemorySource; memory: Uint8Array; format: string; readonly: boolean }[];
  readonly makeSource: MakeSource;

  constructor(program: Program, makeSource: MakeSource) {
    this.makeSource = makeSource;
    this.sources = program.src.map(([kind, hex]) => {
      const made: Source = makeSource(Uint8Array.from(Buffer.from(hex, 'hex')));
      return { ...made, format: kind.startsWith('array:') ? kind.slice(6) : 'B', readonly: kind === 'bytes' };
    });
  }

  /** A VALUE of the vectors as the value a JavaScript program would use. */
  value(json: Json): unknown {
    if (Array.isArray(json)) return json.map((item) => this.value(item));
    if (!isObject(json)) return json;
    if ('v' in json) return this.views[json['v'] as number];
    if ('o' in json) return this.over(json['o'] as number);
    if ('t' in json) return (json['t'] as Json[]).map((item) => this.value(item));
    if ('sl' in json) return (json['sl'] as Json[]).map((item) => this.value(item));
    return plainValue(json);
  }

  /** Source i; Python's array.array has a format of its own, ours a view cast to it. */
  over(i: number): MemoryView {
    const { source, format, readonly } = this.sources[i] as (typeof this.sources)[number];
    const view = new MemoryView(source, { readonly });
    return format === 'B' ? view : view.cast(format);
  }

  keys(json: Json): Key[] {
    const list = isObject(json) && 't' in json ? (json['t'] as Json[]) : [json];
    return list.map((key) => this.value(key) as Key);
  }

  slice(view: MemoryView, bounds: Json): MemoryView {
    const [start, stop, step] = this.value(bounds) as (number | null)[];
    return view.slice(start, stop, step);
  }

  get(view: MemoryView, json: Json): unknown {
    const keys = this.keys(json).map((key) => (typeof key === 'boolean' ? Number(key) : key)); // True is 1 in Python
    const tuple = isObject(json) && 't' in json;
    const indices = keys.every((key) => key !== '...' && !Array.isArray(key));
    if (indices && !view.released && keys.length === view.ndim) {
      return view.get(tuple ? (keys as number[]) : (keys[0] as number));
    }
    return !indices || tuple || typeof json === 'number' ? view.select(...keys) : view.get(keys[0] as number);
  }

  set(view: MemoryView, json: Json, value: Json): null {
    const keys = this.keys(json).map((key) => (typeof key === 'boolean' ? Number(key) : key));
    const number = typeof value === 'boolean' && !view.released && !view.format.endsWith('?') ?
      Number(value) : this.value(value);
    view.set(isObject(json) && 't' in json ? (keys as number[]) : (keys[0] as number), number as never);
    return null;
  }

  /** m[a:b:c] = x: Python refuses a read-only target before it looks at the slice. */
  assign(view: MemoryView, target: () => MemoryView, from: Json): null {
    const source = this.value(from) as MemorySource;
    if (view.readonly) view.assign(source);
    target().assign(source);
    return null;
  }

  readInto(view: MemoryView, hex: string): number {
    const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
    // An empty view gives an empty array whatever its layout; Python's file refuses it all the same.
    if (!view.contiguous) throw Object.assign(new Error('layout'), { code: 'ERR_VIEW_LAYOUT' });
    try {
      const target = view.asUint8Array();
      const count = Math.min(bytes.length, target.length);
      target.set(bytes.subarray(0, count));
      return count;
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_BUFFER_TOO_LARGE') throw error;
      return new MemoryView(bytes).copyTo(view.cast('B'));
    }
  }

  /** Python appends an element to a source that nobody looks at. */
  grow(i: number): null {
    const { memory, format, readonly } = this.sources[i] as (typeof this.sources)[number];
    const itemsize = new MemoryView(new ArrayBuffer(8)).cast(format).itemsize;
    const longer = new Uint8Array(memory.length + itemsize);
    longer.set(memory);
    this.sources[i] = { ...this.makeSource(longer), format, readonly };
    return null;
  }

  run(op: readonly Json[]): unknown {
    const [name, register, ...args] = op.slice(0, -1) as [string, number, ...Json[]];
    const view = this.views[register] as MemoryView;
    const [a = null, b = null] = args;
    switch (name) {
      case 'view': return this.over(register);
      case 'mv': return new MemoryView(view);
      case 'slice': return this.slice(view, a);
      case 'cast': return view.cast(a as string, (b === null ? undefined : this.value(b)) as number[] | undefined,
        args[2] as 'C' | 'F' | undefined);
      case 'ro': return view.toReadonly();
      case 'get': return this.get(view, a);
      case 'set': return this.set(view, a, b);
      case 'sets': return this.assign(view, () => this.slice(view, a), b);
      case 'setx': return this.assign(view, () => view.select(...this.keys(a)), b);
      case 'eq': return view.equals(this.value(a));
      case 'tolist': return view.toList();
      case 'tobytes': return view.toBytes(a as 'C');
      case 'hex': return view.hex(...(this.value(args) as [string, number]));
      case 'len': return view.length;
      case 'iter': return [...view];
      case 'riter': return [...view.reversed()];
      case 'in': return view.includes(this.value(a));
      case 'count': return view.count(this.value(a));
      case 'index': return view.indexOf(...(this.value(args) as [number, number, number]));
      case 'info': return describeView(view);
      case 'obj': return view.obj === (this.sources[a as number] as Source).source;
      case 'readinto': return this.readInto(view, a as string);
      case 'grow': return this.grow(register);
      case 'rel': view.release(); return null;
      case 'poke': (this.sources[register] as Source).memory[a as number] = b as number; return null;
      default: throw new Error(`unknown operation ${name}`);
    }
  }
}

/** Python only, or a Python value that JavaScript has no counterpart of: listed in docs/from-python.md. */
function pythonOnly(op: readonly Json[], expected: JsonObject): boolean {
  const name = op[0] as string;
  if (name === 'hash' || (name === 'grow' && 'e' in expected)) return true;
  if (expected['e'] === 'NotImplementedError' && (name.startsWith('set') || name === 'get')) return true;
  // Where Python refuses a key of m[...] for what it is, select() goes on as NumPy does.
  const partial = op[2] === '...' || (isObject(op[2]) && 't' in op[2] && (op[2]['t'] as Json[]).some((key) =>
    typeof key !== 'number'));
  if (name === 'get' && expected['c'] === 'key' && partial) return true;
  if (expected['c'] === 'cast_format' && /^[<>]/.test(op[2] as string)) return true; // our formats may name a byte order
  // 2.0 is the integer 2 here, so it is neither a wrong key nor a wrong value.
  const whole = (json: Json | undefined): boolean => isObject(json) && Number.isInteger(json['f']);
  return (expected['c'] === 'key' && whole(op[2])) || (expected['c'] === 'value_type' && whole(op[3]));
}

function check(replay: Replay, op: readonly Json[], expected: JsonObject, bigStride: boolean): string | undefined {
  let actual: unknown;
  try {
    actual = replay.run(op);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === undefined) return `threw ${String((error as Error).stack)}`;
    if (!('e' in expected)) return `threw ${code}: ${(error as Error).message}`;
    if (expected['e'] === 'NotImplementedError') return undefined;
    return isCodeFor(expected['c'], code) ? undefined : `threw ${code}`;
  }
  if (expected['e'] === 'NotImplementedError') return undefined; // where CPython stops, we go on
  if (expected['c'] === 'notfound') return actual === -1 ? undefined : `answered ${String(actual)}`;
  if ('e' in expected) return `answered ${String(actual)}`;
  if (op[0] === 'info' && bigStride) return undefined;
  if ('r' in expected) return means(actual, expected['r']) ? undefined : `answered ${JSON.stringify(actual, (_, v: unknown) => typeof v === 'bigint' ? `${String(v)}n` : v)}`;
  if (!(actual instanceof MemoryView)) return 'answered no view';
  replay.views.push(actual);
  const facts = describeView(actual);
  const wanted = [...(expected['d'] as Json[])];
  if (bigStride) wanted[4] = null;
  return describes(facts, wanted) ? undefined : `is ${JSON.stringify(facts)}`;
}

/** Replays one program; what differed, in words. */
export function differences(program: Program, makeSource: MakeSource): string[] {
  const replay = new Replay(program, makeSource);
  const found: string[] = [];
  for (const op of program.ops) {
    const expected = op.at(-1) as JsonObject;
    if (pythonOnly(op, expected)) continue;
    const difference = check(replay, op, expected, program.f.includes('bigstride'));
    if (difference !== undefined) found.push(`program ${String(program.id)}: ${JSON.stringify(op)} ${difference}`);
    if (difference !== undefined && 'v' in expected) return found; // registers no longer agree
  }
  replay.sources.forEach(({ memory }, i) => {
    const hex = Buffer.from(memory.buffer, memory.byteOffset, memory.length).toString('hex');
    if (program.fin[i] !== undefined && hex !== program.fin[i]) found.push(`program ${String(program.id)}: source ${String(i)} ends as ${hex}, not ${program.fin[i]}`);
  });
  return found;
}
