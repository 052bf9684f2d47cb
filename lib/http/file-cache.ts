/**
 * What is known of the files that were asked for: an open descriptor, or all the bytes of a small file, and the head of
 * an answer.
 *
 * A *cached file* is a version of a file: its descriptor, bytes and head belong together and never change. It is kept
 * while it is younger than `revalidate`; older, the path is opened anew, and unless fstat says the same as before it is
 * dropped for the new version. What is sent from is *held*: a dropped file is closed when the last hold ends.
 * Descriptors are bounded in number, small bodies in bytes; what was not used for a while is dropped from both.
 */
import fs from 'node:fs';
import os from 'node:os';

import { isOsFailure, type OsFailure } from '../errors';
import { FACTS } from '../native';
import type { DocumentRoot } from './document-root';
import type { Encoding } from './encodings';
import type { OpenedFile } from './opened-file';
import type { Representation } from './plan';
import { represent, type HeadPolicy } from './representation';

/** Up to this many bytes a file leaves in one write with the head; beyond, sendfile costs less. */
const LARGEST_BODY = 64 * 1024;
/** Of small bodies, bytes; each counts for somewhat more than its length. */
const BODY_BUDGET = 32 * 1024 * 1024;
const ENTRY_BYTES = 1024;
/** What was not asked for in this time is dropped, milliseconds. */
const IDLE_MS = 10_000;
/** A file that changed so shortly before it was read may have changed again within the same tick of the clock. */
const CLOCK_TICK_MS = 50;
const READ_ATTEMPTS = 3;

const { EISDIR, EMFILE, ENFILE, ENXIO, EAGAIN } = os.constants.errno;

export class CachedFile {
  readonly representation: Representation;
  readonly facts: Float64Array;
  /** All of it, when it is small: then there is no descriptor. */
  readonly body: Buffer | undefined;
  checkedAt: number;
  /** Asked for again since it was last looked at. */
  isUsed = false;
  /** Names of precompressed files that are not there. */
  absent: Set<string> | undefined;
  #opened: OpenedFile | undefined;
  #holds = 0;
  #isDropped = false;
  #stats: fs.Stats | undefined;
  readonly #isRacy: boolean;

  constructor(opened: OpenedFile, body: Buffer | undefined, representation: Representation, now: number) {
    const { facts } = opened;
    this.#opened = opened;
    this.facts = facts;
    this.body = body;
    this.representation = representation;
    this.checkedAt = now;
    const changed = (facts[FACTS.changedSeconds] ?? 0) * 1000 + (facts[FACTS.changedNanoseconds] ?? 0) / 1e6;
    this.#isRacy = body !== undefined && Date.now() - changed < CLOCK_TICK_MS;
  }

  get fd(): number {
    return this.#opened?.fd ?? -1;
  }

  get stats(): fs.Stats | undefined {
    return this.#stats;
  }

  /** While it is open. */
  takeStats(): void {
    this.#stats = fs.fstatSync(this.fd);
  }

  get hasDescriptor(): boolean {
    return this.#opened !== undefined;
  }

  get isHeld(): boolean {
    return this.#holds > 0;
  }

