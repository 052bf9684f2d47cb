/** Replays what real CPython's mmap objects answered. */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { mmap, mmapAnonymous, type Access, type Advice, type Cursor, type Mapping, type MemoryView } from 'zerocopy';

import { describes, describeView, isCodeFor, isObject, means, plainValue, type Json, type JsonObject, type Recorded,
} from '../support/oracle';

/** Bytes, or [k, d] as `p`: k pages and d bytes. */
type Position = number | { p: [number, number] };

export interface Program extends Recorded {
  readonly map: {
    readonly file: { readonly n: Position; readonly at: readonly (readonly [Position, string])[] } | null;
    readonly len: Position;
    readonly off: Position;
    readonly acc: 'default' | 'read' | 'write' | 'copy' | 'private';
  };
  readonly fin: { readonly closed: boolean; readonly fsize: number | null };
}

type Op = readonly Json[];

const PAGE = 4096;
const ACCESS: Readonly<Record<Program['map']['acc'], Access>> = {
  default: 'write', read: 'read', write: 'write', copy: 'copy', private: 'write',
};

type Applies = (op: Op, expected: JsonObject, program: Program) => boolean;

/**
 * Where we differ on purpose, and why (docs/from-python.md). What CPython did is then not replayed, so that the rest of
 * the program meets the same memory.
 */
const DELIBERATE: readonly (readonly [why: string, applies: Applies])[] = [
  ['an offset need not be aligned; nothing can be mapped as well as something', ([name], { e }, { map }) =>
    name === 'open' && e !== undefined && isInside(map)],
  ['flush and advise take any range', ([name], { c }) => (name === 'flush' || name === 'madvise') && c === 'EINVAL'],
  ['a range may begin at the end, and is then empty', ([name, , start = 0, length], { c }) =>
    name === 'madvise' && c === 'range' && offset(start) >= 0 && (isObject(length) || (length as number) >= 0)],
  ['close and resize release the views of before instead of refusing', (_op, { c }) => c === 'exports'],
  ['a closed mapping still says how long it was', ([name], { c }) => name === 'len' && c === 'closed'],
  ['all anonymous memory is shared, and none grows: CPython lets private memory', ([name], expected, { map }) =>
    name === 'resize' && map.acc === 'private' && !('e' in expected)],
];

function offset(json: Json | Position): number {
  if (isObject(json) && 'p' in json) {
    const [pages, bytes] = json.p as [number, number];
    return pages * PAGE + bytes;
  }
  return json as number;
}

/** Is it a range of the file, or of memory? */
function isInside({ file, len, off }: Program['map']): boolean {
  return offset(len) >= 0 && (file === null || offset(off) + offset(len) <= offset(file.n));
}

/** A VALUE as a JavaScript program would write it; positions may be pages and bytes. */
function value(json: Json): unknown {
  if (Array.isArray(json)) return json.map(value);
  return isObject(json) && 'p' in json ? offset(json) : plainValue(json);
}

/** One program being replayed, over one file. */
class Replay {
  readonly #fd: number;
  readonly #program: Program;
  readonly #mapping: Mapping;
  readonly #cursor: Cursor;
  readonly #views: MemoryView[] = [];

  /** `fd`: of an empty file at `path`. */
  constructor(program: Program, path: string, fd: number) {
    this.#program = program;
    this.#fd = fd;
    const { file, len, off, acc } = program.map;
    const length = offset(len);
    if (file !== null) this.#fill(offset(file.n), file.at);
    // Anonymous memory is always shared and writable here: for the rest a file of zeros stands in.
    else if (acc === 'read' || acc === 'copy') this.#fill(Math.max(0, length), []);
    const anonymous = file === null && ACCESS[acc] === 'write';
    this.#mapping = anonymous ? mmapAnonymous(length)
      : mmap(path, { access: ACCESS[acc], offset: offset(off), ...(length !== 0 && { length }) });
    this.#cursor = this.#mapping.cursor();
  }

