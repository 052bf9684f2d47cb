import { whyNotDescriptor } from './to-descriptor';
import { routeTo, type FallbackReason, type SendfileOutput } from './output';

export interface TransferExplanation {
  readonly way: 'sendfile' | 'fallback';
  /** Why not by sendfile; absent when by sendfile. */
  readonly reason?: FallbackReason;
}

/**
 * Which way sendfile() would go to `out` now, and why. A file that sendfile(2) refuses (/proc) is copied by the pump
 * all the same, which this cannot foresee.
 * @throws ERR_INVALID_ARG_TYPE for what is no output
 */
export function explainTransfer(out: SendfileOutput): TransferExplanation {
  const route = routeTo(out);
  const reason = route.kind === 'stream' ? route.reason : route.kind === 'descriptor' ? whyNotDescriptor() : undefined;
  return reason === undefined ? { way: 'sendfile' } : { way: 'fallback', reason };
}
