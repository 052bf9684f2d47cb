import { mmap } from 'zerocopy';

import { QUICK, type Contender } from '../case';
import { LOG_BLOCK, logFile, type Log } from '../log';
import { inC, python } from '../others/programs';

export const name = 'search-bytes';
export const title = 'Search a log that is in memory for bytes that it does not contain';
export const baseline = 'Buffer.indexOf';
export const headline = { metric: 'CPU ms per GiB, 200 bytes', contender: 'zerocopy indexOf' };

const LENGTH = (QUICK ? 8 : 256) * 2 ** 20;
const AT_LEAST_MS = QUICK ? 1 : 150;
const GIB = 2 ** 30;

/** Of the log itself, with a word in the middle that it has not, in letters that it has: no byte gives it away. */
const LONG = LOG_BLOCK.toString('latin1', 1000, 1096) + 'articled' + LOG_BLOCK.toString('latin1', 1104, 1200);

const NEEDLES: readonly (readonly [string, string])[] = [
  ['1 byte', '\x01'],
  ['8 bytes, the first absent', 'Zanzibar'],
  ['8 bytes, all common', 'articlet'],
  ['200 bytes', LONG],
];

/** Once to warm up, then for a while; `find` answers where it is. */
async function milliseconds(log: Log, find: () => number | Promise<number>): Promise<number> {
  if (await find() !== -1) throw new Error('it is there after all');
  const started = performance.now();
  const before = process.cpuUsage();
  let rounds = 0;
  do {
    await find();
    rounds++;
  } while (performance.now() - started < AT_LEAST_MS);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) / 1000 / rounds / log.bytes) * GIB;
}

type Find = (needle: Buffer) => number | Promise<number>;

function contender(open: (log: Log) => Find): Contender {
  return async () => {
    const log = logFile(LENGTH);
    const find = open(log);
    const measured: Record<string, number> = {};
    for (const [what, text] of NEEDLES) {
      const needle = Buffer.from(text, 'latin1');
      measured[`CPU ms per GiB, ${what}`] = await milliseconds(log, () => find(needle));
    }
    return measured;
  };
}

const PYTHON = `
import json, mmap, sys, time
path, least, needles = sys.argv[1], float(sys.argv[2]) / 1000, json.loads(sys.argv[3])
file = open(path, 'rb')
mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
measured = {}
for what, text in needles:
    needle = text.encode('latin-1')
    assert mapping.find(needle) == -1
    rounds, started, cpu = 0, time.perf_counter(), time.process_time()
    while rounds == 0 or time.perf_counter() - started < least:
        mapping.find(needle)
        rounds += 1
    measured['CPU ms per GiB, ' + what] = (time.process_time() - cpu) * 1000 / rounds / len(mapping) * 2 ** 30
print(json.dumps(measured))
`;

export const contenders: Record<string, Contender> = {
  'Buffer.indexOf': contender(({ file }) => {
    const bytes = mmap(file).asBuffer(); // the same memory, so that only the search differs
    return (needle) => bytes.indexOf(needle);
  }),
  'zerocopy indexOf': contender(({ file }) => {
    const mapping = mmap(file);
    return (needle) => mapping.indexOf(needle);
  }),
  'zerocopy lastIndexOf': contender(({ file }) => {
    const mapping = mmap(file);
    return (needle) => mapping.lastIndexOf(needle);
  }),
  'zerocopy search, on the pool': contender(({ file }) => {
    const mapping = mmap(file);
    return (needle) => mapping.search(needle);
  }),
  'python3 mmap.find': () => python(PYTHON, logFile(LENGTH).file, AT_LEAST_MS, JSON.stringify(NEEDLES)),
  'C, memchr and memmem': () => inC('search', logFile(LENGTH).file, AT_LEAST_MS, ...NEEDLES.flat()),
};
