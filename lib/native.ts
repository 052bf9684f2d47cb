/**
 * Finds and loads the addon, and types what it exports. The only file that knows where binaries lie.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';

import type { OsFailure } from './errors';

/** A native Region: tagged, only good for passing back, and for finding the Mapping that has it. */
export interface RegionHandle {
  mapping?: object;
}

/** A native hold of a region's memory: tagged, only good for passing back. */
export interface HoldHandle {
  readonly hold?: never;
}

/** A native search under way: tagged, only good for passing back. */
export interface SearchHandle {
  readonly search?: never;
}

/** By number in src-native/os/memory_map.h. */
export const ACCESS = ['read', 'write', 'copy'] as const;
export const ADVICE = [
  'normal', 'sequential', 'random', 'willneed', 'dontneed', 'hugepage', 'nohugepage', 'cold', 'pageout', 'free',
] as const;
export type Access = (typeof ACCESS)[number];
export type Advice = (typeof ADVICE)[number];
/** By number in src-native/region/region.h. */
export const STATES = ['open', 'closing', 'closed'] as const;

/** By number in src-native/transfer/pump.h. */
export const ENDINGS = ['complete', 'failed', 'cancelled', 'short'] as const;

/** By number in src-native/transfer/copy.h. */
export const COPY_STATES = ['more', 'complete', 'failed', 'short'] as const;

/** A native Copy: tagged, only good for passing back. */
export interface CopyHandle {
  readonly copy?: never;
}

/** By number in src-native/os/futex.h. */
export const WAIT_ENDS = ['ok', 'not-equal', 'timed-out', 'cancelled'] as const;

/** How a wait ended; `errno` and `syscall` where it failed. */
export interface WaitOutcome extends OsFailure {
  readonly id: number;
  /** Index of WAIT_ENDS. */
  readonly end: number;
}

/** What the whole process has, and has had (src-native/counters.h). */
export interface Counters {
  readonly regionsMapped: number;
  readonly regionsUnmapped: number;
  readonly regionsRetired: number;
  readonly regionsParked: number;
  readonly bytesMapped: number;
  readonly buffersCreated: number;
  readonly buffersFinalized: number;
  readonly transfersStarted: number;
  readonly transfersInFlight: number;
  readonly pumpThreads: number;
}

/** What a region is; faults are pages that could not be read, faultOffset where the first began, bytes. */
export interface RegionFacts {
  readonly byteLength: number;
  readonly fileOffset: number;
  /** Index of ACCESS. */
  readonly access: number;
  readonly faults: number;
  readonly faultOffset: number;
}

