import { localhost } from '../../test/support/certificate';
import { QUICK, type Contender, type Measured } from '../case';
import { drain } from '../serving/drain';
import { makeFile, MIB, serving } from '../serving/folder';
import { byPath, node, streamed, type Running } from '../serving/servers';

const SIZE = (QUICK ? 5 : 100) * MIB;
const COUNT = QUICK ? 1 : 10;

export const name = 'send-file-tls';
export const title = `Serve files of ${String(SIZE / MIB)} MiB by HTTPS, where sendfile cannot serve`;
export const baseline = 'fs.createReadStream().pipe(response)';
export const headline = { metric: 'server CPU s per GB', contender: 'zerocopy sendfile, path' };

async function measure(server: Running, folder: string): Promise<Measured> {
  makeFile(folder, 'file', SIZE);
  const { cpu, bytes } = await drain(server, 'file', SIZE, COUNT, true);
  return { 'server CPU s per GB': cpu / (bytes / 1e9) };
}

export const contenders: Record<string, Contender> = {
  'fs.createReadStream().pipe(response)': serving(node(streamed, localhost), measure),
  'zerocopy sendfile, path': serving(node(byPath, localhost), measure),
};
