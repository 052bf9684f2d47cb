import { QUICK, type Contender, type Measured } from '../case';
import { residentMb } from '../serving/cpu';
import { drain } from '../serving/drain';
import { makeFile, MIB, serving } from '../serving/folder';
import { bunServe, leastInC, leastInPython, nginx } from '../serving/programs';
import { byHandle, byPath, fromMemory, node, streamed, type Running } from '../serving/servers';

export const name = 'send-file';
export const title = 'Serve a file to a client on another core';
export const baseline = 'fs.createReadStream().pipe(response)';
export const headline = { metric: 'server CPU s per GB, 100 MiB', contender: 'zerocopy sendfile, path' };

const LARGE = [[100 * MIB, '100 MiB'], [MIB, '1 MiB']] as const;
const SMALL = [[16 * 1024, '16 KiB'], [1024, '1 KiB']] as const;
const BYTES_PER_SIZE = (QUICK ? 0.1 : 0.6) * 1e9;
/** As many come before those that count: until then the engine is still compiling what a request runs. */
const SMALL_REQUESTS = QUICK ? 200 : 6000;

async function measure(server: Running, folder: string): Promise<Measured> {
  const measured: Record<string, number> = {};
  for (const [size, label] of LARGE) {
    makeFile(folder, String(size), size);
    const { cpu, bytes } = await drain(server, String(size), size, Math.ceil(BYTES_PER_SIZE / size));
    measured[`server CPU s per GB, ${label}`] = cpu / (bytes / 1e9);
    if (size === LARGE[0][0]) measured['resident MB, 100 MiB'] = residentMb(server.pid);
  }
  for (const [size, label] of SMALL) {
    makeFile(folder, String(size), size);
    const { cpu } = await drain(server, String(size), size, SMALL_REQUESTS);
    measured[`server CPU us per request, ${label}`] = cpu * 1e6 / SMALL_REQUESTS;
  }
  return measured;
}

export const contenders: Record<string, Contender> = {
  'fs.createReadStream().pipe(response)': serving(node(streamed), measure),
  'response.end(buffer), read before': serving(node(fromMemory), measure),
  'zerocopy sendfile, path': serving(node(byPath), measure),
  'zerocopy sendfile, FileHandle kept open': serving(node(byHandle), measure),
  'nginx, sendfile on': serving(nginx, measure),
  'Bun.serve': serving(bunServe, measure),
  'C, a loop of sendfile': serving(leastInC, measure),
  'python3, a loop of os.sendfile': serving(leastInPython, measure),
};
