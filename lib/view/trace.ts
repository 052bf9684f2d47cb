/**
 * Who made what and where, and which views there are: diagnosis, free until somebody asks.
 */
import path from 'node:path';
import { inspect } from 'node:util';
import v8 from 'node:v8';

import { unavailable } from '../errors';

const MAX_FRAMES = 20;
/** What is not the caller's: as compiled, all in dist/, and as source maps name it. */
const OWN_FOLDERS = ['', '../lib'].map((folder) => path.resolve(__dirname, folder) + path.sep);

/** Is it on? Read at every view that is made. */
export let tracing: boolean = process.env['ZEROCOPY_TRACE'] === '1';

let stacks = new WeakMap<object, string>();

/** @param on remember from now on, or stop and forget */
export function setTracing(on: boolean): void {
  tracing = on;
  if (!on) stacks = new WeakMap();
}

/** Remembers where `made` was made: the stack above the function `maker`, without what is this package's own. */
export function remember(made: object, maker?: (...args: never[]) => unknown): void {
  const frames = stackAbove(maker).split('\n').slice(1);
  stacks.set(made, frames.filter((frame) => !OWN_FOLDERS.some((folder) => frame.includes(folder))).join('\n'));
}

/** As V8 writes it: a prepareStackTrace() of the program's may answer anything. Error may be frozen. */
function stackAbove(maker: ((...args: never[]) => unknown) | undefined): string {
  const { stackTraceLimit } = Error;
  const prepareStackTrace: unknown = Reflect.get(Error, 'prepareStackTrace');
  Reflect.set(Error, 'stackTraceLimit', MAX_FRAMES);
  Reflect.set(Error, 'prepareStackTrace', undefined);
  const at: { stack?: unknown } = {};
  Error.captureStackTrace(at, maker);
  const { stack } = at;
  Reflect.set(Error, 'prepareStackTrace', prepareStackTrace);
  Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
  return typeof stack === 'string' ? stack : '';
}

/** Where `made` was made, if that was remembered: lines of a stack. */
export function stackOf(made: object): string | undefined {
  return stacks.get(made);
}

/** A live view of open memory. */
export interface Seen {
  readonly view: object;
  readonly source: object;
  readonly nbytes: number;
}

let seen: Seen[] | undefined;
let viewClass: (abstract new (...args: never[]) => object) | undefined;

/** MemoryView makes itself known, because imports only point down. */
export function countable(memoryView: abstract new (...args: never[]) => object): void {
  viewClass = memoryView;
}

/**
 * Every view that is alive. Counting views as they come and go would cost each more than it does itself; instead the
 * engine is asked: v8.queryObjects() collects garbage, walks the heap and inspects each object it finds, and the views'
 * inspection reports here while a census is on.
 */
export function census(): readonly Seen[] {
  // Bun has no such function.
  const { queryObjects } = v8 as Partial<typeof v8>;
  if (queryObjects === undefined) throw unavailable('v8.queryObjects()');
  const found: Seen[] = [];
  const { customInspect = true } = inspect.defaultOptions;
  seen = found;
  inspect.defaultOptions = { customInspect: true };
  try {
    if (viewClass !== undefined) queryObjects(viewClass, { format: 'summary' });
  } finally {
    seen = undefined;
    inspect.defaultOptions = { customInspect };
  }
  return found;
}

/** Called by a view that is inspected; false when no census is on. */
export function report(view: Seen | undefined): boolean {
  if (seen === undefined) return false;
  if (view !== undefined) seen.push(view);
  return true;
}
