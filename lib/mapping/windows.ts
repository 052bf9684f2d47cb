/**
 * The memory of one mapping as typed arrays, made when it is looked at and only as large as what is looked at: the
 * engine counts the length of each as its own memory, and collects garbage at every 64 MiB of it.
 *
 * A mapping of up to 16 MiB is one window. Of a longer one
 * - a short range (up to 8 MiB) is found in a small window, 16 MiB long, one beginning at every 8 MiB;
 * - a longer range, and everything once a view is used in earnest, in a large one, 2 GiB long, one at every GiB;
 * - what is longer than that is a span: its elements are looked up one by one.
 *
 *     0         1 GiB     2 GiB     3 GiB     4 GiB
 *     |=========0=========|
 *               |=========1=========|                  any range up to 1 GiB lies in a large window,
 *                         |=========2=========|        and any offset in one is a small integer to the engine
 */

import { bufferTooLarge, MAX_BUFFER_LENGTH, zeroCopyError } from '../errors';
import { native, STATES, type RegionHandle } from '../native';
import { bytesOf, endOwner, faultEpoch, fillSpan, isIntact, Owner, type Exporter } from '../view/owner';
import { announce } from './announce';
import { cutUnder, faultOf } from './faults';
import { closedMapping } from './refusals';

interface WindowSize {
  /** Distance from one window to the next, and the longest range that is sure to lie in one; bytes. */
  readonly stride: number;
  /** Bytes. */
  readonly length: number;
}

const SMALL: WindowSize = { stride: 2 ** 23, length: 2 ** 24 };
const LARGE: WindowSize = { stride: 2 ** 30, length: 2 ** 31 };

/** So many lookups in a mapping, or so many small windows of it, are use in earnest. */
const MANY_LOOKUPS = 1000;
const MANY_WINDOWS = 8;

const EMPTY = new Uint8Array(0);

/** The buffers that reached the user. One that is kept keeps its mapping (holders.ts tells). */
const exposed = new WeakMap<ArrayBuffer, object>();

function bufferOf(owner: Owner): ArrayBuffer {
  return bytesOf(owner).buffer as ArrayBuffer;
}

export class Windows implements Exporter {
  readonly source: object;
  readonly readonly: boolean;
  readonly byteLength: number;
  /** Only mappings of access 'read' are read-only, and their pages are private: a stray write stays private. */
  readonly rawWhenReadonly = true;
  readonly region: RegionHandle;
  /** By where they start. */
  readonly #small = new Map<number, Owner>();
  readonly #large = new Map<number, Owner>();
  /** Made for one range each, which is too long for those; and the one buffer over everything. */
  readonly #ranges = new Map<string, Owner>();
  #lookups = 0;
  #whole: Owner | undefined;
  #shared: SharedArrayBuffer | undefined;
  #open = true;
  /** Has another region taken this one's place? Views of it are released then, rather than closed. */
  released = false;
  /** How many lost pages have been published already. */
  #announced = 0;
  /** The fault epoch at which nothing was lost. */
  #soundAt = 0;

  constructor(source: object, region: RegionHandle, byteLength: number, readonly: boolean) {
    this.source = source;
    this.region = region;
    this.byteLength = byteLength;
    this.readonly = readonly;
  }

