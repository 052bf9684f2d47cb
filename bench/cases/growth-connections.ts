import { QUICK, type Contender, type Measured } from '../case';
import { atSize } from '../growth';
import { crowd, mostConnections } from '../serving/clients';
import { cpuSeconds } from '../serving/cpu';
import { makeFile, serving } from '../serving/folder';
import { nginx } from '../serving/programs';
import { byHandle, fromMemory, node, type Running } from '../serving/servers';

export const name = 'growth-connections';
export const title = 'Requests for 16 KiB on up to 5,000 open connections';
export const baseline = 'response.end(buffer), read before';

const SIZES = (QUICK ? [1, 50] : [1, 10, 100, 1000, 5000]).filter((size) => size <= mostConnections());
const REQUESTS = QUICK ? 200 : 5000;
const METRIC = 'server CPU us per request';
const UNIT = 'connections';

async function measure(server: Running, folder: string): Promise<Measured> {
  makeFile(folder, 'file', 16 * 1024);
  const measured: Record<string, number> = {};
  for (const size of SIZES) {
    const clients = await crowd(server, 'file', size);
    await clients.ask(size + REQUESTS / 10); // each at least once, before it counts
    const before = cpuSeconds(server.pid);
    await clients.ask(REQUESTS);
    measured[atSize(METRIC, size, UNIT)] = (cpuSeconds(server.pid) - before) * 1e6 / REQUESTS;
    await clients.end();
  }
  return measured;
}

const OURS = 'zerocopy sendfile, FileHandle kept open';

export const contenders: Record<string, Contender> = {
  'response.end(buffer), read before': serving(node(fromMemory), measure),
  [OURS]: serving(node(byHandle), measure),
  'nginx, sendfile on': serving(nginx, measure),
};

export const grows = [
  { contender: OURS, metric: METRIC, unit: UNIT, sizes: SIZES, shape: 'flat', within: 4 },
] as const;
