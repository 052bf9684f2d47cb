/**
 * Waiting for an Int32 of shared memory, and waking those that wait: Atomics.waitAsync() and Atomics.notify(), across
 * processes. One table of waits per thread of JavaScript; each has a native thread of its own (waiters.h says why).
 */
import { constants } from 'node:os';

import {
  abortError, invalidArgType, isOsFailure, outOfRange, systemError, valueOrThrow, zeroCopyError,
} from '../errors';
import { native, WAIT_ENDS, type RegionHandle, type WaitOutcome } from '../native';
import { optionalSignal, optionsObject, wholeNumber } from '../validate';
import { unreadable } from './faults';
import type { Windows } from './windows';

export interface WaitOptions {
  /** Milliseconds, fractions too. Default Infinity. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/** As Atomics.waitAsync() has them. */
export type WaitResult = 'ok' | 'not-equal' | 'timed-out';

/** What the word is part of. */
export interface WaitPlace {
  readonly windows: Windows;
  readonly byteLength: number;
  readonly fileOffset: number;
  readonly shared: boolean;
}

interface Pending {
  readonly mapping: object;
  /** Why it was cancelled, if it was. */
  stopped?: Error;
  settle(outcome: WaitOutcome): void;
}

const WORD = 4;
/** Microseconds, and for ever. */
const FOR_EVER = Number.MAX_SAFE_INTEGER;

const pending = new Map<number, Pending>();
let listening = false;

function deliver(): void {
  for (const outcome of native.takeFinishedWaits()) {
    const wait = pending.get(outcome.id);
    pending.delete(outcome.id);
    wait?.settle(outcome);
  }
}

/** `mapping`: what endWaits() is told. Throws ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, ERR_VIEW_READONLY. */
export async function waitAt(
  mapping: object, place: WaitPlace, offset: unknown, expected: unknown, options: unknown,
): Promise<WaitResult> {
  const at = wordOffset(place, offset);
  const word = wholeNumber(expected, 'expected', -(2 ** 31), 2 ** 31 - 1) >>> 0;
  const { timeout, signal } = readOptions(options);
  if (signal?.aborted) throw abortError(signal.reason);
  if (!place.windows.open) throw place.windows.reason(); // reading the options ran the caller's code
  if (!listening) native.onWaitsFinished(deliver);
  listening = true;
  const id = valueOrThrow(native.startWait(place.windows.region, at, word, timeout));
  const wait: Pending = { mapping, settle: () => undefined };
  const ended = new Promise<WaitOutcome>((resolve) => {
    wait.settle = resolve;
    pending.set(id, wait);
  });
  const stop = (): void => { cancel(id, wait, abortError(signal?.reason)); };
  try {
    signal?.addEventListener('abort', stop);
    const outcome = await ended;
    return resultOf(outcome, wait, place.windows.region, at);
  } finally {
    signal?.removeEventListener('abort', stop);
    if (pending.has(id)) native.cancelWait(id); // listening failed
  }
}

function resultOf(outcome: WaitOutcome, { stopped }: Pending, region: RegionHandle, offset: number): WaitResult {
  if (outcome.errno === constants.errno.EFAULT) throw unreadable(region, offset);
  if (outcome.errno !== 0) throw systemError(outcome);
  const end = WAIT_ENDS[outcome.end] ?? 'cancelled';
  if (end === 'cancelled') throw stopped ?? new Error('cancelled by nobody');
  return end;
}

function cancel(id: number, wait: Pending, why: Error): void {
  if (wait.stopped !== undefined) return;
  wait.stopped = why;
  native.cancelWait(id);
}

/** The mapping is closed: its waits reject with `reason`. */
export function endWaits(mapping: object, reason: () => Error): void {
  for (const [id, wait] of pending) {
    if (wait.mapping === mapping) cancel(id, wait, reason());
  }
}

/** How many were woken. Throws as {@link waitAt}. */
export function notifyAt(place: WaitPlace, offset: unknown, count: unknown): number {
  const at = wordOffset(place, offset);
  const most = count === undefined || count === Infinity ? 2 ** 32 - 1 : wholeNumber(count, 'count');
  const { region } = place.windows;
  const woken = native.notifyWord(region, at, Math.min(most, 2 ** 32 - 1));
  if (isOsFailure(woken) && woken.errno === constants.errno.EFAULT) throw unreadable(region, at);
  return valueOrThrow(woken);
}

function wordOffset({ byteLength, fileOffset, shared }: WaitPlace, offset: unknown): number {
  if (!shared) {
    throw zeroCopyError('ERR_VIEW_READONLY', "wait() and notify() want memory that is shared: a mapping of access 'write'");
  }
  const at = wholeNumber(offset, 'offset', 0, byteLength);
  if (byteLength - at < WORD) throw outOfRange('offset', `an integer >= 0 and <= ${String(byteLength - WORD)}`, offset);
  if ((fileOffset + at) % WORD !== 0) throw outOfRange('offset', `a multiple of ${String(WORD)} bytes, from the start of the file`, offset);
  return at;
}

/** A number is the timeout, as in Atomics.wait(). */
function readOptions(options: unknown): { timeout: number; signal: AbortSignal | undefined } {
  const given = typeof options === 'number' ? { timeout: options } : options;
  const { timeout = Infinity, signal } = optionsObject(given as WaitOptions | undefined, 'options', ['timeout', 'signal']);
  if (typeof (timeout as unknown) !== 'number') throw invalidArgType('options.timeout', 'of type number', timeout);
  if (!(timeout >= 0)) throw outOfRange('options.timeout', 'a number >= 0, in milliseconds', timeout);
  return { timeout: Math.min(Math.ceil(timeout * 1000), FOR_EVER), signal: optionalSignal(signal, 'options.signal') };
}