  #fill(length: number, pieces: readonly (readonly [Position, string])[]): void {
    ftruncateSync(this.#fd, length);
    for (const [at, hex] of pieces) writeSync(this.#fd, Buffer.from(hex, 'hex'), 0, hex.length / 2, offset(at));
  }

  close(): void {
    this.#mapping.close();
  }

  /** What is different at the end. */
  ending(): string[] {
    const { closed, fsize } = this.#program.fin;
    const found: string[] = [];
    if (this.#mapping.closed !== closed) found.push(`ends ${this.#mapping.state}`);
    const { size } = fstatSync(this.#fd);
    if (fsize !== null && size !== fsize) found.push(`ends with a file of ${String(size)} bytes, not ${String(fsize)}`);
    return found;
  }

  run(op: Op): unknown {
    const [name, ...args] = op.slice(0, -1).map(value) as [string, ...unknown[]];
    switch (name) {
      case 'open': case 'len': return this.#mapping.byteLength;
      case 'closed': return this.#mapping.closed;
      case 'close': this.#mapping.close(); return null;
      case 'fsize': return fstatSync(this.#fd).size;
      case 'fread': return this.#readFile(args[0] as number, args[1] as number);
      case 'view': case 'vget': case 'vset': case 'vbytes': case 'vrel': return this.#runView(name, args);
      case 'get': case 'gets': case 'set': case 'sets': return this.#runItem(name, args);
      case 'find': case 'rfind': case 'move': case 'flush': case 'madvise': case 'resize':
        return this.#runMapping(name, args);
      default: return this.#runCursor(name, args);
    }
  }

  #runView(name: string, [first, ...args]: readonly unknown[]): unknown {
    if (name === 'view') return this.#mapping.view().slice(...(first as [number, number, number]));
    const view = this.#views[first as number] as MemoryView;
    switch (name) {
      case 'vget': return view.get(args[0] as number);
      case 'vset': view.set(args[0] as number, args[1] as number); return null;
      case 'vbytes': return view.toBytes();
      default: view.release(); return null;
    }
  }

  /** m[i], m[a:b:c], and assigning to them: by a view of all of it. */
  #runItem(name: string, [key, item]: readonly unknown[]): unknown {
    const view = this.#mapping.view();
    const bounds = key as [number, number, number];
    switch (name) {
      case 'get': return view.get(key as number);
      case 'gets': return view.slice(...bounds).toBytes();
      case 'set': view.set(key as number, item as number); return null;
      default:
        if (view.readonly) view.assign(item as Uint8Array); // Python refuses before it looks at the bounds
        view.slice(...bounds).assign(item as Uint8Array);
        return null;
    }
  }

  #runCursor(name: string, args: readonly unknown[]): unknown {
    const cursor = this.#cursor;
    switch (name) {
      case 'read': return cursor.read(...(args as [number?]));
      case 'readline': return cursor.readLine();
      case 'read_byte': return cursor.readByte();
      case 'write': return cursor.write(Buffer.from(args[0] as string, 'hex'));
      case 'write_byte': cursor.writeByte(args[0] as number); return null;
      case 'seek': return cursor.seek(...(args as [number, 0?]));
      case 'tell': return cursor.tell();
      case 'size': return cursor.size();
      default: throw new Error(`unknown operation ${name}`);
    }
  }

  #runMapping(name: string, args: readonly unknown[]): unknown {
    const mapping = this.#mapping;
    const [a, b, c] = args as number[];
    switch (name) {
      case 'find': return mapping.indexOf(Buffer.from(args[0] as string, 'hex'), b ?? this.#cursor.tell(), c);
      case 'rfind': return mapping.lastIndexOf(Buffer.from(args[0] as string, 'hex'), b ?? this.#cursor.tell(), c);
      case 'move': this.#move(a as number, b as number, c as number); return null;
      case 'resize': mapping.resize(a as number); return null;
      case 'flush': mapping.flushSync(a === undefined ? {} : { offset: a, length: b as number }); return null;
      default: return this.#advise(args[0] as string, b, c);
    }
  }

  /** copyWithin() clamps, as typed arrays do; where Python refuses, so do views of what is moved. */
  #move(target: number, start: number, count: number): void {
    const { byteLength, readonly } = this.#mapping;
    const inside = [target, start].every((from) => from >= 0 && count >= 0 && from + count <= byteLength);
    if (readonly || inside) this.#mapping.copyWithin(target, start, start + count);
    else this.#mapping.view(target, count).assign(this.#mapping.view(start, count));
  }

  /** Python cuts a range that is too long. */
  #advise(name: string, start = 0, length = Infinity): null {
    const rest = this.#mapping.byteLength - start;
    const range = { offset: start, length: rest < 0 ? 0 : Math.min(length, rest) };
    this.#mapping.advise(name.toLowerCase() as Advice, range);
    return null;
  }

