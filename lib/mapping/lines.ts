/**
 * The lines of a mapping as views. The native side looks for newlines many at a time; between two of its calls a line
 * costs a view and little more.
 *
 *     base                                          scanned          stop
 *     |  one\n  two\r\n  three\n  four\n  five ...  |                |
 *        places[0] [1]      [2]       [3]
 */
import { inspect } from 'node:util';

import { native } from '../native';
import { clampedRange, optionalBoolean, optionsObject } from '../validate';
import { viewOf, type MemoryView } from '../view/memory-view';
import { bytesOf, isIntact, type Owner } from '../view/owner';
import type { Windows } from './windows';

export interface LinesOptions {
  /** Where to begin, bytes; negative: from the end. Default 0. */
  readonly from?: number | bigint;
  /** Where to end, bytes; negative: from the end. Default: the end. */
  readonly to?: number | bigint;
  /** Leave '\n' and '\r\n' on the lines. Default false. */
  readonly keepEnds?: boolean;
}

const NEWLINE = 10;
const RETURN = 13;

/** Lines that are looked up at a time: few at first, for those who want no more. */
const FIRST_LINES = 64;
const MORE_LINES = 4096;

/** Bytes that are looked through at a time: few at first, many in the middle of a line that does not end. */
const FIRST_REACH = 2 ** 16;
const REACH = 2 ** 20;
const LONGEST_REACH = 2 ** 30;

/** Lines have what the language gives its own iterators: map(), take(), … where the engine has them. */
const ITERATOR_PROTOTYPE = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as object;

export function linesIn(windows: Windows, options: LinesOptions | undefined): IterableIterator<MemoryView> {
  const { from, to, keepEnds } = optionsObject(options, 'options', ['from', 'to', 'keepEnds']);
  const keep = optionalBoolean(keepEnds, 'options.keepEnds', false);
  const range = clampedRange(from, to, windows.byteLength) ?? { offset: 0, length: 0 };
  windows.check();
  return new Lines(windows, range.offset, range.offset + range.length, keep);
}

// Plain properties, as in MemoryView: the hot loop is next().
class Lines implements IterableIterator<MemoryView> {
  private readonly windows: Windows;
  private readonly keepEnds: boolean;
  private readonly stop: number;
  /** Where the next line begins. */
  private start: number;
  /** Newlines were looked for up to here; those found count from `base`, and `used` is how many of them were used. */
  private scanned: number;
  private base = 0;
  private places = new Uint32Array(FIRST_LINES);
  private found = 0;
  private used = 0;
  private reach = FIRST_REACH;
  /** Memory that has the last line, and likely the next. */
  private owner: Owner;

  constructor(windows: Windows, start: number, stop: number, keepEnds: boolean) {
    this.windows = windows;
    this.start = start;
    this.scanned = start;
    this.stop = stop;
    this.keepEnds = keepEnds;
    this.owner = windows.whole;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<MemoryView, undefined> {
    while (this.used === this.found) {
      if (this.scanned === this.stop) return this.rest();
      this.lookAhead();
    }
    const newline = this.base + (this.places[this.used++] as number);
    const { start } = this;
    this.start = newline + 1;
    const owner = this.memoryOf(start, newline + 1);
    const end = this.keepEnds ? newline + 1 : newline - this.returnBefore(owner, start, newline);
    return { value: viewOf(owner, start - owner.start, end - start), done: false };
  }

  /** As console.log shows the language's own iterators. */
  [inspect.custom](): string {
    return 'Object [Mapping Lines Iterator] {}';
  }

  /** Ends it. */
  return(): IteratorResult<MemoryView, undefined> {
    this.start = this.scanned = this.stop;
    this.used = this.found;
    return { value: undefined, done: true };
  }

  /** What stands behind the last newline, once. */
  private rest(): IteratorResult<MemoryView, undefined> {
    const { start, stop } = this;
    if (start === stop) return { value: undefined, done: true };
    this.start = stop;
    const owner = this.memoryOf(start, stop);
    return { value: viewOf(owner, start - owner.start, stop - start), done: false };
  }

  /** Looks for newlines from where it has looked so far; there may be none within reach. */
  private lookAhead(): void {
    this.windows.check();
    if (this.found === FIRST_LINES) this.places = new Uint32Array(MORE_LINES);
    const length = Math.min(this.reach, this.stop - this.scanned);
    const found = native.findEach(this.windows.region, NEWLINE, this.scanned, length, this.places);
    this.windows.check();
    this.base = this.scanned;
    this.found = found;
    this.used = 0;
    this.scanned += found === this.places.length ? (this.places[found - 1] as number) + 1 : length;
    this.reach = found > 0 ? REACH : Math.min(this.reach * 4, LONGEST_REACH);
  }

  /** Memory that has [start, end): as long as it does that of the line before, else what has all that was looked at. */
  private memoryOf(start: number, end: number): Owner {
    const { windows, owner } = this;
    windows.check();
    if (start >= owner.start && end - owner.start <= owner.byteLength && !owner.span && isIntact(owner)) return owner;
    this.owner = windows.locate(start, this.scanned - start) ?? windows.locate(start, end - start) ?? windows.whole;
    return this.owner;
  }

  /** 1 where the line has a '\r' before its newline, else 0. */
  private returnBefore(owner: Owner, start: number, newline: number): number {
    if (newline === start) return 0;
    const memory = owner.span ? this.windows.locate(newline - 1, 1) ?? owner : owner;
    return bytesOf(memory)[newline - 1 - memory.start] === RETURN ? 1 : 0;
  }
}
Object.setPrototypeOf(Lines.prototype, ITERATOR_PROTOTYPE);
