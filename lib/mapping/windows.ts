/**
 * The memory of one mapping as typed arrays: one window over the whole of it, or, when it is longer
 * than typed arrays are fast or allowed to be, windows made on demand.
 *
 *     0        1 GiB     2 GiB     3 GiB     4 GiB
 *     |=========0=========|                            every window is 2 GiB long
 *               |=========1=========|                  and begins 1 GiB after the one before,
 *                         |=========2=========|        so that any range up to 1 GiB lies in one
 *
 * Offsets inside a window stay below 2^31, where they are small integers to the engine.
 */
import { constants } from 'node:buffer';

import { zeroCopyError } from '../errors';
import { native, STATES, type RegionHandle } from '../native';
import { bytesOf, endOwner, Owner, type Exporter } from '../view/owner';
import { announce } from './announce';
import { faultOf } from './faults';

const STRIDE = 2 ** 30;
const WINDOW = 2 ** 31;

/** The longest ArrayBuffer this engine makes, bytes: 4 GiB on Node 20, 2^53 - 1 from Node 22 on. */
export const MAX_BUFFER_LENGTH: number = constants.MAX_LENGTH;

const EMPTY = new Uint8Array(0);

type RawBuffer = ArrayBuffer & { readonly immutable?: boolean };

/** The buffers that reached the user. Whoever keeps one keeps its mapping, and can be told so (holders.ts). */
const exposed = new WeakMap<ArrayBuffer, object>();

function bufferOf(owner: Owner): RawBuffer {
  return bytesOf(owner).buffer as RawBuffer;
}

export class Windows implements Exporter {
  readonly source: object;
  readonly readonly: boolean;
  readonly byteLength: number;
  /** Only mappings of access 'read' are read-only, and their pages are private: a stray write stays private. */
  readonly rawWhenReadonly = true;
  readonly region: RegionHandle;
  /** By where they start; regular ones, and those made for one long range. */
  readonly #regular = new Map<number, Owner>();
  readonly #long = new Map<string, Owner>();
  /** What detaching needs to find; the memory's end waits for them, so they are not kept alive. */
  readonly #raw: WeakRef<RawBuffer>[] = [];
  #whole: Owner | undefined;
  #shared: SharedArrayBuffer | undefined;
  #open = true;
  /** How many lost pages have been published already. */
  #announced = 0;

  constructor(source: object, region: RegionHandle, byteLength: number, readonly: boolean) {
    this.source = source;
    this.region = region;
    this.byteLength = byteLength;
    this.readonly = readonly;
  }

  reason(): Error {
    return zeroCopyError('ERR_MAPPING_CLOSED', 'The mapping was closed');
  }

  fault(): Error | undefined {
    const fault = faultOf(this.region);
    if (fault !== undefined && fault.faults > this.#announced) {
      this.#announced = fault.faults;
      announce('fault', this.source, fault);
    }
    return fault;
  }

  get open(): boolean {
    return this.#open;
  }

  get state(): (typeof STATES)[number] {
    return STATES[native.regionState(this.region)] ?? 'closed';
  }

  /** The owner that a view of the whole mapping begins with. Where no window holds it all, one without bytes. */
  get whole(): Owner {
    const located = this.locate(0, this.byteLength);
    if (located !== undefined) return located;
    this.#whole ??= new Owner(this, EMPTY, 0);
    return this.#whole;
  }

  locate(offset: number, length: number): Owner | undefined {
    if (!this.#open) throw this.reason();
    const start = this.byteLength <= WINDOW ? 0 : Math.floor(offset / STRIDE) * STRIDE;
    const size = Math.min(WINDOW, this.byteLength - start);
    return length <= size - (offset - start) ? this.#window(this.#regular, start, start, size) : undefined;
  }

  /** The owner kept under `key`; made again when the user transferred its buffer elsewhere. */
  /** The whole memory for other threads; undefined where the engine cannot. */
  shared(): SharedArrayBuffer | undefined {
    this.#shared ??= native.createSharedWindow(this.region, 0, this.byteLength);
    return this.#shared;
  }

  #window<K>(owners: Map<K, Owner>, key: K, start: number, length: number): Owner {
    const kept = owners.get(key);
    if (kept !== undefined && bytesOf(kept).length === length) return kept;
    const made = new Owner(this, new Uint8Array(this.#buffer(start, length)), start);
    owners.set(key, made);
    return made;
  }

  #buffer(offset: number, length: number): ArrayBuffer {
    if (length === 0) return new ArrayBuffer(0);
    const buffer = length <= MAX_BUFFER_LENGTH ? native.createWindow(this.region, offset, length) : undefined;
    if (buffer === undefined) throw tooLarge(length);
    return buffer;
  }

  expose(owner: Owner): void {
    const buffer = bufferOf(owner);
    if (buffer.byteLength === 0 || exposed.has(buffer)) return;
    native.exposeWindow(buffer);
    exposed.set(buffer, this.source);
    this.#raw.push(new WeakRef(buffer));
  }

  /** A raw array over a range; the memory outlives it. Throws ERR_BUFFER_TOO_LARGE. */
  raw(offset: number, length: number): Uint8Array<ArrayBuffer> {
    const owner = this.locate(offset, length) ?? this.#longOwner(offset, length);
    this.expose(owner);
    return new Uint8Array(bufferOf(owner), offset - owner.start, length);
  }

  /** A range longer than a window: over the one buffer of the whole, where the engine can make that. */
  #longOwner(offset: number, length: number): Owner {
    if (this.byteLength <= MAX_BUFFER_LENGTH) return this.#window(this.#long, 'whole', 0, this.byteLength);
    if (length > MAX_BUFFER_LENGTH) throw tooLarge(length);
    return this.#window(this.#long, `${String(offset)}+${String(length)}`, offset, length);
  }

  /** Ends every view. The memory is unmapped now, or when what was handed out has been collected. */
  close(detach: boolean): void {
    if (this.#open) {
      this.#open = false;
      for (const owner of [...this.#regular.values(), ...this.#long.values()]) this.#end(owner);
      if (this.#whole !== undefined) endOwner(this.#whole);
      this.#shared = undefined;
      this.#regular.clear();
      this.#long.clear();
    }
    if (detach) for (const raw of this.#raw.splice(0)) detachRaw(raw.deref());
    native.closeRegion(this.region);
  }

  #end(owner: Owner): void {
    const buffer = bufferOf(owner);
    endOwner(owner);
    if (buffer.byteLength > 0 && !exposed.has(buffer)) native.detachWindow(buffer);
  }
}

/** Detaching an immutable ArrayBuffer aborts Node 26; one that is already detached is left alone. */
function detachRaw(buffer: RawBuffer | undefined): void {
  if (buffer !== undefined && buffer.byteLength > 0 && buffer.immutable !== true) native.detachWindow(buffer);
}

function tooLarge(length: number): Error {
  return zeroCopyError(
    'ERR_BUFFER_TOO_LARGE',
    `${String(length)} bytes are more than one ArrayBuffer holds here (${String(MAX_BUFFER_LENGTH)}): ` +
      'take a shorter range, or use view(), which reaches all of the mapping',
  );
}
