/** The client, a process of its own: fetches the URL it is given and tells its parent what arrived. */
import { createHash } from 'node:crypto';
import http from 'node:http';

export interface Arrival {
  readonly bytes: number;
  readonly sha256: string;
  /** From the request to the last byte, hashed. */
  readonly milliseconds: number;
  readonly firstByteMilliseconds: number;
}

export type ClientMessage =
  | { readonly kind: 'received'; readonly bytes: number }
  | { readonly kind: 'arrival'; readonly arrival: Arrival }
  | { readonly kind: 'error'; readonly message: string };

const PROGRESS_MS = 100;

function tell(message: ClientMessage): void {
  process.send?.(message);
}

function fail(error: Error): void {
  tell({ kind: 'error', message: error.message });
}

function fetchAndHash(url: string): void {
  const started = performance.now();
  const hash = createHash('sha256');
  let bytes = 0;
  let firstByteMilliseconds = 0;
  const request = http.get(url, { agent: false }, (response) => {
    response.on('data', (chunk: Buffer) => {
      if (bytes === 0) firstByteMilliseconds = performance.now() - started;
      bytes += chunk.length;
      hash.update(chunk);
    });
    const timer = setInterval(() => tell({ kind: 'received', bytes }), PROGRESS_MS);
    response.on('close', () => clearInterval(timer));
    response.on('error', fail);
    response.on('end', () => {
      const sha256 = hash.digest('hex');
      const milliseconds = performance.now() - started;
      tell({ kind: 'arrival', arrival: { bytes, sha256, milliseconds, firstByteMilliseconds } });
    });
  });
  request.on('error', fail);
}

process.on('disconnect', () => process.exit()); // never outlive the server
fetchAndHash(process.argv[2]!);
