/**
 * One sendfile() under way: how much was sent, who may stop it, who is told.
 */
import { abortError, type OsFailure } from '../errors';
import { ENDINGS, native, type Outcome } from '../native';
import type { ByteRange } from '../validate';
import { startJob } from './jobs';
import type { Source } from './source';

export interface TransferOptions {
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((sent: number) => void) | undefined;
  /** run() rejects only after its work has ended; the work must call throwIfStopped() itself. Default false. */
  readonly endsByItself?: boolean;
}

/** What the caller threw is one of them, whatever that is. */
interface Stop {
  readonly reason: unknown;
}

/** At most one call of onProgress in this time, milliseconds. */
const PROGRESS_INTERVAL = 50;

export class Transfer {
  readonly #signal: AbortSignal | undefined;
  readonly #onProgress: ((sent: number) => void) | undefined;
  readonly #endsByItself: boolean;
  #settled = 0; // bytes of what has ended
  #job: number | undefined;
  #stopped: Stop | undefined;
  #rejectNow: ((reason: unknown) => void) | undefined;
  #reported = 0;
  #ticking: NodeJS.Timeout | undefined;

  constructor({ signal, onProgress, endsByItself = false }: TransferOptions) {
    this.#endsByItself = endsByItself;
    this.#signal = signal;
    this.#onProgress = onProgress;
  }

  /** Bytes that left so far, as far as the system has taken them. */
  get sent(): number {
    return this.#settled + (this.#job === undefined ? 0 : native.sendProgress(this.#job).sent);
  }

  /** Bytes that the peer has acknowledged; what did not leave by a job counts at once. */
  get acknowledged(): number {
    if (this.#job === undefined) return this.#settled;
    const { sent, unacknowledged } = native.sendProgress(this.#job);
    return this.#settled + sent - unacknowledged;
  }

  /** Whether somebody ended it. */
  get isStopped(): boolean {
    return this.#stopped !== undefined;
  }

  /**
   * Runs `work` and answers for its ending: resolves with the bytes sent, rejects with `bytesSent` on the error. Work
   * that is done when it returns has no promise.
   */
  async run(work: () => Promise<void> | undefined): Promise<number> {
    const onAbort = (): void => { this.stop(abortError(this.#signal?.reason)); };
    if (this.#signal?.aborted) throw this.#withCount(abortError(this.#signal.reason));
    this.#signal?.addEventListener('abort', onAbort);
    try {
      this.#startTicking();
      const working = work();
      if (working !== undefined) await this.#unlessStopped(working);
      this.#report();
      return this.#settled;
    } catch (error) {
      throw this.#withCount(error);
    } finally {
      clearInterval(this.#ticking);
      this.#signal?.removeEventListener('abort', onAbort);
    }
  }

  #unlessStopped(working: Promise<void>): Promise<void> {
    if (this.#endsByItself) return working;
    return new Promise((resolve, reject) => {
      this.#rejectNow = reject;
      working.then(resolve, reject);
      if (this.#stopped === undefined || this.#job !== undefined) return;
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a callback may throw anything
      reject(this.#stopped.reason);
    });
  }

  /** Ends it with `reason`: at once, or when the turn of a running job is over, for only then is the count exact. */
  stop(reason: unknown): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = { reason };
    if (this.#job === undefined) this.#rejectNow?.(reason);
    else native.cancelSend(this.#job);
  }

  throwIfStopped(): void {
    if (this.#stopped !== undefined) throw this.#stopped.reason;
  }

  /** Counts bytes that left by another way than a job. */
  add(bytes: number): void {
    this.#settled += bytes;
  }

  /** Sends what is left of `range` to a descriptor by the pump. */
  async pump(out: number, source: Source, range: ByteRange): Promise<void> {
    this.throwIfStopped();
    const done = this.#settled;
    const { id, outcome } = startJob(() => source.startJob(out, range.offset + done, range.length - done));
    this.#job = id;
    const { sent, ending, errno, syscall } = await outcome;
    this.#job = undefined;
    this.#settled += sent;
    this.#judge(ending, { errno, syscall }, source, range);
  }

  #judge(ending: Outcome['ending'], failure: OsFailure, source: Source, range: ByteRange): void {
    switch (ENDINGS[ending]) {
      case 'complete': break;
      case 'failed': throw source.failure(failure, range.offset + this.#settled);
      case 'short': throw source.shortage(range, this.#settled);
      default:
        this.throwIfStopped();
        throw new Error('cancelled by nobody');
    }
    const fault = source.fault(); // what was lost meanwhile may have gone out as zeros
    if (fault !== undefined) throw fault;
  }

  #startTicking(): void {
    if (this.#onProgress === undefined) return;
    this.#ticking = setInterval(() => { this.#tick(); }, PROGRESS_INTERVAL);
  }

  #tick(): void {
    try {
      this.#report();
    } catch (error) {
      this.stop(error); // the caller's own callback failed: the promise rejects with that
    }
  }

  #report(): void {
    const { sent } = this;
    if (this.#onProgress === undefined || sent === this.#reported) return;
    this.#reported = sent;
    this.#onProgress(sent);
  }

  /** What a callback of the caller's threw may be anything, also frozen: then it stays without. */
  #withCount(error: unknown): unknown {
    if (typeof error === 'object' && error !== null) Reflect.set(error, 'bytesSent', this.#settled);
    return error;
  }
}
