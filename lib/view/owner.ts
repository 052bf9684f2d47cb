/**
 * The buffer protocol: what a source of memory promises the views that look at it.
 *
 * A MemoryView knows one Owner: a piece of memory that fits one typed array, alive or not. Behind
 * the Owner stands its Exporter, whoever the memory belongs to: a Mapping, or an ArrayBuffer or
 * typed array of the user's. Python: the exporter of PEP 3118.
 *
 * Who ends what: a view is ended by release(), which points it at the RELEASED owner; an owner is
 * ended by its exporter, which sets `open` to false, and then all views over it throw what
 * `reason()` says. User memory can also vanish without a word (detached, transferred, shrunk):
 * its typed array is then empty, which `intact` and the slow paths notice.
 */
import { zeroCopyError } from '../errors';
import { native } from '../native';

export interface Exporter {
  /** The object the user made the view from: `MemoryView#obj`. */
  readonly source: object;
  /** Views refuse to write. */
  readonly readonly: boolean;
  /** May raw, writable arrays over read-only memory be handed out (a private mapping: a stray write stays private)? */
  readonly rawWhenReadonly: boolean;
  /** Whole length, bytes; may be more than one typed array can hold. */
  readonly byteLength: number;
  /** Do views of it count as released, once they are ended? */
  readonly released?: boolean;
  /** Why the memory may no longer be looked at. */
  reason(): Error;
  /** What was lost of the memory, if something was: asked once after every fault of any mapping. */
  fault?(): Error | undefined;
  /** Called before a raw array over `owner` reaches the user: from then on the memory must outlive that array. */
  expose(owner: Owner): void;
  /** The owner whose typed array holds [offset, offset + length) of the source, or undefined when no single one can. */
  locate(offset: number, length: number): Owner | undefined;
  /** As locate(), of any range that one array of this engine can hold. Throws ERR_BUFFER_TOO_LARGE. */
  hold(offset: number, length: number): Owner;
}

/**
 * structuredClone and postMessage visit own properties in order and refuse a symbol: as the first
 * property of every Owner it turns a silent copy of the whole source into a DataCloneError that
 * says what to do.
 */
const CLONE_GUARD = Symbol('a MemoryView cannot be cloned: send view.toBytes(), or share the mapping with mapping.share()');

/**
 * Its one number goes up with every fault of any mapping (src-native/region/pages.h): then owners ask what they
 * lost.
 */
export const faultEpoch: Uint32Array = new Uint32Array(native.faultEpoch());

const ENDED = -1;
const NO_BYTES = new Uint8Array(0);
const NO_INT32S = new Int32Array(0);
const NO_FLOAT64S = new Float64Array(0);

/** Memory of one Owner; kept out of the reach of code that only holds a view. */
export let bytesOf: (owner: Owner) => Uint8Array;
/** The same memory as a DataView, made when first asked for. The memory must be intact. */
export let dataOf: (owner: Owner) => DataView;
/** The aligned elements of the memory, for the hot paths of get() and set(): empty before widen(). */
export let int32sOf: (owner: Owner) => Int32Array;
export let float64sOf: (owner: Owner) => Float64Array;
/** Makes the arrays that int32sOf() and float64sOf() answer, where the memory begins at an aligned address. */
export let widen: (owner: Owner) => void;
/**
 * Is its memory still there, all of it? By the length of the ArrayBuffer: that of a typed array over one that was
 * detached is at times not 0 in code that V8 has optimized (seen on Node 20 and 22).
 */
export let isIntact: (owner: Owner) => boolean;
/** Gives a span the bytes of the whole source after all, when its exporter has them: it is a span no longer. */
export let fillSpan: (owner: Owner, bytes: Uint8Array) => void;
/** Ends an owner: `open` turns false, and views that are kept no longer keep the memory. Its exporter calls this. */
export let endOwner: (owner: Owner) => void;
/** Is this an Owner, and not something that merely looks like one? */
export let isOwner: (value: unknown) => value is Owner;

/** A piece of memory that fits one typed array, and whether it may still be looked at. */
export class Owner {
  readonly guard: symbol = CLONE_GUARD;
  /** False from the moment the memory may not be looked at; every operation of a view checks it. */
  open = true;
  /**
   * The fault epoch at which nothing was lost; once not open, one that never comes: the hot paths compare this
   * alone.
   */
  epoch = 0;
  /**
   * Holds no bytes itself, elements are found through `exporter.locate()`: too long for one typed array, or not yet
   * worth one.
   */
  span: boolean;
  readonly exporter: Exporter;
  /** Where `bytes[0]` lies in the source, bytes. */
  readonly start: number;
  /** How much of the source this owner covers, bytes. */
  readonly byteLength: number;
  #bytes: Uint8Array;
  /** Where the bytes end in their ArrayBuffer. */
  #end: number;
  #data: DataView | undefined;
  #int32s: Int32Array = NO_INT32S;
  #float64s: Float64Array = NO_FLOAT64S;
  #wide = false;

