/** What a request of each size costs a server. */
import { QUICK, type Measured } from '../case';
import { drain } from './drain';
import { makeFile } from './folder';
import type { Running } from './servers';

export const QUICK_REQUESTS = 200;

/** @param sizes bytes, what to call them, how many requests; as many come before those that count */
export function perRequest(sizes: readonly (readonly [number, string, number])[]) {
  return async (server: Running, folder: string): Promise<Measured> => {
    const measured: Record<string, number> = {};
    for (const [size, label, requests] of sizes) {
      makeFile(folder, String(size), size);
      const count = QUICK ? QUICK_REQUESTS : requests;
      const { cpu } = await drain(server, String(size), size, count);
      measured[`server CPU us per request, ${label}`] = cpu * 1e6 / count;
    }
    return measured;
  };
}
