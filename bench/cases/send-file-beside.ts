import { QUICK, type Contender, type Measured } from '../case';
import { fastReaders, probe } from '../serving/clients';
import { makeFile, MIB, serving } from '../serving/folder';
import { nginx } from '../serving/programs';
import { byHandle, node, streamed, type Running } from '../serving/servers';
import { quantile } from '../statistics';

const MILLISECONDS = QUICK ? 300 : 2000;

export const name = 'send-file-beside';
export const title = 'Requests for 1 KiB beside four clients that take 100 MiB as fast as they can';
export const baseline = 'fs.createReadStream().pipe(response)';
export const headline = { metric: 'ms per small request, p99', contender: 'zerocopy sendfile, FileHandle kept open' };

async function measure(server: Running, folder: string): Promise<Measured> {
  makeFile(folder, 'large', 100 * MIB);
  makeFile(folder, 'small', 1024);
  await probe(server, 'small', MILLISECONDS / 10); // warms up
  const end = await fastReaders(server, 'large', 4);
  const times = await probe(server, 'small', MILLISECONDS);
  await end();
  return {
    'ms per small request, p50': quantile(times, 0.5),
    'ms per small request, p99': quantile(times, 0.99),
  };
}

export const contenders: Record<string, Contender> = {
  'fs.createReadStream().pipe(response)': serving(node(streamed), measure),
  'zerocopy sendfile, FileHandle kept open': serving(node(byHandle), measure),
  'nginx, sendfile on': serving(nginx, measure),
};
