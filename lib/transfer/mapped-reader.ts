/**
 * A range of a source as Buffers over mapped memory. Of a file one *segment* at a time is mapped, read in on the thread
 * pool, and closed when the last of it was given; then it is unmapped as soon as nobody has a Buffer of it any more.
 */
import { windowsOf } from '../mapping/mapping';
import type { ByteRange } from '../validate';
import { shortFile, type MappedRange, type Source } from './source';
import { lost } from './stream-options';

/** Bytes; a longer chunk makes a longer one. */
const SEGMENT = 8 * 1024 * 1024;

interface Segment extends MappedRange {
  /** Where in the source it begins and ends, bytes. */
  readonly start: number;
  readonly end: number;
}

export class MappedReader {
  readonly #source: Source;
  readonly #range: ByteRange;
  #segment: Segment | undefined;

  constructor(source: Source, range: ByteRange) {
    this.#source = source;
    this.#range = range;
  }

  /**
   * At most `length` bytes from `position` on, at least one. Rejects with ERR_SHORT_FILE, ERR_MAPPING_CLOSED,
   * ERR_MAPPING_FAULT, system errors.
   */
  async read(position: number, length: number): Promise<Buffer> {
    try {
      const segment = this.#segmentAt(position) ?? await this.#advance(position, length);
      if (segment === undefined) return await this.#copy(position, length);
      const fault = windowsOf(segment.mapping).fault();
      if (fault !== undefined) throw fault;
      return segment.mapping.asBuffer(segment.at + position - segment.start, Math.min(length, segment.end - position));
    } catch (error) {
      throw lost(this.#source, this.#range, position, error);
    }
  }

  close(): void {
    if (this.#segment?.isOurs === true) this.#segment.mapping.close();
    this.#segment = undefined;
  }

  #segmentAt(position: number): Segment | undefined {
    const segment = this.#segment;
    return segment !== undefined && position >= segment.start && position < segment.end ? segment : undefined;
  }

  /** Undefined for a file that cannot be mapped. */
  async #advance(position: number, wanted: number): Promise<Segment | undefined> {
    this.close();
    const { offset, length } = this.#range;
    const part = { offset: position, length: Math.min(Math.max(SEGMENT, wanted), offset + length - position) };
    const mapped = this.#source.map(part);
    if (mapped === undefined) return undefined;
    const segment = { ...mapped, start: position, end: position + part.length };
    this.#segment = segment;
    await mapped.mapping.prefetch({ offset: mapped.at, length: part.length });
    return segment;
  }

  async #copy(position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(length);
    const count = await this.#source.read(buffer, position);
    if (count === 0) throw shortFile(this.#source.path, this.#range.length, position - this.#range.offset);
    return buffer.subarray(0, count);
  }
}