  isSame({ facts }: OpenedFile): boolean {
    if (this.#isRacy) return false;
    for (let place = 0; place < FACTS.inMemory; place++) if (facts[place] !== this.facts[place]) return false;
    return true;
  }

  hold(): void {
    this.#holds += 1;
  }

  release(): void {
    this.#holds -= 1;
    if (this.#isDropped && this.#holds === 0) this.closeDescriptor();
  }

  drop(): void {
    this.#isDropped = true;
    if (this.#holds === 0) this.closeDescriptor();
  }

  closeDescriptor(): void {
    this.#opened?.close();
    this.#opened = undefined;
  }
}

export interface CacheLimits {
  readonly maxOpenFiles: number;
  /** Milliseconds. */
  readonly revalidate: number;
  readonly idle?: number;
}

export type Found = CachedFile | OsFailure;

interface Wanted {
  readonly path: string;
  readonly name: string;
  readonly encoding: Encoding | undefined;
  readonly now: number;
  readonly attempt: number;
}

export class FileCache {
  readonly #root: DocumentRoot;
  readonly #policy: HeadPolicy;
  readonly #limits: CacheLimits;
  readonly #keepStats: boolean;
  /** By path, the oldest first. */
  readonly #files = new Map<string, CachedFile>();
  #descriptors = 0;
  #bytes = 0;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(root: DocumentRoot, policy: HeadPolicy, limits: CacheLimits, keepStats: boolean) {
    this.#root = root;
    this.#policy = policy;
    this.#limits = limits;
    this.#keepStats = keepStats;
  }

  /**
   * The file at `path`, held for the caller; EISDIR for a directory, ENXIO for what is no file either. `name` says what
   * it is (the name without `.br`), `encoding` how it was compressed.
   */
  find(path: string, name: string, encoding?: Encoding): Found | Promise<Found> {
    const now = performance.now();
    const known = this.#files.get(path);
    if (known !== undefined && now - known.checkedAt <= this.#limits.revalidate) {
      known.isUsed = true;
      known.hold();
      return known;
    }
    return this.#open({ path, name, encoding, now, attempt: 1 });
  }

  /** Drops one that turned out to be another than it was. */
  forget(path: string): void {
    this.#remove(path);
  }

  #open(wanted: Wanted): Found | Promise<Found> {
    const opened = this.#root.open(wanted.path, wanted.now);
    return opened instanceof Promise ? opened.then((file) => this.#take(wanted, file)) : this.#take(wanted, opened);
  }

  #take(wanted: Wanted, opened: OpenedFile | OsFailure): Found | Promise<Found> {
    this.#sweeper ??= setInterval(() => { this.#sweep(); }, this.#limits.idle ?? IDLE_MS).unref();
    if (isOsFailure(opened)) return this.#failed(wanted, opened);
    const known = this.#files.get(wanted.path);
    if (known?.isSame(opened) === true) {
      opened.close();
      known.checkedAt = wanted.now;
      known.absent = undefined;
      known.isUsed = true;
      known.hold();
      return known;
    }
    this.#remove(wanted.path);
    if (!opened.isRegular) {
      opened.close();
      return { errno: opened.isDirectory ? EISDIR : ENXIO, syscall: 'open' };
    }
    const isSmall = (opened.facts[FACTS.size] ?? 0) <= LARGEST_BODY;
    return isSmall ? this.#read(wanted, opened) : this.#keep(wanted, opened, undefined);
  }

  /** Out of descriptors: what is only kept for later is given up, and it is tried once more. */
  #failed(wanted: Wanted, failure: OsFailure): Found | Promise<Found> {
    this.#remove(wanted.path);
    const isOut = failure.errno === EMFILE || failure.errno === ENFILE;
    if (!isOut || wanted.attempt > 1) return failure;
    for (const [path, file] of this.#files) if (!file.isHeld && file.hasDescriptor) this.#remove(path);
    return this.#open({ ...wanted, attempt: wanted.attempt + 1 });
  }

  /** At once when all of it is in memory. */
  #read(wanted: Wanted, opened: OpenedFile): Found | Promise<Found> {
    const { fd, facts } = opened;
    const size = facts[FACTS.size] ?? 0;
    // Not from the pool of small buffers: it is kept for long.
    const body = Buffer.allocUnsafeSlow(size);
    if (facts[FACTS.inMemory] === 1 || size === 0) {
      return this.#judge(wanted, opened, body, readFully(fd, body));
    }
    return new Promise((resolve) => {
      fs.read(fd, body, 0, size, 0, (error, length) => {
        resolve(this.#judge(wanted, opened, body, error === null ? length : failureOf(error)));
      });
    });
  }

  /** A file that was cut while it was read is another one now. */
  #judge(wanted: Wanted, opened: OpenedFile, body: Buffer, read: number | OsFailure): Found | Promise<Found> {
    if (read === body.length) return this.#keep(wanted, opened, body);
    opened.close();
    if (typeof read !== 'number') return read;
    if (wanted.attempt >= READ_ATTEMPTS) return { errno: EAGAIN, syscall: 'read' };
    return this.#open({ ...wanted, attempt: wanted.attempt + 1 });
  }

  #keep({ path, name, encoding, now }: Wanted, opened: OpenedFile, body: Buffer | undefined): CachedFile {
    const { facts } = opened;
    const version = {
      size: facts[FACTS.size] ?? 0,
      modifiedSeconds: facts[FACTS.modifiedSeconds] ?? 0,
      modifiedNanoseconds: facts[FACTS.modifiedNanoseconds] ?? 0,
    };
    const file = new CachedFile(opened, body, represent(name, version, encoding, this.#policy), now);
    if (this.#keepStats) file.takeStats();
    if (body !== undefined) file.closeDescriptor();
    file.hold();
    this.#remove(path); // another request may have been quicker
    this.#add(path, file);
    return file;
  }

  #add(path: string, file: CachedFile): void {
    if (file.hasDescriptor && this.#limits.maxOpenFiles === 0) {
      file.drop();
      return;
    }
    this.#files.set(path, file);
    this.#count(file, 1);
    while (this.#isFull() && this.#files.size > 1) this.#giveUpOldest(file);
  }

  #isFull(): boolean {
    return this.#descriptors > this.#limits.maxOpenFiles || this.#bytes > BODY_BUDGET;
  }

  /**
   * Evicts the oldest entry. Entries used recently, the newest, and those whose removal would not help move to the end.
   */
  #giveUpOldest(newest: CachedFile): void {
    const [oldest] = this.#files;
    if (oldest === undefined) return;
    const [path, file] = oldest;
    const helps = file.hasDescriptor ? this.#descriptors > this.#limits.maxOpenFiles : this.#bytes > BODY_BUDGET;
    if (helps && !file.isUsed && file !== newest) {
      this.#remove(path);
      return;
    }
    if (helps) file.isUsed = false;
    this.#files.delete(path);
    this.#files.set(path, file);
  }

  /** As a descriptor or as bytes, never as both: a limit that is passed has entries whose removal helps. */
  #count(file: CachedFile, by: 1 | -1): void {
    if (file.hasDescriptor) this.#descriptors += by;
    else this.#bytes += by * (ENTRY_BYTES + (file.body?.length ?? 0));
  }

  #remove(path: string): void {
    const file = this.#files.get(path);
    if (file === undefined) return;
    this.#files.delete(path);
    this.#count(file, -1);
    file.drop();
  }

  #sweep(): void {
    for (const [path, file] of this.#files) {
      if (!file.isUsed) this.#remove(path);
      file.isUsed = false;
    }
    if (this.#files.size > 0) return;
    this.#root.close();
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}

function readFully(fd: number, body: Buffer): number | OsFailure {
  try {
    return fs.readSync(fd, body, 0, body.length, 0);
  } catch (error) {
    return failureOf(error as NodeJS.ErrnoException);
  }
}

function failureOf({ errno = 0, syscall = 'read' }: NodeJS.ErrnoException): OsFailure {
  return { errno: -errno, syscall };
}
