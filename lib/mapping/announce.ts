/** What happens to mappings, on node:diagnostics_channel: `zerocopy:map`, `zerocopy:close`, `zerocopy:fault`. */
import { channel } from 'node:diagnostics_channel';

const CHANNELS = {
  map: channel('zerocopy:map'),
  close: channel('zerocopy:close'),
  fault: channel('zerocopy:fault'),
};

/** The message is `{ mapping }`, and for a fault `{ mapping, error }`. Costs nothing while nobody listens. */
export function announce(what: keyof typeof CHANNELS, mapping: object, error?: Error): void {
  const { [what]: to } = CHANNELS;
  if (to.hasSubscribers) to.publish(error === undefined ? { mapping } : { mapping, error });
}