  reason(): Error {
    if (!this.released) return closedMapping(this.source, this.region);
    return zeroCopyError('ERR_VIEW_RELEASED', 'This memory was released when its mapping was resized. Make a new view of the mapping');
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

  /** As fault(), and what will be lost when it is looked at: the file was cut since. */
  loss(): Error | undefined {
    return this.fault() ?? cutUnder(this.region);
  }

  /** Throws why the memory may not be looked at, or what was lost of it. Free while no mapping has a fault. */
  check(): void {
    if (!this.#open) throw this.reason();
    const [epoch = 0] = faultEpoch; // before asking: a fault meanwhile is seen next time
    if (epoch === this.#soundAt) return;
    const fault = this.fault();
    if (fault !== undefined) throw fault;
    this.#soundAt = epoch;
  }

  get state(): (typeof STATES)[number] {
    return STATES[native.regionState(this.region)] ?? 'closed';
  }

  /** The owner that a view of the whole mapping begins with: a span, unless one small window holds it all. */
  get whole(): Owner {
    if (!this.#open) throw this.reason();
    if (this.byteLength <= SMALL.length) return this.#window(this.#small, 0, SMALL);
    this.#whole ??= new Owner(this, EMPTY, 0);
    return this.#whole;
  }

  locate(offset: number, length: number): Owner | undefined {
    if (!this.#open) throw this.reason();
    if (this.byteLength <= SMALL.length) return this.#window(this.#small, 0, SMALL);
    if (length <= SMALL.stride && !this.#inEarnest()) {
      return this.#window(this.#small, Math.floor(offset / SMALL.stride) * SMALL.stride, SMALL);
    }
    const start = this.byteLength <= LARGE.length ? 0 : Math.floor(offset / LARGE.stride) * LARGE.stride;
    if (length > LARGE.length - (offset - start)) return undefined;
    return this.#window(this.#large, start, LARGE);
  }

  hold(offset: number, length: number): Owner {
    return this.locate(offset, length) ?? this.#rangeOwner(offset, length);
  }

  /** Is looking up no longer worth it? Then a span over all that one large window holds becomes that window. */
  #inEarnest(): boolean {
    if (++this.#lookups < MANY_LOOKUPS && this.#small.size < MANY_WINDOWS) return false;
    if (this.byteLength <= LARGE.length && this.#whole?.span === true) {
      fillSpan(this.#whole, bytesOf(this.#window(this.#large, 0, LARGE)));
    }
    return true;
  }

  /** The window that begins at `start`; made again when the user transferred its buffer elsewhere. */
  #window(windows: Map<number, Owner>, start: number, size: WindowSize): Owner {
    const length = Math.min(size.length, this.byteLength - start);
    const kept = windows.get(start);
    if (kept !== undefined && isIntact(kept)) return kept;
    const made = this.#makeOwner(start, length);
    windows.set(start, made);
    return made;
  }

  #makeOwner(start: number, length: number): Owner {
    return new Owner(this, new Uint8Array(this.#buffer(start, length)), start);
  }

  /** The whole memory for other threads; undefined where the engine cannot. */
  shared(): SharedArrayBuffer | undefined {
    this.#shared ??= this.byteLength === 0
      ? new SharedArrayBuffer(0)
      : native.createSharedWindow(this.region, 0, this.byteLength);
    return this.#shared;
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
  }

  /** A raw array over a range; the memory outlives it. Throws ERR_BUFFER_TOO_LARGE. */
  raw(offset: number, length: number): Uint8Array<ArrayBuffer> {
    const owner = this.hold(offset, length);
    this.expose(owner);
    return new Uint8Array(bufferOf(owner), offset - owner.start, length);
  }

  /** The one buffer over everything. Throws ERR_BUFFER_TOO_LARGE. */
  rawWhole(): ArrayBuffer {
    const owner = this.byteLength <= LARGE.length ? this.#wholeWindow() : this.#rangeOwner(0, this.byteLength);
    this.expose(owner);
    return bufferOf(owner);
  }

  #wholeWindow(): Owner {
    return this.byteLength <= SMALL.length ? this.#window(this.#small, 0, SMALL) : this.#window(this.#large, 0, LARGE);
  }

  /** A range longer than a window: in the buffer of everything, where the engine can make that, or one of its own. */
  #rangeOwner(offset: number, length: number): Owner {
    if (length > MAX_BUFFER_LENGTH) throw tooLarge(length);
    const [start, size] = this.byteLength <= MAX_BUFFER_LENGTH ? [0, this.byteLength] : [offset, length];
    const key = `${String(start)}+${String(size)}`;
    const kept = this.#ranges.get(key);
    if (kept !== undefined && isIntact(kept)) return kept;
    const made = this.#makeOwner(start, size);
    this.#ranges.set(key, made);
    return made;
  }

  /** Ends every view: another region has taken this one's place. Raw arrays keep the memory, as after close(). */
  supersede(): void {
    this.released = true;
    this.close(false);
  }

  /** Ends every view. The memory is unmapped now, or when what was handed out has been collected. */
  close(detach: boolean): void {
    if (this.#open) {
      this.#open = false;
      for (const windows of [this.#small, this.#large, this.#ranges]) {
        for (const owner of windows.values()) this.#end(owner);
        windows.clear();
      }
      if (this.#whole !== undefined) endOwner(this.#whole);
      this.#shared = undefined;
    }
    if (detach) for (const buffer of native.exposedWindows(this.region)) detachRaw(buffer);
    native.closeRegion(this.region);
  }

  #end(owner: Owner): void {
    const buffer = bufferOf(owner);
    endOwner(owner);
    if (buffer.byteLength > 0 && !exposed.has(buffer)) native.detachWindow(buffer);
  }
}

/** Taken from the prototype, because a program can give a buffer an `immutable` of its own. */
const immutable = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'immutable');

/** Detaching an immutable ArrayBuffer aborts Node 26; one that is already detached is left alone. */
function detachRaw(buffer: ArrayBuffer): void {
  if (immutable?.get?.call(buffer) !== true) native.detachWindow(buffer);
}

function tooLarge(length: number): Error {
  return bufferTooLarge(length, 'take a shorter range, or use view(), which reaches all of the mapping');
}
