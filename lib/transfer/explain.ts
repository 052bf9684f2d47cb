import { Mapping } from '../mapping/mapping';
import { whyNotMapping } from './memory-source';
import type { SendableFile } from './source';
import { whyNotDescriptor } from './to-descriptor';
import { routeTo, type FallbackReason, type Route, type SendfileOutput } from './output';

export interface TransferExplanation {
  readonly way: 'sendfile' | 'fallback';
  /** Why not by sendfile; absent when by sendfile. */
  readonly reason?: FallbackReason;
}

/**
 * Which way sendfile() would go to `out` now, and why. Of files only a Mapping makes a difference: private memory that
 * may have been written to (access 'copy', or raw memory handed out), or whose file is not at hand, is written by the
 * pump's threads with write(2), reason 'memory'; all others leave as their file does. A file that sendfile(2) refuses
 * (/proc) is copied by the pump all the same, which this cannot foresee.
 * @throws ERR_INVALID_ARG_TYPE for what is no output; ERR_MAPPING_CLOSED
 */
export function explainTransfer(out: SendfileOutput, file?: SendableFile): TransferExplanation {
  const route = routeTo(out);
  const reason = whyNotTo(route) ?? (file instanceof Mapping ? whyNotMapping(file) : undefined);
  return reason === undefined ? { way: 'sendfile' } : { way: 'fallback', reason };
}

function whyNotTo(route: Route): FallbackReason | undefined {
  switch (route.kind) {
    case 'stream': return route.reason;
    case 'descriptor': return whyNotDescriptor();
    default: return undefined;
  }
}
