/** Every kind of memory a view can be made over, each holding the same bytes: the suite runs over all of them. */
import { bufferTooLarge } from '#lib/errors';
import { endOwner, Owner, registerExporter, type Exporter } from '#lib/view/owner';
import type { MemorySource } from '#lib/view/memory-view';

/** A source of memory, and its bytes seen from behind the views' back. */
export interface Source {
  readonly source: MemorySource;
  readonly memory: Uint8Array;
  /** What the source itself says of writing; views over it are read-only then. */
  readonly readonly?: boolean;
}

export type MakeSource = (bytes: Uint8Array) => Source;

/**
 * A mapping in small: memory longer than one typed array, seen through windows of 2n bytes at every n,
 * over one ArrayBuffer. Any n bytes lie in one window, as 1 GiB does in a real mapping.
 */
export class WindowedMemory implements Exporter {
  readonly source = this;
  readonly readonly: boolean = false;
  readonly rawWhenReadonly: boolean = false;
  readonly byteLength: number;
  exposed = 0;
  readonly span: Owner;
  readonly #windows = new Map<number, Owner>();
  readonly #memory: Uint8Array;
  readonly #step: number;

  constructor(memory: Uint8Array, step: number) {
    this.#memory = memory;
    this.#step = step;
    this.byteLength = memory.length;
    this.span = new Owner(this, new Uint8Array(0), 0);
  }

  reason(): Error {
    return Object.assign(new Error('closed'), { code: 'ERR_MAPPING_CLOSED' });
  }

  expose(): void {
    this.exposed++;
  }

  locate(offset: number, length: number): Owner | undefined {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.byteLength)) throw new Error(`outside: ${String(offset)}+${String(length)}`);
    const start = Math.floor(offset / this.#step) * this.#step;
    if (offset + length > start + 2 * this.#step) return undefined;
    let owner = this.#windows.get(start);
    if (owner === undefined) {
      owner = new Owner(this, this.#memory.subarray(start, start + 2 * this.#step), start);
      this.#windows.set(start, owner);
    }
    return owner;
  }

  hold(offset: number, length: number): Owner {
    const found = this.locate(offset, length);
    if (found === undefined) throw bufferTooLarge(length, 'slice it');
    return found;
  }

  close(): void {
    endOwner(this.span);
    for (const window of this.#windows.values()) endOwner(window);
  }

  view(): never {
    throw new Error('made by new MemoryView() only');
  }
}

registerExporter((source) =>
  source instanceof WindowedMemory ? { owner: source.span, offset: 0, byteLength: source.byteLength } : undefined);

function filled(buffer: ArrayBufferLike, offset: number, bytes: Uint8Array): Uint8Array {
  const memory = new Uint8Array(buffer, offset, bytes.length);
  memory.set(bytes);
  return memory;
}

function typed(bytes: Uint8Array): Source {
  const memory = filled(new ArrayBuffer(bytes.length + 24), 8, bytes);
  return { source: memory, memory };
}

export const SOURCES: Readonly<Record<string, MakeSource>> = {
  ArrayBuffer: (bytes) => {
    const memory = filled(new ArrayBuffer(bytes.length), 0, bytes);
    return { source: memory.buffer, memory };
  },
  SharedArrayBuffer: (bytes) => {
    const memory = filled(new SharedArrayBuffer(bytes.length), 0, bytes);
    return { source: memory.buffer, memory };
  },
  'Uint8Array with offset': typed,
  'Buffer at an odd offset': (bytes) => {
    const memory = filled(new ArrayBuffer(bytes.length + 9), 3, bytes);
    return { source: Buffer.from(memory.buffer, 3, bytes.length), memory };
  },
  DataView: (bytes) => {
    const { memory } = typed(bytes);
    return { source: new DataView(memory.buffer, memory.byteOffset, memory.length), memory };
  },
  'resizable ArrayBuffer': (bytes) => {
    const Resizable = ArrayBuffer as unknown as new (length: number, options: { maxByteLength: number }) => ArrayBuffer;
    const memory = filled(new Resizable(bytes.length, { maxByteLength: bytes.length + 64 }), 0, bytes);
    return { source: memory.buffer, memory };
  },
  'windows of 64 bytes': (bytes) => {
    const memory = Uint8Array.from(bytes);
    return { source: new WindowedMemory(memory, 32), memory };
  },
  'windows of 16 bytes': (bytes) => {
    const memory = Uint8Array.from(bytes);
    return { source: new WindowedMemory(memory, 8), memory };
  },
};