  static {
    bytesOf = (owner) => owner.#bytes;
    dataOf = (owner) => (owner.#data ??= dataView(owner.#bytes));
    int32sOf = (owner) => owner.#int32s;
    float64sOf = (owner) => owner.#float64s;
    widen = (owner) => {
      if (owner.#wide) return;
      owner.#wide = true;
      const { buffer, byteOffset, length } = owner.#bytes;
      if (byteOffset % 4 === 0) owner.#int32s = new Int32Array(buffer, byteOffset, Math.floor(length / 4));
      if (byteOffset % 8 === 0) owner.#float64s = new Float64Array(buffer, byteOffset, Math.floor(length / 8));
    };
    isIntact = (owner) => owner.#end <= owner.#bytes.buffer.byteLength;
    fillSpan = (owner, bytes) => {
      owner.#bytes = bytes;
      owner.#end = bytes.byteOffset + bytes.length;
      owner.span = false;
    };
    endOwner = (owner) => {
      owner.open = false;
      owner.epoch = ENDED;
      owner.#int32s = NO_INT32S;
      owner.#float64s = NO_FLOAT64S;
      owner.#bytes = NO_BYTES;
      owner.#end = 0;
      owner.#data = undefined;
    };
    isOwner = (value): value is Owner => typeof value === 'object' && value !== null && #bytes in value;
  }

  /** An owner without bytes over an exporter that has some is a span. */
  constructor(exporter: Exporter, bytes: Uint8Array, start: number) {
    this.span = bytes.length === 0 && exporter.byteLength > 0;
    this.exporter = exporter;
    this.start = start;
    this.byteLength = this.span ? exporter.byteLength : bytes.length;
    this.#bytes = bytes;
    this.#end = bytes.byteOffset + bytes.length;
    this.#data = undefined;
  }
}

function dataView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Throws why `owner` may not be looked at, if it may not: closed, detached, transferred, shrunk. */
export function checkOwner(owner: Owner): void {
  if (!owner.open) throw owner.exporter.reason();
  if (owner.epoch !== faultEpoch[0]) checkFault(owner);
  if (!isIntact(owner)) throw vanished();
}

function checkFault(owner: Owner): void {
  const [epoch] = faultEpoch; // before asking: a fault meanwhile is seen next time
  const fault = owner.exporter.fault?.();
  if (fault !== undefined) throw fault;
  owner.epoch = epoch ?? 0;
}

function vanished(): Error {
  return zeroCopyError(
    'ERR_VIEW_RELEASED',
    'The memory under this view is gone: its ArrayBuffer was detached, transferred or shrunk. Make a new view of what is left',
  );
}

/** What a released view points at: closed for ever, over nothing, so that it keeps no memory alive. */
export const RELEASED: Owner = new Owner(
  {
    source: Object.freeze({}),
    readonly: true,
    rawWhenReadonly: false,
    byteLength: 0,
    released: true,
    reason: () => zeroCopyError('ERR_VIEW_RELEASED', 'This MemoryView was released. Make a new view of its source'),
    expose: () => undefined,
    locate: () => undefined,
    hold: () => RELEASED,
  },
  new Uint8Array(0),
  0,
);
endOwner(RELEASED);

/**
 * Where the bytes of an object lie: [offset, offset + byteLength) of `owner`, offset counted from the owner's
 * start.
 */
export interface Exported {
  readonly owner: Owner;
  readonly offset: number;
  readonly byteLength: number;
}

type Recognise = (source: object) => Exported | undefined;
const recognisers: Recognise[] = [];

/**
 * Makes `new MemoryView(source)` know another kind of source: higher layers register themselves, imports only
 * point down.
 */
export function registerExporter(recognise: Recognise): void {
  recognisers.push(recognise);
}

/** What a registered layer says of `source`; undefined when it is none of theirs. */
export function exportedBy(source: object): Exported | undefined {
  for (const recognise of recognisers) {
    const exported = recognise(source);
    if (exported !== undefined) return exported;
  }
  return undefined;
}
