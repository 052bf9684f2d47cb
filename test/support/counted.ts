import { transfers, type Transfers } from 'zerocopy/http';

/** What transfers() counted while `work` ran; reasons that did not occur are left out. */
export async function counted<T>(work: () => Promise<T>): Promise<{ result: T; by: Transfers }> {
  const before = transfers();
  const result = await work();
  const now = transfers();
  const fallback = Object.entries(now.fallback).map(([reason, count]) =>
    [reason, count - (before.fallback[reason as keyof typeof now.fallback] ?? 0)] as const);
  return {
    result,
    by: {
      sendfile: now.sendfile - before.sendfile,
      inline: now.inline - before.inline,
      fallback: Object.fromEntries(fallback.filter(([, count]) => count > 0)),
      bytes: now.bytes - before.bytes,
    },
  };
}
