/** Owners over the memory a program already has: ArrayBuffer, SharedArrayBuffer, typed arrays, Buffer, DataView. */
import { types } from 'node:util';
import { invalidArgType, invalidArgValue } from '../errors';
import { flatForm, type Form } from './form';
import { parseFormat } from './format';
import { Owner, RELEASED, type Exporter } from './owner';

/** What a source is: memory, and the format of its elements. */
export interface UserMemory {
  readonly owner: Owner;
  readonly form: Form;
}

const FORMATS: Readonly<Record<string, string>> = {
  Uint8Array: 'B', Uint8ClampedArray: 'B', Int8Array: 'b', Uint16Array: 'H', Int16Array: 'h',
  Uint32Array: 'I', Int32Array: 'i', BigUint64Array: 'Q', BigInt64Array: 'q',
  Float16Array: 'e', Float32Array: 'f', Float64Array: 'd',
};

/**
 * The engine's own getters: a subclass or a patched object may answer anything, and offsets that lie
 * would let a view reach beyond its source.
 */
function getter(prototype: object, name: string | symbol): (object: object) => never {
  const { get } = Object.getOwnPropertyDescriptor(prototype, name) as { get: () => never };
  return (object) => Reflect.apply(get, object, []);
}
const TYPED_ARRAY = Object.getPrototypeOf(Uint8Array.prototype) as object;
const tagOf: (array: object) => string = getter(TYPED_ARRAY, Symbol.toStringTag);
const { value: keys } = Object.getOwnPropertyDescriptor(TYPED_ARRAY, 'keys') as { value: () => unknown };
interface Facts {
  readonly buffer: (object: object) => ArrayBufferLike;
  readonly byteOffset: (object: object) => number;
  readonly byteLength: (object: object) => number;
}
const arrayFacts: Facts = {
  buffer: getter(TYPED_ARRAY, 'buffer'),
  byteOffset: getter(TYPED_ARRAY, 'byteOffset'),
  byteLength: getter(TYPED_ARRAY, 'byteLength'),
};
const dataViewFacts: Facts = {
  buffer: getter(DataView.prototype, 'buffer'),
  byteOffset: getter(DataView.prototype, 'byteOffset'),
  byteLength: getter(DataView.prototype, 'byteLength'),
};
const bufferLength: (buffer: object) => number = getter(ArrayBuffer.prototype, 'byteLength');
const sharedLength: (buffer: object) => number = getter(SharedArrayBuffer.prototype, 'byteLength');

class UserExporter implements Exporter {
  readonly source: object;
  readonly readonly: boolean;
  /** Only memory that the engine itself keeps from being written is read-only here. */
  readonly rawWhenReadonly: boolean;
  readonly byteLength: number;
  /** Set once, by ownerOver(). */
  owner: Owner = RELEASED;

  constructor(source: object, readonly: boolean, byteLength: number) {
    this.source = source;
    this.readonly = readonly;
    this.rawWhenReadonly = readonly;
    this.byteLength = byteLength;
  }

  reason(): Error {
    return RELEASED.exporter.reason();
  }

  expose(): void {
    // The garbage collector keeps the user's memory for as long as any array over it lives.
  }

  locate(): Owner {
    return this.owner;
  }

  hold(): Owner {
    return this.owner;
  }
}

/** Memory of the language itself, not of an exporter from another layer. */
export function isUserMemory(owner: Owner): boolean {
  return owner.exporter instanceof UserExporter;
}

function ownerOver(source: object, buffer: ArrayBufferLike, byteOffset: number, byteLength: number): Owner {
  // Proposal "Immutable ArrayBuffers" (Node 26, behind a flag): the engine refuses writes, so do we.
  const immutable = (buffer as { immutable?: boolean }).immutable === true;
  const exporter = new UserExporter(source, immutable, byteLength);
  // A length given makes the array fixed, also over a resizable buffer: it is empty once the buffer shrinks below it.
  exporter.owner = new Owner(exporter, new Uint8Array(buffer, byteOffset, byteLength), 0);
  return exporter.owner;
}

interface Stretch {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  readonly byteLength: number;
  readonly format: string;
}

function inspectSource(source: object): Stretch | undefined {
  if (types.isAnyArrayBuffer(source)) {
    const byteLength = types.isSharedArrayBuffer(source) ? sharedLength(source) : bufferLength(source);
    return { buffer: source, byteOffset: 0, byteLength, format: 'B' };
  }
  if (!ArrayBuffer.isView(source)) return undefined;
  const facts = types.isDataView(source) ? dataViewFacts : arrayFacts;
  const format = types.isDataView(source) ? 'B' : (FORMATS[tagOf(source)] ?? 'B');
  const byteLength = facts.byteLength(source);
  // Of a typed array whose buffer shrank below it the getters say 0; its methods throw, as a DataView's getters do.
  if (byteLength === 0 && facts === arrayFacts) Reflect.apply(keys, source, []);
  return { buffer: facts.buffer(source), byteOffset: facts.byteOffset(source), byteLength, format };
}

/**
 * The memory of an object of the language; undefined when it is none. Throws ERR_INVALID_ARG_VALUE when it is
 * detached.
 */
export function userMemory(source: object, name: string): UserMemory | undefined {
  try {
    const facts = inspectSource(source);
    if (facts === undefined) return undefined;
    const owner = ownerOver(source, facts.buffer, facts.byteOffset, facts.byteLength);
    return { owner, form: flatForm(parseFormat(facts.format), owner.exporter.readonly) };
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw invalidArgValue(name, source, 'is detached, or out of the bounds of its buffer: its memory is gone');
  }
}

export function notMemory(value: unknown, name = 'source'): Error {
  return invalidArgType(name, 'a Mapping, MemoryView, ArrayBuffer, SharedArrayBuffer, typed array, Buffer or DataView', value);
}