/** Offsets and lengths in bytes, whole and checked by the caller. A failure comes back as data (errors.ts). */
export interface RegionBinding {
  /** Of a regular file; everything else is a failure. */
  mappableLength(descriptor: number): number | OsFailure;
  /** Null when there are too many maps. */
  mapFile(
    descriptor: number, offset: number, length: number, access: number, keepDescriptor: boolean, populate: boolean,
  ): RegionHandle | OsFailure | null;
  /** Over the same file, from the same offset on; it need not be that long. For regions that keep a descriptor. */
  mapAgain(region: RegionHandle, length: number): RegionHandle | OsFailure | null;
  createMemoryFile(name: string, size: number, sealed: boolean): number | OsFailure;
  /** Makes the file long enough for the range, blocks allocated; a failure leaves it as long as it was. */
  allocateFile(descriptor: number, offset: number, length: number): undefined | OsFailure;
  /** Undefined where the engine makes no external ArrayBuffer of this length. */
  createWindow(region: RegionHandle, offset: number, length: number): ArrayBuffer | undefined;
  exposeWindow(buffer: ArrayBuffer): void;
  detachWindow(buffer: ArrayBuffer): void;
  /** Those of a region that were exposed and are not collected. */
  exposedWindows(region: RegionHandle): ArrayBuffer[];
  /** Undefined where the engine makes no external SharedArrayBuffer. */
  createSharedWindow(region: RegionHandle, offset: number, length: number): SharedArrayBuffer | undefined;
  closeRegion(region: RegionHandle): number;
  regionState(region: RegionHandle): number;
  /** Holds of native work, and of buffers that were handed out and not collected. */
  regionHolds(region: RegionHandle): number;
  regionBuffers(region: RegionHandle): number;
  regionDescriptor(region: RegionHandle): number;
  /** Whether a file that is at hand shows what the memory does: of access 'copy' never, 'read' until it is exposed. */
  regionShowsFile(region: RegionHandle): boolean;
  /** Of all the file, bytes; EBADF where no descriptor is kept. */
  regionFileSize(region: RegionHandle): number | OsFailure;
  /** memmove(3). */
  copyWithin(region: RegionHandle, target: number, start: number, length: number): undefined | OsFailure;
  /** Undefined once closed. */
  regionFacts(region: RegionHandle): RegionFacts | undefined;
  flush(region: RegionHandle, offset: number, length: number): undefined | OsFailure;
  flushAsync(region: RegionHandle, offset: number, length: number): Promise<undefined | OsFailure>;
  prefetch(region: RegionHandle, offset: number, length: number): Promise<undefined | OsFailure>;
  /** The memory stays until the hold is released, or collected, and all that was started with it has ended. */
  holdRegion(region: RegionHandle): HoldHandle;
  releaseHold(hold: HoldHandle): void;
  prefetchHeld(hold: HoldHandle, offset: number, length: number): Promise<undefined | OsFailure>;
  /** Fills `target` from `offset` on. What cannot be read are zeros, and a fault. */
  readHeld(hold: HoldHandle, offset: number, target: Uint8Array): void;
  /** This and locks may divide maps: null when there are too many. */
  advise(region: RegionHandle, offset: number, length: number, advice: number): undefined | OsFailure | null;
  /** Bytes. */
  pageSize(): number;
  /** RLIMIT_MEMLOCK, bytes; Infinity for none. */
  lockLimit(): number;
  /** Fills `map`, a byte for each page around the range, with 1 for what is in memory, else 0. */
  residency(region: RegionHandle, offset: number, length: number, map: Uint8Array): undefined | OsFailure;
  lock(region: RegionHandle, offset: number, length: number): undefined | OsFailure | null;
  unlock(region: RegionHandle, offset: number, length: number): undefined | OsFailure | null;
  dropFromCache(descriptor: number): undefined | OsFailure;
  /** Where `needle` is inside the range, the first time or the last, from the region's start; -1. */
  find(region: RegionHandle, needle: Uint8Array, offset: number, length: number, last: boolean): number;
  /** The places of a byte, from `offset`, as many as there is room for: how many. At most 2^32 - 1 bytes of range. */
  findEach(region: RegionHandle, byte: number, offset: number, length: number, places: Uint32Array): number;
  /** Holds the region until it is ended, or collected. The needle is copied. */
  beginSearch(region: RegionHandle, needle: Uint8Array): SearchHandle;
  /** As find(), on the thread pool. */
  searchTurn(search: SearchHandle, offset: number, length: number, last: boolean): Promise<number>;
  endSearch(search: SearchHandle): void;
  /** Once per environment: `callback` is told that takeFinishedWaits() has something. */
  onWaitsFinished(callback: () => void): undefined;
  /** The id of a wait; `expected` in [0, 2^32), `timeout` in microseconds, from 2^53 - 1 on for ever. */
  startWait(region: RegionHandle, offset: number, expected: number, timeout: number): number | OsFailure;
  cancelWait(id: number): void;
  takeFinishedWaits(): WaitOutcome[];
  /** How many were woken; `count` below 2^32. */
  notifyWord(region: RegionHandle, offset: number, count: number): number | OsFailure;
  /** All that this thread has and that are not collected. */
  liveHandles(): RegionHandle[];
  /** Four bytes over a counter that goes up with every fault of any region. */
  faultEpoch(): ArrayBuffer;
  installFaultHandler(): void;
  /** `token`: 16 random bytes; `now`: milliseconds of any clock that all threads share. */
  offerRegion(region: RegionHandle, token: Uint8Array, now: number): void;
  claimRegion(token: Uint8Array, now: number): RegionHandle | undefined;
  dropExpiredOffers(now: number): void;
}

