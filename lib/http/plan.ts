/**
 * The whole answer to a request for a file, as data: (request facts, file facts) to status, head and bytes; pure.
 */
import type { ByteRange } from '../validate';
import { parseRange } from './byte-range';
import { evaluate, rangeApplies, type DecidingHeaders, type Validators } from './conditions';

/** Names and values in turn, as writeHead() takes them. */
export type HeaderList = readonly string[];

/** A file as it is sent: made once for a file that does not change (representation.ts). */
export interface Representation extends Validators {
  readonly size: number;
  readonly contentType: string;
  /** The head of a 304: Cache-Control, Last-Modified, ETag, Vary. */
  readonly unmodified: HeaderList;
  /** What every answer with bytes of it says: these, and Content-Encoding. */
  readonly shared: HeaderList;
  /** The head of a complete answer. */
  readonly whole: HeaderList;
  readonly acceptRanges: boolean;
}

export interface RequestFacts {
  readonly method: string;
  readonly headers: DecidingHeaders;
  readonly nowSeconds: number;
  /** Of the response so far: an application that set another than 200 wants the whole file with it. */
  readonly status: number;
  /** A line that the file does not contain; asked for only when several ranges are sent. */
  boundary(): string;
}

/** Text that stands between ranges, or bytes of the file. */
export type Piece = string | ByteRange;

export interface Plan {
  readonly status: number;
  readonly headers: HeaderList;
  /** Empty for HEAD, 304, an empty file and refusals. */
  readonly pieces: readonly Piece[];
  /** 412 and 416: a page that says so follows. */
  readonly isRefusal?: true;
}

/** For GET and HEAD. */
export function planResponse(request: RequestFacts, file: Representation): Plan {
  if (request.status !== 200) return complete(request, file, request.status);
  switch (evaluate(request.headers, file)) {
    case 'failed': return { status: 412, headers: [], pieces: [], isRefusal: true };
    case 'not-modified': return { status: 304, headers: file.unmodified, pieces: [] };
    default: return request.headers.range === undefined ? complete(request, file, 200) : partial(request, file);
  }
}

function complete({ method }: RequestFacts, file: Representation, status: number): Plan {
  const pieces = method === 'HEAD' || file.size === 0 ? [] : [{ offset: 0, length: file.size }];
  return { status, headers: file.whole, pieces };
}

/** Range means something for GET alone (RFC 9110 section 14.2). */
function partial(request: RequestFacts, file: Representation): Plan {
  const { method, headers, nowSeconds } = request;
  const usable = method === 'GET' && file.acceptRanges && rangeApplies(headers['if-range'], file, nowSeconds);
  const ranges = usable ? parseRange(headers.range ?? '', file.size) : 'whole';
  if (ranges === 'whole') return complete(request, file, 200);
  if (ranges === 'unsatisfiable') {
    return { status: 416, headers: ['Content-Range', `bytes */${String(file.size)}`], pieces: [], isRefusal: true };
  }
  const [first] = ranges;
  return ranges.length === 1 && first !== undefined ? single(first, file) : multiple(ranges, file, request.boundary());
}

function single(range: ByteRange, file: Representation): Plan {
  const headers = ['Content-Type', file.contentType, 'Content-Length', String(range.length),
    'Content-Range', contentRange(range, file), 'Accept-Ranges', 'bytes', ...file.shared];
  return { status: 206, headers, pieces: [range] };
}

function contentRange({ offset, length }: ByteRange, file: Representation): string {
  return `bytes ${String(offset)}-${String(offset + length - 1)}/${String(file.size)}`;
}

/** multipart/byteranges (RFC 9110 section 14.6). */
function multiple(ranges: readonly ByteRange[], file: Representation, boundary: string): Plan {
  const pieces: Piece[] = [];
  for (const range of ranges) {
    pieces.push(`\r\n--${boundary}\r\nContent-Type: ${file.contentType}\r\nContent-Range: ${contentRange(range, file)}\r\n\r\n`, range);
  }
  pieces.push(`\r\n--${boundary}--\r\n`);
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0); // text is ASCII
  const headers = ['Content-Type', `multipart/byteranges; boundary=${boundary}`, 'Content-Length', String(length),
    'Accept-Ranges', 'bytes', ...file.shared];
  return { status: 206, headers, pieces };
}
