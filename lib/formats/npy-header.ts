/**
 * The head of a .npy file: a magic string, a version, and a Python dictionary that says what array follows. Pure.
 *
 *     93 'NUMPY' | major, minor | length of the text (<u2; <u4 from 2.0 on) | text, spaces, '\n' | elements
 *
 * Source: NumPy, numpy.lib.format. The text is matched, never evaluated.
 */
import { invalidArgValue } from '../errors';
import { HOST_LITTLE, KIND, parseFormat, type Format } from '../view/format';
import { MAX_NDIM, type Order } from '../view/layout';

/** What array a file holds. */
export interface NpyHeader {
  readonly format: Format;
  readonly shape: readonly number[];
  /** 'F': the first index varies fastest. */
  readonly order: Order;
}

const MAGIC = '\x93NUMPY';
/** Of the versions that say the length of the text in two bytes, and in four. */
const SHORT_PREFIX = 10;
const LONG_PREFIX = 12;
/** As far as a prefix may reach, bytes. */
export const LONGEST_PREFIX = LONG_PREFIX;
/** NumPy reads no longer text either, unless it is told to. */
const LONGEST_TEXT = 10_000;
/** Elements begin at a multiple of this in what NumPy writes, and in what is written here; bytes. */
const ALIGNMENT = 64;
/** NumPy leaves room for the dimension that grows to have so many digits, so that a head can be changed in place. */
const ROOM_TO_GROW = 21;

/** Every dtype that a view has a format for. */
const FORMATS: Readonly<Record<string, string>> = {
  b1: '?', i1: 'b', u1: 'B', i2: 'h', u2: 'H', i4: 'i', u4: 'I', i8: 'q', u8: 'Q', f2: 'e', f4: 'f', f8: 'd',
};
const DTYPES: Readonly<Partial<Record<number, string>>> = {
  [KIND.BOOL]: 'b1', [KIND.I8]: 'i1', [KIND.U8]: 'u1', [KIND.I16]: 'i2', [KIND.U16]: 'u2', [KIND.I32]: 'i4',
  [KIND.U32]: 'u4', [KIND.I64]: 'i8', [KIND.U64]: 'u8', [KIND.F16]: 'f2', [KIND.F32]: 'f4', [KIND.F64]: 'f8',
};
const OTHER_KINDS: Readonly<Record<string, string>> = {
  c: 'complex numbers', S: 'byte strings', a: 'byte strings', U: 'text', O: 'pickled Python objects', V: 'raw records',
  M: 'dates', m: 'durations', f: 'floats of that size', '[': 'records', '(': 'arrays in the array',
};

// ---------------------------------------------------------------- reading

/** `ERR_INVALID_ARG_VALUE` about the file; `reason` completes "is no .npy file that can be read: …". */
export function notNpy(file: unknown, reason: string): Error {
  return invalidArgValue('file', file, `is no .npy file that can be read: ${reason}`);
}

/**
 * Where the text lies, [from, to), and whether it is of a version that Python 2 wrote too. `prefix` has the first
 * LONGEST_PREFIX bytes of the file, fewer when it ends before. Throws ERR_INVALID_ARG_VALUE.
 */
export function locateText(prefix: Buffer, file: unknown): { from: number; to: number; encoding: 'latin1' | 'utf8' } {
  if (prefix.toString('latin1', 0, MAGIC.length) !== MAGIC) throw notNpy(file, "it does not begin with '\\x93NUMPY'");
  const [major, minor] = prefix.subarray(MAGIC.length);
  if (minor !== 0 || major === undefined || major < 1 || major > 3) {
    throw notNpy(file, `its version is ${String(major)}.${String(minor)}; known are 1.0, 2.0 and 3.0`);
  }
  const from = major === 1 ? SHORT_PREFIX : LONG_PREFIX;
  if (prefix.length < from) throw notNpy(file, 'it ends within its header');
  const length = major === 1 ? prefix.readUInt16LE(8) : prefix.readUInt32LE(8);
  if (length > LONGEST_TEXT) {
    throw notNpy(file, `its header says that it is ${String(length)} bytes long, more than ${String(LONGEST_TEXT)}`);
  }
  return { from, to: from + length, encoding: major === 3 ? 'utf8' : 'latin1' };
}

/** One entry of the dictionary: a string, a word, a tuple of numbers, or a bracket (no dtype that we know is one). */
const ENTRY = /\s*(?<quote>['"])(?<key>\w+)\k<quote>\s*:\s*(?:(?<mark>['"])(?<descr>[^'"\\]*)\k<mark>|(?<word>True|False)|\((?<tuple>[\dL,\s]*)\)|(?<nested>[[(].*))\s*(?:,|(?=\}))/suy;
/** What stands between the parentheses, without white space. Python 2 wrote long integers as 3L. */
const TUPLE = /^(?:|\d+L?,|\d+L?(?:,\d+L?)+,?)$/;

