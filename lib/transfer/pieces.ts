/** Buffers that a file is read into, piece by piece. */

/** Bytes per read. */
export const PIECE = 256 * 1024;
/** Of those that are used again and again. */
const MOST_KEPT = 8;

export interface Pieces {
  /** A buffer of at most PIECE bytes. */
  take(length: number): Buffer;
  /** When nobody will look at it any more. */
  giveBack(buffer: Buffer): void;
}

/** For streams that may keep what they were given. */
export const freshPieces: Pieces = {
  take: (length) => Buffer.allocUnsafeSlow(length),
  giveBack: () => undefined,
};

const kept: ArrayBuffer[] = [];

/** For streams that are done with a piece when its write is over. */
export const reusedPieces: Pieces = {
  take: (length) => Buffer.from(kept.pop() ?? new ArrayBuffer(PIECE), 0, length),
  giveBack: (buffer) => {
    if (kept.length < MOST_KEPT) kept.push(buffer.buffer as ArrayBuffer);
  },
};
