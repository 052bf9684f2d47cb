/**
 * Pages that could not be read: the file was cut under the mapping, or its disk fails. The native handler has put zeros
 * there and counted; here the count becomes an error.
 */
import { isMainThread } from 'node:worker_threads';

import { isOsFailure, zeroCopyError } from '../errors';
import { native, type RegionHandle } from '../native';

export interface MappingFault extends Error {
  /** Pages that could not be read. */
  readonly faults: number;
  /** Where the first of them begins, bytes. */
  readonly offset: number;
}

/** ERR_MAPPING_FAULT if `region` has lost pages; undefined if it is whole. */
export function faultOf(region: RegionHandle): MappingFault | undefined {
  const facts = native.regionFacts(region);
  if (facts === undefined || facts.faults === 0) return undefined;
  const { faults, faultOffset: offset } = facts;
  const message =
    `${String(faults)} pages of the mapping could not be read, the first at offset ${String(offset)}: the file was cut or ` +
    'its disk failed. They read as zeros and what was written there is lost; map the file again for what it has now';
  return Object.assign(zeroCopyError('ERR_MAPPING_FAULT', message), { faults, offset });
}

/** Pages of `region` that could not be read; 0 once it is closed. */
export function lostPages(region: RegionHandle): number {
  return native.regionFacts(region)?.faults ?? 0;
}

/** ERR_MAPPING_FAULT for what the kernel could not read at or after `offset`, and nobody has looked at yet. */
export function unreadable(region: RegionHandle, offset: number): MappingFault {
  const message = `The mapping cannot be read at offset ${String(offset)} or after: its file was cut or its disk failed`;
  return Object.assign(zeroCopyError('ERR_MAPPING_FAULT', message), { offset, faults: lostPages(region) });
}

/**
 * ERR_MAPPING_FAULT if the file is shorter by now than `region` has it: also inside a page, where no fault tells, and
 * before anybody looks. Asked of the descriptor, where one is kept.
 */
export function cutUnder(region: RegionHandle): MappingFault | undefined {
  const facts = native.regionFacts(region);
  const size = native.regionFileSize(region);
  if (facts === undefined || isOsFailure(size) || size - facts.fileOffset >= facts.byteLength) return undefined;
  const offset = Math.max(0, size - facts.fileOffset);
  const message =
    `The file was cut under the mapping, at offset ${String(offset)} of ${String(facts.byteLength)}: what is behind ` +
    'that reads as zeros and what was written there is lost; map the file again for what it has now';
  return Object.assign(zeroCopyError('ERR_MAPPING_FAULT', message), { offset, faults: facts.faults });
}

let kept = false;

/**
 * process.on('SIGBUS') makes libuv's handler the one that faults come to, and it only takes note: every fault would
 * come again for ever. When the last listener goes libuv restores the default, which ends the process. Ours goes back
 * in front each time; signals that are no fault of a mapping still reach the listener.
 */
export function keepFaultHandler(): void {
  if (kept || !isMainThread) return; // workers have no signals of their own
  kept = true;
  const restore = (event: string | symbol): void => {
    if (event === 'SIGBUS') native.installFaultHandler();
  };
  process.on('newListener', restore).on('removeListener', restore);
}
