/**
 * Which way the bodies of responses went, and why not by sendfile: counted per thread, and told by
 * `NODE_DEBUG=zerocopy`.
 */
import type http from 'node:http';
import { debuglog } from 'node:util';

import type { FallbackReason } from '../transfer/output';

/**
 * Why a file did not leave by sendfile: what explainTransfer() says of the output, and what only a response or the
 * stream that was piped into it can say.
 */
export type ServingFallback = FallbackReason
  | 'closed' | 'no-body' | 'no-length' | 'length' | 'observed' | 'started' | 'position' | 'custom' | 'not-a-file';

export interface Transfers {
  /** Bodies sent by sendfile. */
  readonly sendfile: number;
  /** Small bodies that left in one write with their head. */
  readonly inline: number;
  /** Bodies that went another way, by reason. docs/serving.md explains each. */
  readonly fallback: Readonly<Partial<Record<ServingFallback, number>>>;
  /** Bytes of bodies that left by sendfile or inline. */
  readonly bytes: number;
}

interface Sending {
  /** Bytes so far. */
  readonly sent: number;
}

const log = debuglog('zerocopy');
const fallback: Partial<Record<ServingFallback, number>> = {};
const underWay = new Set<Sending>();
let bySendfile = 0;
let inline = 0;
let bytes = 0;

/** What this thread has sent since it began; bytes of transfers under way count as they leave. */
export function transfers(): Transfers {
  let live = 0;
  for (const { sent } of underWay) live += sent;
  return { sendfile: bySendfile, inline, fallback: { ...fallback }, bytes: bytes + live };
}

/** Counts a body that leaves by sendfile until `ended` settles. */
export async function countSendfile(sending: Sending, ended: Promise<unknown>): Promise<void> {
  bySendfile += 1;
  underWay.add(sending);
  try {
    await ended;
  } finally {
    underWay.delete(sending);
    bytes += sending.sent;
  }
}

/** Counts a body that has left already. */
export function countAtOnce(way: 'sendfile' | 'inline', length: number): void {
  if (way === 'inline') inline += 1;
  else bySendfile += 1;
  bytes += length;
}

export function countFallback(response: http.ServerResponse, reason: ServingFallback): void {
  fallback[reason] = (fallback[reason] ?? 0) + 1;
  log('%s: not by sendfile: %s', nameOf(response), reason);
}

/** Says that a connection was cut, because its response could not be finished. */
export function logCut(response: http.ServerResponse, why: string): void {
  log('%s: connection cut: %s', nameOf(response), why);
}

function nameOf(response: http.ServerResponse): string {
  const { req } = response as unknown as { req?: http.IncomingMessage };
  return `${req?.method ?? 'response'} ${req?.url ?? ''}`;
}
