/** The targets that this project sets itself: every claim about speed or memory, as data. claims.ts judges by them. */

/** 'timesLess': the other's figure over ours, at least. 'timesOf': ours over the other's, at most. */
export type Limit = { readonly timesLess: number } | { readonly timesOf: number } | { readonly atMost: number };

export interface Target {
  readonly claim: string;
  readonly case: string;
  readonly contender: string;
  readonly metric: string;
  /** The contender that it is set beside; `atMost` is of the figure itself and has none. */
  readonly against?: string;
  readonly limit: Limit;
  /** What is known about it, for when it is missed. */
  readonly whyMissed?: string;
}

const STREAM = 'fs.createReadStream().pipe(response)';
const NGINX = 'nginx, sendfile on';
const KERNEL = 'most of the cost is in the kernel: the C program that only calls sendfile is in the same table';
const CHECKS = 'every call checks that the memory is still there: the least that such a method can cost is in the same '
  + 'table; for such loops use asTypedArray(), which runs at full speed';

const SLICES = { case: 'view-slice', contender: 'zerocopy MemoryView.slice' } as const;

const slices: readonly Target[] = [
  { ...SLICES, claim: 'A slice that is dropped, beside Buffer.subarray', metric: 'CPU ns per slice, dropped',
    against: 'Buffer.subarray', limit: { timesLess: 3 } },
  { ...SLICES, claim: "A slice that is dropped, beside CPython's mv[s:e]", metric: 'CPU ns per slice, dropped',
    against: 'CPython memoryview[s:e]', limit: { timesLess: 3 } },
  { ...SLICES, claim: 'A slice that is kept, beside Buffer.subarray', metric: 'CPU ns per slice, kept',
    against: 'Buffer.subarray', limit: { timesLess: 1.5 },
    whyMissed: 'the collector moves every live object twice, whatever it is; on newer V8 the difference is larger' },
  { ...SLICES, claim: 'Memory of a live view', metric: 'heap bytes per live slice', limit: { atMost: 64 } },
];

const elements: readonly Target[] = [
  ...["get, 'B'", "set, 'B'", "get, 'i'", "set, 'i'", "get, 'd'", "set, 'd'"].map((operation) => ({
    claim: `${operation} in a hot loop, beside a typed array`, case: 'view-access', metric: `ns per ${operation}`,
    contender: 'zerocopy get() and set()', against: 'typed array', limit: { timesOf: 2 }, whyMissed: CHECKS,
  })),
  ...['get', 'set'].map((operation) => ({
    claim: `${operation}, strided and unaligned, beside a DataView`, case: 'view-access',
    metric: `ns per ${operation}, strided and unaligned`, contender: 'zerocopy, strided and unaligned',
    against: 'DataView', limit: { timesOf: 3 }, whyMissed: CHECKS,
  })),
  ...["get, 'i'", "set, 'i'"].map((operation) => ({
    claim: `${operation} through asTypedArray(), beside a typed array`, case: 'view-access',
    metric: `ns per ${operation}`, contender: 'zerocopy asTypedArray()', against: 'typed array', limit: { timesOf: 1.1 },
  })),
];

const ENGINE = 'the same by the engine';
const LOOP = 'a hand-written loop';
/** Their results are new memory: the time to get it varies more between rounds than between the two contenders. */
const MAKES_MEMORY = new Set(['toBytes', 'hex', 'toList']);

const bulk: readonly Target[] = [
  ...['equals', 'assign', 'toBytes', 'fill', 'indexOf an absent byte'].map((what) => [what, 1.3, ENGINE] as const),
  ...['equals', 'assign', 'toBytes', 'fill'].map((what) => [`${what}, every second int`, 5, LOOP] as const),
  ['indexOf an absent int, every second', 5, LOOP] as const,
  ...['hex', 'toList'].map((what) => [what, 1.5, ENGINE] as const),
].map(([what, limit, other]) => ({
  claim: `${what}, beside ${other}`, case: 'view-bulk', metric: `ms, ${what}`,
  contender: 'zerocopy', against: 'engine', limit: { timesOf: limit },
  ...(MAKES_MEMORY.has(what) ? { whyMissed: 'each call allocates memory, and that time varies more between rounds than is missing' } : {}),
}));

