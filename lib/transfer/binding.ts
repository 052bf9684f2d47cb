/** What src-native/transfer exports. Offsets and lengths in bytes, whole and checked by the caller. */
import type { OsFailure } from '../errors';
import type { RegionHandle } from '../native';

/** By number in src-native/transfer/pump.h. */
export const ENDINGS = ['complete', 'failed', 'cancelled', 'short'] as const;

/** How a job of the pump ended; `errno` and `syscall` where it failed. */
export interface Outcome extends OsFailure {
  readonly id: number;
  /** Bytes that the system took, exact whatever the ending. */
  readonly sent: number;
  /** Index of ENDINGS. */
  readonly ending: number;
}

export interface TransferBinding {
  /** Once per environment: `callback` is told that takeFinished() has something. Starts no thread. */
  onTransfersFinished(callback: () => void): undefined | OsFailure;
  takeFinished(): Outcome[];
  /** sendfile(2), once. Without `useOffset` from the file's position, which moves. */
  sendFile(out: number, file: number, useOffset: boolean, offset: number, count: number): number | OsFailure;
  /** What leaves at once without waiting for disk or peer, at most 1 MiB; 0 when nothing does. */
  sendCached(socket: number, file: number, offset: number, length: number): number;
  /** Jobs of the pump: their ids. Both descriptors are duplicated first; the region is held. */
  startSendFile(out: number, file: number, offset: number, length: number): number | OsFailure;
  startSendMemory(out: number, region: RegionHandle, offset: number, length: number): number | OsFailure;
  cancelSend(id: number): void;
  /** Of a job under way. */
  sendProgress(id: number): { readonly sent: number; readonly unacknowledged: number };
}
