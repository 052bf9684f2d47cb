import { setTimeout as pause } from 'node:timers/promises';

import { QUICK, type Contender, type Measured } from '../case';
import { slowReaders } from '../serving/clients';
import { cpuSeconds, residentMb } from '../serving/cpu';
import { makeFile, MIB, serving } from '../serving/folder';
import { nginx } from '../serving/programs';
import { byPath, fromMemory, node, streamed, type Running } from '../serving/servers';

const READERS = QUICK ? 50 : 1000;
const SECONDS = QUICK ? 1 : 8;
const RATE = 64_000; // bytes per second and reader

export const name = 'send-file-readers';
export const title = `${READERS.toLocaleString('en')} readers at 64 KB/s of one file of 10 MiB, for ${String(SECONDS)} s`;
export const baseline = 'fs.createReadStream().pipe(response)';
export const leastRounds = 3;
export const headline = { metric: 'resident MB over idle', contender: 'zerocopy sendfile, path' };

async function measure(server: Running, folder: string): Promise<Measured> {
  makeFile(folder, 'file', 10 * MIB);
  const idle = residentMb(server.pid);
  const before = cpuSeconds(server.pid);
  const end = await slowReaders(server, 'file', READERS, RATE);
  await pause(SECONDS * 1000);
  const measured = {
    'resident MB over idle': residentMb(server.pid, true) - idle,
    'server CPU s': cpuSeconds(server.pid) - before,
  };
  await end();
  return measured;
}

export const contenders: Record<string, Contender> = {
  'fs.createReadStream().pipe(response)': serving(node(streamed), measure),
  'response.end(buffer), read before': serving(node(fromMemory), measure),
  'zerocopy sendfile, path': serving(node(byPath), measure),
  'nginx, sendfile on': serving(nginx, measure),
};