/** What array the text announces. Throws ERR_INVALID_ARG_VALUE, also for a dtype that views have no format for. */
export function parseText(text: string, file: unknown): NpyHeader {
  const entries = entriesOf(text, file);
  const [descr, word, shape] = ['descr', 'fortran_order', 'shape'].map((key) => entries.get(key));
  if (entries.size !== 3 || descr === undefined || word === undefined || shape === undefined) {
    throw notNpy(file, `its header has the keys ${[...entries.keys()].join(', ')}, not descr, fortran_order and shape`);
  }
  if (descr['descr'] === undefined) throw notNpy(file, 'the descr in its header is no dtype');
  if (word['word'] === undefined) throw notNpy(file, 'the fortran_order in its header is neither True nor False');
  return {
    format: formatOf(descr['descr'], file),
    shape: shapeOf(shape['tuple'], file),
    order: word['word'] === 'True' ? 'F' : 'C',
  };
}

type Entry = Readonly<Record<string, string | undefined>>;

/** By key. Throws for a dtype of brackets, which is none that we read: no matter where it ends. */
function entriesOf(text: string, file: unknown): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  let at = /^\s*\{/.exec(text)?.[0].length ?? text.length;
  for (;;) {
    ENTRY.lastIndex = at;
    const entry: Entry | undefined = ENTRY.exec(text)?.groups;
    if (entry === undefined) break;
    at = ENTRY.lastIndex;
    const { key = '', nested } = entry;
    if (key === 'descr' && nested !== undefined) throw unknownDtype(file, nested);
    if (entries.has(key)) throw notNpy(file, `its header has the key ${key} twice`);
    entries.set(key, entry);
  }
  if (!/^\s*\}\s*$/.test(text.slice(at))) throw notNpy(file, 'its header is no dictionary of descr, fortran_order and shape');
  return entries;
}

function formatOf(descr: string, file: unknown): Format {
  const match = /^([<>|=]?)([a-z]\d+)$/.exec(descr);
  const code = match === null || !Object.hasOwn(FORMATS, match[2] as string) ? undefined : FORMATS[match[2] as string];
  if (code === undefined) throw unknownDtype(file, descr);
  const order = match?.[1] ?? '';
  // This machine's own order is a format without one, as NumPy's own buffers have it: typed arrays can share it.
  const foreign = (order === '<' && !HOST_LITTLE) || (order === '>' && HOST_LITTLE);
  return parseFormat(foreign && parseFormat(code).itemsize > 1 ? order + code : code);
}

function unknownDtype(file: unknown, descr: string): Error {
  const kind = OTHER_KINDS[/^[<>|=]?([[(]|[a-zA-Z](?![a-zA-Z]))/.exec(descr)?.[1] ?? ''];
  const what = kind === undefined ? '' : ` (${kind})`;
  return notNpy(file, `its dtype is ${descr.slice(0, 80)}${what}; a view has formats for ${Object.keys(FORMATS).join(' ')}`);
}

function shapeOf(tuple: string | undefined, file: unknown): number[] {
  const items = tuple?.replaceAll(/\s/g, '');
  if (items === undefined || !TUPLE.test(items)) throw notNpy(file, 'the shape in its header is no tuple of lengths');
  const shape = items.split(',').filter((item) => item !== '').map((item) => Number(item.replace('L', '')));
  if (shape.length > MAX_NDIM) throw notNpy(file, `it has ${String(shape.length)} dimensions; a view has at most ${String(MAX_NDIM)}`);
  const tooLong = shape.find((count) => !Number.isSafeInteger(count));
  if (tooLong !== undefined) throw notNpy(file, `a dimension of ${String(tooLong)} items is longer than any memory`);
  return shape;
}

// ---------------------------------------------------------------- writing

/** The dtype that NumPy knows a format as; undefined for 'c', which is none of its numbers. */
export function dtypeOf({ kind, itemsize, little }: Format): string | undefined {
  const code = DTYPES[kind];
  if (code === undefined) return undefined;
  return (itemsize === 1 ? '|' : little ? '<' : '>') + code;
}

/** The head of a file, byte for byte what NumPy writes (version 1.0; no view has so many dimensions as to need 2.0). */
export function formatHead(dtype: string, shape: readonly number[], order: Order): Buffer {
  const items = shape.length === 1 ? `${String(shape[0])},` : shape.join(', ');
  const growing = order === 'F' ? shape.at(-1) : shape[0];
  const room = growing === undefined ? 0 : Math.max(0, ROOM_TO_GROW - String(growing).length);
  const dictionary = `{'descr': '${dtype}', 'fortran_order': ${order === 'F' ? 'True' : 'False'}, 'shape': (${items}), }`;
  const text = dictionary + ' '.repeat(room);
  const padding = ALIGNMENT - ((SHORT_PREFIX + text.length + 1) % ALIGNMENT);
  const head = Buffer.from(`${MAGIC}\x01\x00..${text}${' '.repeat(padding)}\n`, 'latin1');
  head.writeUInt16LE(head.length - SHORT_PREFIX, 8);
  return head;
}