/** How a job of the pump ended; `errno` and `syscall` where it failed. */
export interface Outcome extends OsFailure {
  readonly id: number;
  /** Bytes that the system took, exact whatever the ending. */
  readonly sent: number;
  /** Index of ENDINGS. */
  readonly ending: number;
}

/** src-native/transfer/transfer_binding.cc. Offsets and lengths as above. */
export interface TransferBinding {
  /** Once per environment: `callback` is told that takeFinished() has something. Starts no thread. */
  onTransfersFinished(callback: () => void): undefined | OsFailure;
  takeFinished(): Outcome[];
  /** sendfile(2), once. Without `useOffset` from the file's position, which moves. */
  sendFile(out: number, file: number, useOffset: boolean, offset: number, count: number): number | OsFailure;
  /**
   * What leaves at once without waiting for disk or peer, of `head` (latin1) and at most 1 MiB behind it; 0 when
   * nothing does.
   */
  sendInline(socket: number, head: string, file: number, offset: number, length: number): number;
  /** The same, where a file shows what the memory does (regionShowsFile()); else 0. */
  sendMemoryInline(socket: number, head: string, hold: HoldHandle, offset: number, length: number): number;
  /** Jobs of the pump: their ids. Both descriptors are duplicated first; a hold is shared. */
  startSendFile(out: number, file: number, offset: number, length: number): number | OsFailure;
  startSendMemory(out: number, hold: HoldHandle, offset: number, length: number): number | OsFailure;
  cancelSend(id: number): void;
  /** Of a job under way. */
  sendProgress(id: number): { readonly sent: number; readonly unacknowledged: number };
}

/** How far a copy is; `errno` and `syscall` where it failed. */
export interface CopyProgress extends OsFailure {
  /** Index of COPY_STATES. */
  readonly state: number;
  /** Bytes of the target that are right now, from where the copy begins. */
  readonly copied: number;
}

/**
 * src-native/transfer/copy_binding.cc. `…IsOurs`: opened for this copy, so that nobody minds its position moving;
 * `replaces`: the target is emptied first.
 */
export interface CopyBinding {
  /** Null when source and target are one file and the copy would read what it writes. */
  startCopyFile(
    file: number, fileIsOurs: boolean, offset: number, length: number,
    target: number, targetIsOurs: boolean, targetOffset: number, replaces: boolean,
  ): CopyHandle | OsFailure | null;
  /** The hold is shared. */
  startCopyMemory(
    hold: HoldHandle, offset: number, length: number,
    target: number, targetIsOurs: boolean, targetOffset: number, replaces: boolean,
  ): CopyHandle | OsFailure | null;
  /** A bounded piece of work on the thread pool; one turn of a copy at a time. */
  copyTurn(copy: CopyHandle): Promise<CopyProgress>;
  endCopy(copy: CopyHandle): void;
}

/** Where symbolic links may lead; by number in src-native/os/directory.h. */
export const SYMLINKS = ['within', 'follow', 'deny'] as const;

/** What is known of an open file, by place in a Float64Array: src-native/http/document_root_binding.cc. */
export const FACTS = {
  size: 0,
  modifiedSeconds: 1,
  modifiedNanoseconds: 2,
  changedSeconds: 3,
  changedNanoseconds: 4,
  device: 5,
  /** The upper and the lower 32 bits. */
  inodeHigh: 6,
  inodeLow: 7,
  mode: 8,
  /** 1 when it has at most 64 KiB and all of them are in memory. */
  inMemory: 9,
} as const;
export const FACT_COUNT = 10;

