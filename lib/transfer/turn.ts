/**
 * A place in a socket's write queue.
 *
 * A *marker*, an empty Buffer, is written to the socket like any data. Node hands the chunks of a socket to its
 * `_write` one after the other, so while markers are queued the socket has a `_write` of its own: it lets other chunks
 * pass, and when a marker's turn comes, everything written before has gone to the kernel and what is written later
 * (and `end()`) waits until the marker's callback is called. `_writev` is off meanwhile, for it would take several
 * chunks at once. Holds on Node 18 to 26; nothing of the socket is changed while no marker is queued.
 *
 * A marker that a response keeps, because responses before it are not through, Node drops without a word when the
 * connection closes: those are ended here.
 */
import type net from 'node:net';

import { prematureClose } from '../errors';

type Callback = (error?: Error | null) => void;

/** Own properties of the socket shadow its prototype's methods. */
interface Shadowed {
  _write?: (chunk: Uint8Array, encoding: BufferEncoding, callback: Callback) => void;
  _writev?: null;
}

interface Turn {
  readonly run: () => Promise<void>;
  readonly reject: (error: Error) => void;
  /** Then it ends by itself. */
  begun: boolean;
}

class Queue extends Map<Uint8Array, Turn> {
  readonly onClose: () => void;

  constructor(socket: net.Socket) {
    super();
    // Markers that reached the socket have their callback called about now, with the error that Node has for them.
    this.onClose = () => setImmediate(() => {
      for (const { begun, reject } of this.values()) if (!begun) reject(socket.errored ?? prematureClose());
    });
  }
}

const queues = new WeakMap<net.Socket, Queue>();

/** Whether markers are queued: then the socket's `_write` is ours. */
export function isTakingTurns(socket: net.Socket): boolean {
  return queues.has(socket);
}

/**
 * Queues a marker with `write` and runs `turn` when it is reached. What was queued behind it goes out when the promise
 * of `turn` has settled, whichever way. Resolves or rejects as `turn` does, or with the error of the write when the
 * socket ended before.
 */
export function inTurn(
  socket: net.Socket, write: (marker: Buffer, done: Callback) => void, turn: () => Promise<void>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const marker = Buffer.alloc(0);
    const queue = enter(socket);
    queue.set(marker, { run: () => turn().then(resolve, reject), reject, begun: false });
    write(marker, (error) => {
      queue.delete(marker);
      leave(socket, queue);
      if (error) reject(error);
    });
  });
}

function enter(socket: net.Socket): Queue {
  const present = queues.get(socket);
  if (present !== undefined) return present;
  const queue = new Queue(socket);
  queues.set(socket, queue);
  socket.once('close', queue.onClose);
  const shadow = socket as unknown as Shadowed;
  const inherited = socket._write.bind(socket);
  shadow._write = (chunk: Uint8Array, encoding, callback) => {
    const turn = queue.get(chunk);
    if (turn === undefined) {
      inherited(chunk, encoding, callback);
    } else {
      turn.begun = true;
      void turn.run().then(() => { endTurn(socket, queue, chunk, callback); });
    }
  };
  shadow._writev = null;
  return queue;
}

// Before the callback: what it lets pass may go out all at once again.
function endTurn(socket: net.Socket, queue: Queue, marker: Uint8Array, callback: Callback): void {
  queue.delete(marker);
  leave(socket, queue);
  callback();
}

function leave(socket: net.Socket, queue: Queue): void {
  if (queue.size > 0 || queues.get(socket) !== queue) return;
  queues.delete(socket);
  socket.off('close', queue.onClose);
  const shadow = socket as unknown as Shadowed;
  delete shadow._write;
  delete shadow._writev;
}