  #readFile(at: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(this.#fd, bytes, 0, length, at));
  }

  keep(view: MemoryView): void {
    this.#views.push(view);
  }
}

/** What is wrong with the answer to `op`. */
function check(replay: Replay, op: Op, expected: JsonObject): string | undefined {
  let actual: unknown;
  try {
    actual = replay.run(op);
  } catch (error) {
    const { code, stack } = error as NodeJS.ErrnoException;
    // Views look at the index first, Python's mmap at the value.
    const indexFirst = op[0] === 'set' && expected['c'] === 'value_type' && code === 'ERR_OUT_OF_RANGE';
    return indexFirst || isCodeFor(expected['c'], code) ? undefined : `threw ${code ?? ''} ${String(stack)}`;
  }
  if ('e' in expected) return `answered ${String(actual)}`;
  if ('r' in expected) return means(actual, expected['r']) ? undefined : `answered ${String(actual)}`;
  const view = actual as MemoryView;
  replay.keep(view);
  const facts = describeView(view);
  return describes(facts, expected['d'] as Json) ? undefined : `is ${JSON.stringify(facts)}`;
}

export interface Outcome {
  readonly differences: readonly string[];
  /** Operations that were compared. */
  readonly compared: number;
  /** Reasons of DELIBERATE that applied. */
  readonly deliberate: readonly string[];
}

function deliberate(op: Op, program: Program): string | undefined {
  return DELIBERATE.find(([, applies]) => applies(op, op.at(-1) as JsonObject, program))?.[0];
}

/** Mapping fails where CPython fails. */
function replayFailure(program: Program, path: string, fd: number): Outcome {
  const why = deliberate(program.ops[0] as Op, program);
  // CPython finds an empty file first, and what is not aligned before what is past the end.
  const expected = why === undefined ? 'ERR_OUT_OF_RANGE' : undefined;
  const code = openingError(program, path, fd);
  const differences = code === expected ? [] : [`mapping: ${String(code)} instead of ${String(expected)}`];
  return { differences, compared: 1, deliberate: why === undefined ? [] : [why] };
}

function openingError(program: Program, path: string, fd: number): string | undefined {
  try {
    new Replay(program, path, fd).close();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

function replayOperations(program: Program, replay: Replay): Outcome {
  const differences: string[] = [];
  const reasons: string[] = [];
  let compared = 0;
  for (const op of program.ops) {
    const expected = op.at(-1) as JsonObject;
    const why = deliberate(op, program);
    if (why !== undefined) reasons.push(why);
    // What CPython did and we refuse: the rest is about other memory.
    if (why !== undefined && !('e' in expected)) return { differences, compared, deliberate: reasons };
    if (why !== undefined) continue;
    compared++;
    const difference = check(replay, op, expected);
    if (difference !== undefined) differences.push(`${JSON.stringify(op)} ${difference}`);
  }
  return { differences: [...differences, ...replay.ending()], compared, deliberate: reasons };
}

/** Replays one program, with `path` as its file. */
export function replay(program: Program, path: string): Outcome {
  const fd = openSync(path, 'w+');
  try {
    if ('e' in (program.ops[0]?.at(-1) as JsonObject)) return replayFailure(program, path, fd);
    const running = new Replay(program, path, fd);
    const outcome = replayOperations(program, running);
    running.close();
    return outcome;
  } finally {
    closeSync(fd);
  }
}
