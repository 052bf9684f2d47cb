/**
 * copyFile(): bytes of a file into another without passing through JavaScript, turn by turn on the thread pool.
 */
import { invalidArgValue, outOfRange, valueOrThrow } from '../errors';
import { COPY_STATES, native, type CopyHandle } from '../native';
import {
  optionalBoolean, optionalFunction, optionalSignal, optionalWholeNumber, optionsObject, wholeNumber, type ByteRange,
} from '../validate';
import {
  checkTarget, closeTarget, holdTarget, openTarget, type CopyTarget, type HeldTarget, type OpenTarget,
} from './copy-target';
import { Duplicate } from './duplicate';
import { openKept } from './open-source';
import { inPoolTurn } from './pool-turns';
import { shortFile, type SendableFile, type Source, type WantedRange } from './source';
import { Transfer, type TransferOptions } from './transfer';

export interface CopyFileOptions {
  /** Where in the source to begin, bytes. Default 0. */
  readonly offset?: number | bigint;
  /** How many bytes. Default: to the end of the source. */
  readonly length?: number | bigint;
  /**
   * Where in the target to write, bytes; what lies around it stays. Left out: the target holds the copied bytes and
   * nothing else afterwards, whatever was in it.
   */
  readonly targetOffset?: number | bigint;
  /** Ends the copy, after at most 8 MiB. */
  readonly signal?: AbortSignal;
  /** Told the bytes copied so far, holes included, at most every 50 ms, and at the end. */
  readonly onProgress?: (copied: number) => void;
  /** A copy that fails leaves a new target as far as it came, to be gone on with. Default false: it is removed. */
  readonly keepPartial?: boolean;
}

const COPY = { argument: 'source', syscall: 'copyfile', holds: true };

interface Request {
  readonly wanted: WantedRange;
  /** Undefined: the target is replaced. */
  readonly targetOffset: number | undefined;
  readonly keepPartial: boolean;
  readonly control: TransferOptions;
}

/**
 * Copies a file, or a part of it, to another: by sharing the blocks on the disk where the file system can (a reflink),
 * else by copy_file_range(2), else sendfile(2), else by reading and writing. Holes stay holes. It runs on the thread
 * pool, a few MiB at a time and on at most two of its threads, however many copies there are.
 *
 * A target that is not there is made, with the source's permissions. One that is there keeps its own; without
 * `targetOffset` its content is replaced from the start, so that a copy that fails has cut it. The positions of
 * descriptors and FileHandles stay. The bytes of a Mapping are copied as they are in memory, without holes.
 * @returns the bytes copied
 * @throws (rejects, with `bytesSent`, the bytes of the target that are right) system errors: ENOENT, EACCES and others
 * of opening, EISDIR, ESPIPE and EINVAL for what is no regular file, EBADF for a target that is read-only or opened for
 * appending, ENOSPC, EIO; ERR_SHORT_FILE when the source ends early; ERR_MAPPING_CLOSED, ERR_MAPPING_FAULT; ABORT_ERR;
 * ERR_INVALID_ARG_VALUE when source and target are the same file and the ranges overlap; ERR_INVALID_ARG_TYPE,
 * ERR_OUT_OF_RANGE
 * @example
 * await copyFile('disk.img', 'backup.img', { onProgress: (copied) => console.log(copied) });
 */
export async function copyFile(source: SendableFile, target: CopyTarget, options?: CopyFileOptions): Promise<number> {
  const request = readOptions(options);
  checkTarget(target);
  const transfer = new Transfer({ ...request.control, endsByItself: true });
  return transfer.run(async () => {
    const to = holdTarget(target);
    try {
      const from = await openKept(source, COPY);
      await copyTo(from, to, request, transfer).finally(() => { from.close(); });
    } finally {
      if (to instanceof Duplicate) to.close();
    }
  });
}

function readOptions(options: CopyFileOptions | undefined): Request {
  const { offset, length, targetOffset, signal, onProgress, keepPartial } = optionsObject(options, 'options', [
    'offset', 'length', 'targetOffset', 'signal', 'onProgress', 'keepPartial',
  ]);
  return {
    wanted: {
      offset: optionalWholeNumber(offset, 'offset', 0),
      length: length === undefined ? undefined : wholeNumber(length, 'length'),
    },
    targetOffset: targetOffset === undefined ? undefined : wholeNumber(targetOffset, 'targetOffset'),
    keepPartial: optionalBoolean(keepPartial, 'options.keepPartial', false),
    control: {
      signal: optionalSignal(signal, 'options.signal'),
      onProgress: optionalFunction(onProgress, 'options.onProgress'),
    },
  };
}

async function copyTo(source: Source, target: HeldTarget, request: Request, transfer: Transfer): Promise<void> {
  const range = source.range(request.wanted);
  const last = Number.MAX_SAFE_INTEGER - range.length;
  if ((request.targetOffset ?? 0) > last) {
    throw outOfRange('targetOffset', `an integer >= 0 and <= ${String(last)}`, request.targetOffset);
  }
  // Before the target is touched: what can be known to fail must not cost its content.
  if (source.isShorterThan(range)) throw shortFile(source.path, range.length, 0);
  transfer.throwIfStopped();
  const to = await openTarget(target, source.mode);
  let isComplete = false;
  try {
    await copyRange(source, range, to, request.targetOffset, transfer);
    isComplete = true;
  } finally {
    await closeTarget(to, to.isNew && !isComplete && !request.keepPartial);
  }
}

async function copyRange(
  source: Source, range: ByteRange, to: OpenTarget, targetOffset: number | undefined, transfer: Transfer,
): Promise<void> {
  const place = { fd: to.fd, isOurs: to.isOurs, offset: targetOffset ?? 0, replaces: targetOffset === undefined };
  const copy = valueOrThrow(source.startCopy(range, place), to.path);
  if (copy === null) {
    throw invalidArgValue('target', to.path ?? to.fd, 'is the same file as the source, and what is read would be written over');
  }
  try {
    while (await takeTurn(copy, source, range, transfer));
  } finally {
    native.endCopy(copy);
  }
  const fault = source.fault(); // what was read there were zeros
  if (fault !== undefined) throw fault;
}

/** Whether there is more to copy. */
async function takeTurn(copy: CopyHandle, source: Source, range: ByteRange, transfer: Transfer): Promise<boolean> {
  transfer.throwIfStopped();
  const { state, copied, errno, syscall } = await inPoolTurn(() => native.copyTurn(copy));
  transfer.add(copied - transfer.sent);
  switch (COPY_STATES[state]) {
    case 'more': return true;
    case 'failed': throw source.failure({ errno, syscall }, range.offset + copied);
    case 'short': throw shortFile(source.path, range.length, copied);
    default: return false;
  }
}
