/** The part of a source that a stream gives: what createReadStream() and createReadableStream() have in common. */
import { outOfRange } from '../errors';
import { optionalSignal, optionalWholeNumber, optionsObject, wholeNumber, type ByteRange } from '../validate';
import { openKept } from './open-source';
import { shortFile, type SendableFile, type Source } from './source';

export interface ReadStreamOptions {
  /** The first byte. Default 0. */
  readonly start?: number | bigint;
  /** The last byte, inclusive, as fs.createReadStream has it. Default Infinity: what the source ends with. */
  readonly end?: number | bigint;
  /** Bytes per chunk, and how many are read ahead. Default 262,144. */
  readonly highWaterMark?: number;
  /** Destroys the stream with an AbortError. */
  readonly signal?: AbortSignal;
}

/** Options, read once and checked. */
export interface StreamRequest {
  readonly start: number;
  readonly end: number;
  readonly highWaterMark: number;
  readonly signal: AbortSignal | undefined;
}

/** Larger chunks cost less, up to here; bytes. */
const CHUNK = 256 * 1024;
/** One ArrayBuffer lies over any of them. */
const LARGEST_CHUNK = 2 ** 30;

const READ = { argument: 'source', syscall: 'read', holds: false };

export function readStreamOptions(options: ReadStreamOptions | undefined): StreamRequest {
  const { start, end, highWaterMark, signal } = optionsObject(options, 'options', ['start', 'end', 'highWaterMark', 'signal']);
  const first = optionalWholeNumber(start, 'start', 0);
  const last = end === undefined || end === Infinity ? Infinity : wholeNumber(end, 'end');
  if (first > last) throw outOfRange('start', `<= "end" (here: ${String(last)})`, first);
  return {
    start: first,
    end: last,
    highWaterMark: optionalWholeNumber(highWaterMark, 'options.highWaterMark', CHUNK, 1, LARGEST_CHUNK),
    signal: optionalSignal(signal, 'options.signal'),
  };
}

/** Throws for arguments that are wrong; what is wrong with a file comes with the promise, as streams have it. */
export function openForReading(source: SendableFile): Promise<Source> {
  let wrong: unknown;
  const opening = new Promise<Source>((resolve) => {
    try {
      resolve(openKept(source, READ));
    } catch (error) {
      if (error instanceof TypeError || error instanceof RangeError) wrong = error;
      throw error;
    }
  });
  opening.catch(() => undefined); // the stream tells it when it opens
  if (wrong !== undefined) throw wrong as Error;
  return opening;
}

/** What of `source` was asked for, and is there. */
export function rangeInside(source: Source, { start, end }: StreamRequest): ByteRange {
  const { length: size } = source.range({ offset: undefined, length: undefined });
  const offset = Math.min(start, size);
  return { offset, length: Math.min(end + 1, size) - offset };
}

/** Why the bytes of `range` from `position` on are not to be had: the file is shorter now, or as `error` says. */
export function lost(source: Source, range: ByteRange, position: number, error: unknown): unknown {
  return source.isCutBelow(range) ? shortFile(source.path, range.length, position - range.offset) : error;
}
