/** What happens to mappings, on node:diagnostics_channel: `zerocopy:map`, `zerocopy:close`, `zerocopy:fault`. */
import { channel, type Channel } from 'node:diagnostics_channel';

type Event = 'map' | 'close' | 'fault';

/** Held here: Node forgets a channel that nobody listens to and nobody holds. */
let channels: Readonly<Record<Event, Channel>> | undefined;

function openChannels(): Readonly<Record<Event, Channel>> {
  channels = { map: channel('zerocopy:map'), close: channel('zerocopy:close'), fault: channel('zerocopy:fault') };
  return channels;
}

/** The message is `{ mapping }`, and for a fault `{ mapping, error }`. Costs nothing while nobody listens. */
export function announce(what: Event, mapping: object, error?: Error): void {
  const { [what]: to } = channels ?? openChannels();
  if (to.hasSubscribers) to.publish(error === undefined ? { mapping } : { mapping, error });
}