/** src-native/http/document_root_binding.cc. `symlinks` is an index of SYMLINKS, `facts` FACT_COUNT long. */
export interface DocumentRootBinding {
  /** A descriptor, its facts filled in. EAGAIN when the disk would have to be asked, ENOSYS where it cannot be done. */
  openBeneath(root: number, path: string, symlinks: number, facts: Float64Array): number | OsFailure;
  openBeneathOnPool(root: number, path: string, symlinks: number): Promise<number | OsFailure> | OsFailure;
  describeFile(descriptor: number, facts: Float64Array): undefined | OsFailure;
  /** Whether a regular file is there that can be opened without asking a disk. It is not opened. */
  isFileAtHand(path: string): boolean;
}

/**
 * src-native/descriptor_binding.cc. What native code hands over (also createMemoryFile() and openBeneath()) ends by
 * closeDescriptor(), never by node:fs: in a worker Node counts what it opened itself, and warns of anything else.
 */
export interface DescriptorBinding {
  /** A number of its own for the same open file. */
  duplicateDescriptor(fd: number): number | OsFailure;
  /** EBADF for one that was not handed over, or is closed. */
  closeDescriptor(fd: number): undefined | OsFailure;
}

export interface NativeBinding
  extends DescriptorBinding, RegionBinding, TransferBinding, CopyBinding, DocumentRootBinding {
  counters(): Counters;
}

const NODE_API_VERSION = 8;

/** Literal paths, so that bundlers and file tracers see every binary. A build of one's own comes first. */
const BUILDS: readonly [string, () => unknown][] = [
  ['../build/Release/zerocopy.node', () => require('../build/Release/zerocopy.node')],
  ['../src-native/build/Release/zerocopy.node', () => require('../src-native/build/Release/zerocopy.node')],
];

const PREBUILDS: Readonly<Record<string, readonly (() => unknown)[]>> = {
  'linux-x64': [
    () => require('../prebuilds/linux-x64/zerocopy.glibc.node'),
    () => require('../prebuilds/linux-x64/zerocopy.musl.node'),
  ],
  'linux-arm64': [
    () => require('../prebuilds/linux-arm64/zerocopy.glibc.node'),
    () => require('../prebuilds/linux-arm64/zerocopy.musl.node'),
  ],
  'darwin-x64': [() => require('../prebuilds/darwin-x64/zerocopy.node')],
  'darwin-arm64': [() => require('../prebuilds/darwin-arm64/zerocopy.node')],
  'win32-x64': [() => require('../prebuilds/win32-x64/zerocopy.node')],
};

function load(): NativeBinding {
  const own = process.env['ZEROCOPY_BINARY'];
  if (own !== undefined) return require(path.resolve(own)) as NativeBinding;
  const target = `${process.platform}-${process.arch}`;
  const built = BUILDS.filter(([file]) => existsSync(path.join(__dirname, file))).map(([, open]) => open);
  const failures: unknown[] = [];
  for (const open of [...built, ...(PREBUILDS[target] ?? [])]) {
    try {
      return open() as NativeBinding;
    } catch (failure) {
      failures.push(failure);
    }
  }
  throw new AggregateError(failures, loadingFailed(target, failures));
}

function loadingFailed(target: string, failures: readonly unknown[]): string {
  const tried = failures.map((failure) => `\n  - ${failure instanceof Error ? (failure.message.split('\n')[0] ?? '') : String(failure)}`);
  const refused = failures.some((failure) => (failure as { code?: string } | null)?.code === 'ERR_DLOPEN_DISABLED');
  const remedy = refused
    ? 'Under --permission, Node loads addons with the flag --allow-addons only'
    : 'Build one: npx node-gyp rebuild -C node_modules/zerocopy/src-native';
  return `zerocopy: no native binary loads for ${target} (it needs Node-API ${String(NODE_API_VERSION)}, ` +
    `this runtime has ${process.versions['napi'] ?? 'none'}). ${remedy}. Tried:` +
    (tried.join('') || ' nothing, there is none for this target');
}

export const native: NativeBinding = load();
