/** NumPy's .npy files as views: the array in the file is the memory that is looked at. */
import { randomUUID } from 'node:crypto';
import { chmodSync, closeSync, openSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';

import { invalidArgType, invalidArgValue, outOfRange, systemError } from '../errors';
import { isPath, type FilePath } from '../files';
import type { Mapping } from '../mapping/mapping';
import { mmap, type MappableFile, type MmapOptions } from '../mapping/mmap';
import type { Access, Advice } from '../native';
import { oneOf, optionsObject, wholeNumber } from '../validate';
import { parseFormat } from '../view/format';
import { MAX_NDIM, type Order } from '../view/layout';
import { MemoryView, shapedView, type MemorySource } from '../view/memory-view';
import { dtypeOf, formatHead, LONGEST_PREFIX, locateText, notNpy, parseText, type NpyHeader } from './npy-header';

export interface OpenNpyOptions {
  /** As in mmap(): 'read' (default), 'write' (what is set reaches the file), 'copy' (it stays private). */
  readonly access?: Access;
  /** Where in the file the .npy begins, bytes: a member that an .npz stores uncompressed. Default 0. */
  readonly offset?: number | bigint;
  readonly advice?: Advice;
  readonly populate?: boolean;
}

export interface CreateNpyOptions {
  /** Of the elements, as in {@link MemoryView.cast}; 'c' is none of NumPy's numbers. */
  readonly format: string;
  /** Items per dimension; [] is one element without a dimension. */
  readonly shape: readonly number[];
  /** 'F': the first index varies fastest (NumPy's Fortran order). Default 'C'. */
  readonly order?: Order;
}

/**
 * The array in a .npy file, as a view with its format, shape and order (C or Fortran): nothing is read but the header.
 * The view's `obj` is the {@link Mapping}, whose close() ends it; otherwise it ends when nothing looks at it any more.
 *
 * Dtypes: bool, int8 to int64, uint8 to uint64, float16, float32, float64, in either byte order; 8-byte integers have
 * the format 'q' or 'Q'. Python: `numpy.load(file, mmap_mode='r')`. Source: numpy.lib.format, versions 1.0 to 3.0.
 * @throws ERR_INVALID_ARG_VALUE for what is no .npy file, is shorter than its header says, or holds another dtype
 * (the message names it); and as mmap()
 * @example
 * const matrix = openNpy('matrix.npy');
 * matrix.get([0, 2]);
 */
export function openNpy(file: MappableFile, options?: OpenNpyOptions): MemoryView {
  const wanted: MmapOptions = optionsObject(options, 'options', ['access', 'offset', 'advice', 'populate']);
  const mapping = mmap(file, wanted);
  try {
    return arrayIn(mapping, mapping.path ?? file);
  } catch (error) {
    mapping.close();
    throw error;
  }
}

/**
 * Makes a .npy file of zeros and maps it, to be filled: what is set in the view is in the file. A file that is there
 * already is emptied first, as `open(file, 'w')` does: mappings of it lose their memory (ERR_MAPPING_FAULT).
 * The disk's blocks are allocated before this returns.
 * Python: `numpy.lib.format.open_memmap(file, mode='w+', dtype=dtype, shape=shape)`.
 * @throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, before the file is touched; system errors as
 * mmap() with `size`: ENOSPC, EACCES, EISDIR
 * @example
 * const matrix = createNpy('matrix.npy', { format: 'd', shape: [1000, 3] });
 * matrix.set([0, 2], 1.5);
 */
export function createNpy(file: string | Buffer | URL, options: CreateNpyOptions): MemoryView {
  checkPath(file);
  const array = readArray(options);
  const head = formatHead(array.dtype, array.shape, array.order);
  closeSync(openSync(file, 'w'));
  const mapping = mmap(file, { access: 'write', size: head.length + array.nbytes });
  mapping.view(0, head.length).assign(head);
  return shapedView(mapping.view(head.length, array.nbytes), array.format, array.shape, array.order);
}

/**
 * Writes a view, or whatever a view can be made of, as a .npy file: in Fortran order if it is contiguous in that
 * order alone, else in C order. A file that is there already is replaced when all is written, not before: views of
 * the old one stay good, so an array can be written over the file that it is read from.
 * Python: `numpy.save(file, array)`.
 * @throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for format 'c'; ERR_VIEW_RELEASED, ERR_MAPPING_CLOSED; system
 * errors as mmap() with `size`: then no file is made and an old one stays
 */
export function writeNpy(file: string | Buffer | URL, source: MemorySource): void {
  const view = new MemoryView(source);
  const { format, shape, cContiguous, fContiguous } = view;
  const target = replaceable(file);
  const temporary = Buffer.concat([target.path, Buffer.from(`.${randomUUID()}.tmp`)]);
  try {
    const array = createNpy(temporary, { format, shape, order: fContiguous && !cContiguous ? 'F' : 'C' });
    array.assign(view);
    void view.format; // throws if the source lost pages while they were copied: then these are zeros
    (array.obj as Mapping).check();
    (array.obj as Mapping).close();
    if (target.mode !== undefined) chmodSync(temporary, target.mode);
    renameSync(temporary, target.path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

// ---------------------------------------------------------------- reading

function arrayIn(mapping: Mapping, file: unknown): MemoryView {
  const { byteLength } = mapping;
  const prefix = Buffer.from(mapping.view(0, Math.min(LONGEST_PREFIX, byteLength)).toBytes());
  const { from, to, encoding } = locateText(prefix, file);
  if (to > byteLength) throw notNpy(file, 'it ends within its header');
  const text = Buffer.from(mapping.view(from, to - from).toBytes()).toString(encoding);
  const header = parseText(text, file);
  const { format, shape, order } = header;
  const nbytes = bytesOfArray(header);
  if (nbytes > byteLength - to) {
    throw notNpy(file, `an array of shape (${shape.join(', ')}) has ${String(nbytes)} bytes, and ${String(byteLength - to)} follow its header`);
  }
  return shapedView(mapping.view(to, Number(nbytes)), format, shape, order);
}

/** Exact whatever the numbers in the header. */
function bytesOfArray({ format, shape }: Pick<NpyHeader, 'format' | 'shape'>): bigint {
  return shape.reduce((total, count) => total * BigInt(count), BigInt(format.itemsize));
}

// ---------------------------------------------------------------- writing

function readArray(options: CreateNpyOptions): NpyHeader & { dtype: string; nbytes: number } {
  if ((options as unknown) === undefined) throw invalidArgType('options', 'an options object', options);
  const { format: text, shape: items, order: word } = optionsObject(options, 'options', ['format', 'shape', 'order']);
  const format = parseFormat(text);
  const dtype = dtypeOf(format);
  if (dtype === undefined) throw invalidArgValue('options.format', text, "is none of NumPy's numbers: cast to 'B' first");
  if (!Array.isArray(items)) throw invalidArgType('options.shape', 'an array of integers', items);
  if (items.length > MAX_NDIM) throw outOfRange('options.shape', `at most ${String(MAX_NDIM)} dimensions`, items.length);
  const shape = Array.from(items as unknown[], (count) => wholeNumber(count, 'options.shape'));
  const nbytes = bytesOfArray({ format, shape });
  if (nbytes > BigInt(Number.MAX_SAFE_INTEGER)) throw outOfRange('options.shape', 'of less than 2 ** 53 bytes', nbytes);
  return { format, dtype, shape, order: oneOf(word, 'options.order', ['C', 'F'], 'C'), nbytes: Number(nbytes) };
}

function checkPath(file: unknown): void {
  if (!isPath(file)) throw invalidArgType('file', 'a path (string, Buffer or URL)', file);
}

/** Where a new file goes so that it takes the place of `file`: through links, and only if that is a file or nothing. */
function replaceable(file: FilePath): { path: Buffer; mode: number | undefined } {
  checkPath(file);
  const stats = statSync(file, { throwIfNoEntry: false });
  const name = file instanceof URL ? fileURLToPath(file) : file;
  if (stats === undefined) return { path: Buffer.from(name), mode: undefined };
  const { EISDIR, ENODEV } = os.constants.errno;
  if (!stats.isFile()) throw systemError({ errno: stats.isDirectory() ? EISDIR : ENODEV, syscall: 'open' }, name.toString());
  return { path: realpathSync(file, { encoding: 'buffer' }), mode: stats.mode & 0o7777 };
}
