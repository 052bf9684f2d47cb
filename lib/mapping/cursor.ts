import { invalidArgValue, invalidThis, outOfRange } from '../errors';
import { wholeNumber } from '../validate';
import { readonlyError, toStored } from '../view/elements';
import { parseFormat } from '../view/format';
import { MemoryView, type MemorySource } from '../view/memory-view';

/** Where seek() counts from: the start (Python: os.SEEK_SET), the position (SEEK_CUR), the end (SEEK_END). */
export type Whence = 0 | 1 | 2;

/** What a Mapping is to its cursors. */
export interface CursorMemory {
  view(offset?: number, length?: number): MemoryView;
  indexOf(needle: number, from: number): number;
}

const BYTE = parseFormat('B');
const NEWLINE = 0x0a;

/** Throws ERR_INVALID_THIS for what is no Cursor. */
let genuine: (value: unknown) => void;

/**
 * A mapping as Python reads and writes it like a file: bytes at a position that moves. Each {@link Mapping.cursor} call
 * makes one of its own, at 0. All bytes are copied out and in. Every method throws ERR_MAPPING_CLOSED once the mapping
 * is closed; resize() leaves the position where it is, even if that is past the end now.
 *
 * Source: CPython's `mmap` module, `mmap.read` and so on.
 */
export class Cursor {
  readonly #mapping: CursorMemory;
  readonly #sizeOfFile: () => number;
  #view: MemoryView;
  #position = 0;

  static {
    genuine = (value) => {
      if (!(typeof value === 'object' && value !== null && #mapping in value)) throw invalidThis('Cursor');
    };
  }

  /** @internal Made by {@link Mapping.cursor}. */
  constructor(mapping: CursorMemory, sizeOfFile: () => number) {
    this.#mapping = mapping;
    this.#sizeOfFile = sizeOfFile;
    this.#view = mapping.view();
  }

  /**
   * Up to `n` bytes from the position on, as a copy; fewer at the end, none past it. Left out, null or negative: all
   * that remain.
   * @throws ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE; ERR_BUFFER_TOO_LARGE for more than an array holds
   */
  read(n?: number | bigint | null): Uint8Array {
    genuine(this);
    const wanted = n === undefined || n === null ? -1 : wholeNumber(n, 'n', Number.MIN_SAFE_INTEGER);
    const remaining = this.#remaining();
    return this.#take(wanted < 0 ? remaining : Math.min(wanted, remaining));
  }

  /** The bytes up to and with the next `\n`, or to the end, as a copy; none at the end. */
  readLine(): Uint8Array {
    genuine(this);
    const remaining = this.#remaining();
    const end = remaining === 0 ? -1 : this.#mapping.indexOf(NEWLINE, this.#position);
    return this.#take(end < 0 ? remaining : end + 1 - this.#position);
  }

  /**
   * The byte at the position, 0 to 255.
   * @throws ERR_OUT_OF_RANGE at the end
   */
  readByte(): number {
    genuine(this);
    const view = this.#whole();
    if (this.#position >= view.length) throw pastEnd(1, this.#position, view.length);
    const byte = view.get(this.#position) as number;
    this.#position++;
    return byte;
  }

  /**
   * Writes all the bytes of any contiguous memory at the position, which may lie in the mapping itself; answers how
   * many. All or none: the mapping does not grow.
   * @throws ERR_INVALID_ARG_TYPE, ERR_VIEW_LAYOUT; ERR_VIEW_READONLY; ERR_OUT_OF_RANGE for more than remain
   */
  write(bytes: MemorySource): number {
    genuine(this);
    const source = new MemoryView(bytes).cast('B');
    const { length } = source;
    this.#checkWritable(length);
    this.#mapping.view(this.#position, length).assign(source);
    this.#position += length;
    return length;
  }

  /**
   * Writes one byte, 0 to 255, at the position.
   * @throws ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE, also at the end; ERR_VIEW_READONLY
   */
  writeByte(value: number): void {
    genuine(this);
    const byte = toStored(value, BYTE) as number;
    this.#checkWritable(1);
    this.#whole().set(this.#position, byte);
    this.#position++;
  }

  /**
   * Moves the position and answers it, bytes from the start.
   * @param offset negative counts back from where `whence` says
   * @param whence 0 (the default) from the start, 1 from the position, 2 from the end
   * @throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE; ERR_OUT_OF_RANGE before the start and past the end
   */
  seek(offset: number | bigint, whence: Whence = 0): number {
    genuine(this);
    const distance = wholeNumber(offset, 'offset', Number.MIN_SAFE_INTEGER);
    const { length } = this.#whole();
    const from = [0, this.#position, length][wholeNumber(whence, 'whence', Number.MIN_SAFE_INTEGER)];
    if (from === undefined) throw invalidArgValue('whence', whence, 'must be 0 (from the start), 1 (from the position) or 2 (from the end)');
    if (distance < -from || distance > length - from) {
      throw outOfRange('offset', `>= ${String(-from)} and <= ${String(length - from)} from there`, offset);
    }
    this.#position = from + distance;
    return this.#position;
  }

  /** The position, bytes from the start. */
  tell(): number {
    genuine(this);
    this.#whole();
    return this.#position;
  }

  /**
   * How long the whole file is now, bytes, however much of it is mapped.
   * @throws system errors of fstat(2): EBADF for a mapping that does not write and was made when more than 256 others
   * were open, because those keep no descriptor
   */
  size(): number {
    genuine(this);
    return this.#sizeOfFile();
  }

  /** A view of all the mapping, open. Throws why it is not. */
  #whole(): MemoryView {
    if (this.#view.released) this.#view = this.#mapping.view();
    void this.#view.length;
    return this.#view;
  }

  /** Bytes from the position to the end; none where a resize has left it past that. */
  #remaining(): number {
    return Math.max(0, this.#whole().length - this.#position);
  }

  #take(length: number): Uint8Array {
    if (length === 0) return new Uint8Array(0);
    const bytes = this.#mapping.view(this.#position, length).toBytes();
    this.#position += length;
    return bytes;
  }

  #checkWritable(length: number): void {
    const view = this.#whole();
    if (view.readonly) throw readonlyError();
    if (this.#position > view.length || length > view.length - this.#position) {
      throw pastEnd(length, this.#position, view.length);
    }
  }
}

function pastEnd(wanted: number, position: number, length: number): Error {
  const remain = Math.max(0, length - position);
  return outOfRange('length', `<= ${String(remain)}: the cursor is at ${String(position)} of ${String(length)} bytes`, wanted);
}
