/**
 * Mappings on their way to another thread of this process. A handle is plain data, so postMessage can carry it; the
 * memory waits natively, under a token, until it is claimed once or its time is over.
 */
import { randomBytes } from 'node:crypto';

import { invalidArgType, invalidArgValue } from '../errors';
import { native, type RegionHandle } from '../native';

/** What share() makes and Mapping.attach() takes: structured-cloneable, claimed once, good for a minute. */
export interface MappingHandle {
  /** 32 hexadecimal digits. */
  readonly mapping: string;
  /** The path that the mapping was made from, if it was. */
  readonly path?: string;
  /** It is memory that no file has. */
  readonly anonymous?: true;
}

/** A region that was claimed, and what the sender's mapping was. */
export interface Claimed {
  readonly region: RegionHandle;
  readonly path: string | undefined;
  readonly anonymous: boolean;
}

/** As kTokenLifetime in src-native/region/share.h, and a second for the clocks. */
const EXPIRED_AFTER_MS = 61_000;

/** Milliseconds on a clock that all threads of the process share. */
function now(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

export function offer(region: RegionHandle, path: string | undefined, anonymous: boolean): MappingHandle {
  const token = randomBytes(16);
  native.offerRegion(region, new Uint8Array(token), now());
  // A handle that nobody claims must not keep the memory for ever, nor the process alive.
  setTimeout(() => { native.dropExpiredOffers(now()); }, EXPIRED_AFTER_MS).unref();
  const mapping = token.toString('hex');
  return { mapping, ...(path === undefined ? {} : { path }), ...(anonymous ? { anonymous } : {}) };
}

/** Throws ERR_INVALID_ARG_TYPE, and ERR_INVALID_ARG_VALUE for a handle that was claimed already or is too old. */
export function claim(handle: MappingHandle): Claimed {
  const { mapping, path, anonymous } = (handle as Partial<MappingHandle> | null | undefined) ?? {};
  if (typeof mapping !== 'string' || !/^[0-9a-f]{32}$/.test(mapping)) {
    throw invalidArgType('handle', 'what mapping.share() returned', handle);
  }
  const region = native.claimRegion(new Uint8Array(Buffer.from(mapping, 'hex')), now());
  if (region === undefined) {
    throw invalidArgValue('handle', mapping, 'was claimed already, or not within a minute: call share() once for each attach()');
  }
  return { region, path: typeof path === 'string' ? path : undefined, anonymous: anonymous === true };
}