const mappings: readonly Target[] = [
  { claim: 'Random 4 KiB blocks, beside fs.readSync into one buffer', case: 'random-blocks', metric: 'CPU us per block',
    contender: 'zerocopy typed array over the mapping', against: 'fs.readSync into one buffer', limit: { timesLess: 5 } },
  ...['fs.readFileSync', 'fs.createReadStream, 1 MiB chunks'].map((against) => ({
    claim: `The sum of a whole file, beside ${against}`, case: 'whole-file', metric: 'wall ms',
    contender: 'zerocopy mmap', against, limit: { timesLess: 2 },
    whyMissed: 'the first access to each page costs a fault; a chunk that is reused for every read stays in the CPU cache',
  })),
  ...['64 KiB', '1 GiB'].flatMap((size) => ['python3 mmap', 'Bun.mmap'].map((other) => ({
    claim: `Map, look and close, ${size}, beside ${other}`, case: 'map-open', metric: 'CPU us per file',
    contender: `zerocopy mmap, ${size}`, against: `${other}, ${size}`, limit: { timesOf: 1 },
    whyMissed: 'creating and closing an ArrayBuffer over external memory costs more than the mapping itself',
  }))),
  ...['1 byte', '8 bytes, the first absent', '8 bytes, all common'].map((needle) => ({
    claim: `indexOf without a hit, ${needle}, beside Buffer.indexOf`, case: 'search-bytes',
    metric: `CPU ms per GiB, ${needle}`, contender: 'zerocopy indexOf', against: 'Buffer.indexOf', limit: { timesOf: 1.1 },
    whyMissed: 'both run at memory speed, and differ by less than their rounds do',
  })),
  { claim: 'indexOf without a hit, 200 bytes: 8 GB a second', case: 'search-bytes', metric: 'CPU ms per GiB, 200 bytes',
    contender: 'zerocopy indexOf', limit: { atMost: 134 } },
  { claim: 'Lines of a log, beside node:readline', case: 'lines', metric: 'wall ns per line',
    contender: 'zerocopy lines()', against: 'node:readline', limit: { timesLess: 5 } },
  ...['ms to open', 'MiB of anonymous memory, open'].map((metric) => ({
    claim: `Open an Arrow file: ${metric}, beside fs.readFileSync`, case: 'arrow-open', metric,
    contender: 'zerocopy mmap', against: 'fs.readFileSync', limit: { timesOf: 1 },
  })),
  { claim: "Start-up cost of require('zerocopy')", case: 'start-cold', metric: 'ms over an empty start',
    contender: "zerocopy require('zerocopy')", limit: { atMost: 8 },
    whyMissed: 'a third is compiling 84 KB of code, a quarter resolving the package, a sixth loading the native library' },
];

const BY_PATH = { contender: 'zerocopy sendfile, path' } as const;
const BY_HANDLE = { contender: 'zerocopy sendfile, FileHandle kept open' } as const;
const SEND = { case: 'send-file', whyMissed: KERNEL } as const;

const COPY = { case: 'copy-file', contender: 'zerocopy copyFile' } as const;

