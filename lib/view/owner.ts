/**
 * The buffer protocol: what a source of memory promises the views that look at it.
 *
 * A MemoryView knows one Owner: a piece of memory that fits one typed array, alive or not. Behind
 * the Owner stands its Exporter, whoever the memory belongs to: a Mapping, or an ArrayBuffer or
 * typed array of the user's. Python: the exporter of PEP 3118.
 */
export interface Exporter {
  /** The object the user made the view from: `MemoryView#obj`. */
  readonly source: object;
  /** Views refuse to write. */
  readonly readonly: boolean;
  /** May raw, writable arrays over read-only memory be handed out (a private mapping: a stray write stays private)? */
  readonly rawWhenReadonly: boolean;
  /** Whole length, bytes; may be more than one typed array can hold. */
  readonly byteLength: number;
  /** Why the memory may no longer be looked at. */
  reason(): Error;
  /** Called before a raw array over `owner` reaches the user: from then on the memory must outlive that array. */
  expose(owner: Owner): void;
  /** The owner whose typed array holds [offset, offset + length) of the source, or undefined when no single one can. */
  locate(offset: number, length: number): Owner | undefined;
}

/**
 * structuredClone and postMessage visit own properties in order and refuse a symbol: as the first
 * property of every Owner it turns a silent copy of the whole source into a DataCloneError that
 * says what to do.
 */
const CLONE_GUARD = Symbol('a MemoryView cannot be cloned: send view.toBytes(), or share the mapping with mapping.share()');

/** Memory of one Owner; kept out of the reach of code that only holds a view. */
export let bytesOf: (owner: Owner) => Uint8Array;

/** Ends an Owner: `open` turns false, and views that are kept no longer keep the memory. Its exporter calls this. */
export let endOwner: (owner: Owner) => void;

const NOTHING = new Uint8Array(0);

/** A piece of memory that fits one typed array, and whether it may still be looked at. */
export class Owner {
  readonly guard: symbol = CLONE_GUARD;
  /** False from the moment the memory may not be looked at; every operation of a view checks it. */
  open = true;
  readonly exporter: Exporter;
  /** Where `bytes[0]` lies in the source, bytes. */
  readonly start: number;
  #bytes: Uint8Array;

  static {
    bytesOf = (owner) => owner.#bytes;
    endOwner = (owner) => {
      owner.open = false;
      owner.#bytes = NOTHING;
    };
  }

  constructor(exporter: Exporter, bytes: Uint8Array, start: number) {
    this.exporter = exporter;
    this.start = start;
    this.#bytes = bytes;
  }
}
