/**
 * Every error with a code is made here: one table of our own codes, Node's codes for what Node has one for, and system
 * errors that look exactly like Node's own.
 */
import { constants as bufferConstants } from 'node:buffer';
import { constants } from 'node:os';
import { getSystemErrorMap, inspect } from 'node:util';

/** Our own codes, and the class of each. docs/errors.md explains them; a test compares the two. */
export const CODES = {
  ERR_VIEW_RELEASED: Error,
  ERR_VIEW_READONLY: TypeError,
  ERR_VIEW_LAYOUT: TypeError,
  ERR_MAPPING_CLOSED: Error,
  ERR_MAPPING_FAULT: Error,
  ERR_TOO_MANY_MAPPINGS: Error,
  ERR_BUFFER_TOO_LARGE: RangeError,
  ERR_SHORT_FILE: Error,
  ERR_FEATURE_UNAVAILABLE_ON_PLATFORM: TypeError,
} as const;

export type ZeroCopyErrorCode = keyof typeof CODES;
type ErrorClass = typeof Error | typeof TypeError | typeof RangeError;

/** A system call's failure as it crosses the border from native code: data, not yet an error. */
export interface OsFailure {
  /** The positive errno of the failed call. */
  readonly errno: number;
  readonly syscall: string;
}

/** `maker` and what it called stay out of the stack: it begins where the caller stands. */
function coded(
  base: ErrorClass, code: string, message: string, maker: (...args: never[]) => Error,
): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new base(message);
  error.code = code;
  // As Node's own errors print: `TypeError [ERR_X]: message`, with `name` left alone.
  const { name } = error;
  nameError(error, `${name} [${code}]`);
  Error.captureStackTrace(error, maker);
  void error.stack; // V8 formats the stack on first look: look while the name carries the code
  Reflect.deleteProperty(error, 'name');
  return error;
}

/** Not by assignment: where Error.prototype is frozen that is an error of its own. */
function nameError(error: Error, name: string): void {
  Object.defineProperty(error, 'name', { value: name, configurable: true, enumerable: true, writable: true });
}

/** One of our own errors. `facts` (offset, bytesSent, …) become properties of it. */
export function zeroCopyError(code: ZeroCopyErrorCode, message: string, facts: object = {}): NodeJS.ErrnoException {
  return Object.assign(coded(CODES[code], code, message, zeroCopyError), facts);
}

/** How a received value is shown in a message: short, and strings quoted. */
export function show(value: unknown): string {
  if (typeof value === 'bigint') return `${String(value)}n`;
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value === 'object' && value !== null) {
    const { name } = (value.constructor as { name?: string } | undefined) ?? {};
    return name ? `an instance of ${name}` : 'an object without a prototype';
  }
  return showPlainly(value);
}

function showPlainly(value: unknown): string {
  return inspect(value, {
    depth: 0, breakLength: Infinity, maxStringLength: 60, maxArrayLength: 8, customInspect: false,
  });
}

/** `ERR_INVALID_ARG_TYPE`, a TypeError. `expected` completes "must be …". */
export function invalidArgType(name: string, expected: string, received: unknown): NodeJS.ErrnoException {
  const kind = typeof received === 'object' || typeof received === 'undefined' ? '' : `type ${typeof received} `;
  const message = `The "${name}" argument must be ${expected}. Received ${kind}${show(received)}`;
  return coded(TypeError, 'ERR_INVALID_ARG_TYPE', message, invalidArgType);
}

/** `ERR_INVALID_ARG_VALUE`, a TypeError. `reason` completes "The argument 'x' …". */
export function invalidArgValue(name: string, received: unknown, reason: string): NodeJS.ErrnoException {
  const message = `The argument '${name}' ${reason}. Received ${Array.isArray(received) ? showPlainly(received) : show(received)}`;
  return coded(TypeError, 'ERR_INVALID_ARG_VALUE', message, invalidArgValue);
}

/** `ERR_OUT_OF_RANGE`, a RangeError. `range` completes "It must be …". */
export function outOfRange(name: string, range: string, received: unknown): NodeJS.ErrnoException {
  const message = `The value of "${name}" is out of range. It must be ${range}. Received ${show(received)}`;
  return coded(RangeError, 'ERR_OUT_OF_RANGE', message, outOfRange);
}

/** The longest ArrayBuffer this engine makes, bytes: 4 GiB on Node 20, 2^53 - 1 from Node 22 on. */
export const MAX_BUFFER_LENGTH: number = bufferConstants.MAX_LENGTH;