const transfers: readonly Target[] = [
  { ...COPY, claim: 'Copy a file, beside fs.copyFile', metric: 'CPU ms, 512 MiB', against: 'fs.copyFile',
    limit: { timesOf: 1.1 } },
  { ...COPY, claim: 'Disk space that the copy of a hole with 8 MiB in it takes', metric: 'MB on the disk, a hole',
    limit: { atMost: 9 } },
  { ...SEND, ...BY_PATH, claim: 'Send 100 MiB, beside nginx', metric: 'server CPU s per GB, 100 MiB', against: NGINX,
    limit: { timesOf: 1.15 } },
  { ...SEND, ...BY_PATH, claim: 'Send 100 MiB, beside a stream', metric: 'server CPU s per GB, 100 MiB',
    against: STREAM, limit: { timesLess: 5 } },
  { ...SEND, ...BY_PATH, claim: 'Send 1 MiB, beside nginx', metric: 'server CPU s per GB, 1 MiB', against: NGINX,
    limit: { timesOf: 1.3 } },
  { ...SEND, ...BY_PATH, claim: 'Send 1 MiB, beside a stream', metric: 'server CPU s per GB, 1 MiB', against: STREAM,
    limit: { timesLess: 4 } },
  ...['16 KiB', '1 KiB'].map((size) => ({
    ...SEND, ...BY_HANDLE, claim: `Send ${size}, beside response.end(buffer)`,
    metric: `server CPU us per request, ${size}`, against: 'response.end(buffer), read before', limit: { timesOf: 1.15 },
    whyMissed: 'the other\'s bytes are already in the process; rounds differ by more than is missing',
  })),
  { ...BY_PATH, claim: 'Memory for a thousand slow readers', case: 'send-file-readers',
    metric: 'resident MB over idle', limit: { atMost: 50 } },
  { ...BY_PATH, claim: 'CPU for a thousand slow readers, beside streams', case: 'send-file-readers',
    metric: 'server CPU s', against: STREAM, limit: { timesLess: 8 },
    whyMissed: 'what remains is one step for each reader, each time that its socket has room' },
  { ...BY_PATH, claim: 'CPU for a thousand slow readers', case: 'send-file-readers', metric: 'server CPU s',
    limit: { atMost: 1 } },
  { ...BY_HANDLE, claim: 'Small requests beside large transfers: p50, beside nginx', case: 'send-file-beside',
    metric: 'ms per small request, p50', against: NGINX, limit: { timesOf: 1 },
    whyMissed: 'rounds differ from half of nginx to 1.6 times' },
  { ...BY_HANDLE, claim: 'Small requests beside large transfers: p99', case: 'send-file-beside',
    metric: 'ms per small request, p99', limit: { atMost: 20 } },
  { ...BY_PATH, claim: 'Event loop delay while cold files are sent', case: 'send-file-cold',
    metric: 'event loop delay ms, p99', limit: { atMost: 10 } },
  { ...BY_PATH, claim: 'Send by HTTPS, beside a stream', case: 'send-file-tls', metric: 'server CPU s per GB',
    against: STREAM, limit: { timesLess: 1.4 }, whyMissed: 'encryption is most of the cost, and the same for both' },
];

const SERVE = { case: 'serve-files', contender: 'zerocopy serveFiles()' } as const;
const requests = (size: string) => ({ metric: `server CPU us per request, ${size}` });

const serving: readonly Target[] = [
  { ...SERVE, ...requests('1 KiB'), claim: 'serveFiles(), 1 KiB, beside an empty response',
    against: 'an empty response of node:http', limit: { timesOf: 1.3 } },
  ...['send', 'sirv'].map((against) => ({ ...SERVE, ...requests('1 KiB'), claim: `serveFiles(), 1 KiB, beside ${against}`,
    against, limit: { timesLess: 4 }, whyMissed: 'most of the cost is what node:http takes for a request, and that is the same for all' })),
  { ...SERVE, ...requests('192 KiB'), claim: 'serveFiles(), 192 KiB, beside send', against: 'send',
    limit: { timesLess: 3 } },
  { ...SERVE, ...requests('1 MiB'), claim: 'serveFiles(), 1 MiB, beside send', against: 'send', limit: { timesLess: 3 },
    whyMissed: KERNEL },
  { ...SERVE, ...requests('1 MiB'), claim: 'serveFiles(), 1 MiB, beside nginx', against: NGINX,
    limit: { timesOf: 1.3 }, whyMissed: KERNEL },
  { ...requests('1 MiB'), claim: 'send at 1 MiB with accelerate(), beside without', case: 'serve-accelerate',
    contender: 'zerocopy accelerate(), send', against: 'send', limit: { timesLess: 3 }, whyMissed: KERNEL },
];

export const TARGETS: readonly Target[] = [...slices, ...elements, ...bulk, ...mappings, ...transfers, ...serving];