/** ERR_BUFFER_TOO_LARGE for `length` bytes. `remedy` says how to reach them all the same. */
export function bufferTooLarge(length: number, remedy: string): NodeJS.ErrnoException {
  return zeroCopyError('ERR_BUFFER_TOO_LARGE',
    `${String(length)} bytes are more than one array holds here (${String(MAX_BUFFER_LENGTH)}): ${remedy}`);
}

/** `ERR_INVALID_THIS`, a TypeError: a method called on something that is not a `className`. */
export function invalidThis(className: string): NodeJS.ErrnoException {
  return coded(TypeError, 'ERR_INVALID_THIS', `Value of "this" must be of type ${className}`, invalidThis);
}

/** `ERR_ILLEGAL_CONSTRUCTOR`, a TypeError: `new` on a class of which others make the instances. */
export function illegalConstructor(remedy: string): NodeJS.ErrnoException {
  return coded(TypeError, 'ERR_ILLEGAL_CONSTRUCTOR', `Illegal constructor: ${remedy}`, illegalConstructor);
}

/**
 * The number libuv reports for an errno, with its code and description: the negative number itself, but on Windows
 * libuv has numbers of its own, and only the names are the same.
 */
function libuvError(errno: number): readonly [number, readonly [string, string]] {
  const errors = getSystemErrorMap();
  const known = errors.get(-errno);
  if (known !== undefined && process.platform !== 'win32') return [-errno, known];
  const name = Object.entries(constants.errno).find(([, number]) => number === errno)?.[0];
  const found = [...errors].find(([, [code]]) => code === name);
  return found ?? [-errno, [`E${String(errno)}`, 'unknown error']];
}

/**
 * A system error exactly as node:fs throws it: `code`, `errno` (negative), `syscall`, `path`. `remedy` is what the
 * message says at its end, where there is something that the caller can do.
 */
export function systemError(failure: OsFailure, path?: string, remedy?: string): NodeJS.ErrnoException {
  const [errno, [code, description]] = libuvError(failure.errno);
  const suffix = (path === undefined ? '' : ` '${path}'`) + (remedy === undefined ? '' : `: ${remedy}`);
  const error: NodeJS.ErrnoException = new Error(`${code}: ${description}, ${failure.syscall}${suffix}`);
  Error.captureStackTrace(error, systemError);
  error.errno = errno;
  error.code = code;
  error.syscall = failure.syscall;
  if (path !== undefined) error.path = path;
  return error;
}

export function isOsFailure(result: unknown): result is OsFailure {
  return typeof result === 'object' && result !== null && 'errno' in result && 'syscall' in result;
}

/** The value of a native call, or its failure thrown: a system error, or what this system has no call for. */
export function valueOrThrow<T>(result: T | OsFailure, path?: string): T {
  if (!isOsFailure(result)) return result;
  if (result.errno === constants.errno.ENOSYS) throw unavailable(result.syscall);
  throw systemError(result, path);
}

/** `ERR_FEATURE_UNAVAILABLE_ON_PLATFORM`, a TypeError, as Node has it. */
export function unavailable(feature: string): NodeJS.ErrnoException {
  const platform = `${process.platform}, ${process.release.name} ${process.version}`;
  const message = `${feature} is unavailable on this platform (${platform})`;
  return zeroCopyError('ERR_FEATURE_UNAVAILABLE_ON_PLATFORM', message);
}

/** As node:stream says it: the output was destroyed or closed before all was written. */
export function prematureClose(): NodeJS.ErrnoException {
  return coded(Error, 'ERR_STREAM_PREMATURE_CLOSE', 'Premature close', prematureClose);
}

/** As node:stream says it: writing to what was destroyed, or ended, before. */
export function notWritable(destroyed: boolean): NodeJS.ErrnoException {
  if (destroyed) return coded(Error, 'ERR_STREAM_DESTROYED', 'Cannot call sendfile after a stream was destroyed', notWritable);
  return coded(Error, 'ERR_STREAM_WRITE_AFTER_END', 'write after end', notWritable);
}

/**
 * A request that cannot be answered, as frameworks want it from next(): `status` and `statusCode`; `expose` says that
 * the message is for the client. What the system said is the `cause`.
 */
export function requestError(status: number, message: string, cause?: unknown): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause });
  Error.captureStackTrace(error, requestError);
  return Object.assign(error, { status, statusCode: status, expose: status < 500 });
}

/**
 * As Node's own operations reject when their AbortSignal fires: `name` AbortError, `code` ABORT_ERR, the reason as
 * `cause`.
 */
export function abortError(reason: unknown): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error('The operation was aborted', { cause: reason });
  Error.captureStackTrace(error, abortError);
  nameError(error, 'AbortError');
  error.code = 'ABORT_ERR';
  return error;
}
