/** Each library behind accelerate() against itself without: the same bytes, and they left raw. */
import assert from 'node:assert/strict';
import { utimesSync } from 'node:fs';
import http from 'node:http';

import { accelerate, ZeroCopyResponse, type Transfers } from 'zerocopy/http';

import { counted } from '../support/counted';
import { servers } from '../support/network';
import { exchanged, type FramedResponse, type RawRequest } from '../support/raw-client';
import { patternBytes, temporaryFolder } from '../support/temporary';
import { FRAMEWORKS, type Framework } from './frameworks';

const KIB = 1024;
const SIZES = [0, 1, KIB, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, KIB * KIB];
const INLINE_LIMIT = 64 * KIB;

const WHOLE: readonly RawRequest[] = SIZES.map((size) => ({ path: `/${String(size)}.bin` }));
const LARGE = '/1048576.bin';
const RANGES: readonly RawRequest[] = [
  'bytes=0-0', 'bytes=100-199', 'bytes=-500', 'bytes=70000-', 'bytes=0-', 'bytes=0-65535', 'bytes=0-65536',
  'bytes=1000000-2000000', 'bytes=0-1,5-6', 'bytes=1048576-', 'bytes=-0', 'lines=1-2', 'bytes=5-2',
].map((range) => ({ path: LARGE, headers: { Range: range } }));
const OTHERS: readonly RawRequest[] = [
  { path: '/missing' }, { path: '/..%2f..%2fetc/passwd' }, { path: '/1.bin', headers: { 'Accept-Encoding': 'gzip, br' } },
  { path: LARGE, headers: { 'If-Modified-Since': 'Fri, 01 Jan 2100 00:00:00 GMT' } },
  { path: LARGE, headers: { 'If-Modified-Since': 'Thu, 01 Jan 1970 00:00:00 GMT' } },
  { path: LARGE, headers: { 'If-None-Match': '"something else"' } },
  { path: LARGE, headers: { 'If-Match': '"something else"' } },
  { path: LARGE, headers: { 'If-Unmodified-Since': 'Thu, 01 Jan 1970 00:00:00 GMT' } },
  { path: LARGE, headers: { 'If-Range': '"something else"', 'Range': 'bytes=0-9' } },
  { path: LARGE, headers: { 'If-Range': 'Fri, 01 Jan 2100 00:00:00 GMT', 'Range': 'bytes=0-9' } },
];
const HEADS: readonly RawRequest[] = [...WHOLE, ...RANGES, ...OTHERS].map((request) => ({ ...request, method: 'HEAD' }));

/** How many bodies of `responses` leave each way: with 416 too, where serve-handler sends the whole file. */
function expectedWays(
  requests: readonly RawRequest[], responses: readonly FramedResponse[],
): Omit<Transfers, 'fallback'> {
  const bodies = responses.filter((_, i) => requests[i]!.method !== 'HEAD')
    .filter(({ status, body }) => status === 200 || status === 206 || body.length > INLINE_LIMIT)
    .filter(({ headers }) => !headers.some((line) => /multipart|text\/html/.test(line)))
    .map(({ body }) => body.length);
  const large = bodies.filter((length) => length > INLINE_LIMIT);
  const bytes = bodies.reduce((sum, length) => sum + length, 0);
  return { sendfile: large.length, inline: bodies.length - large.length, bytes };
}

describe('behind accelerate(), with the same bytes,', () => {
  const folder = temporaryFolder();
  const { http: serve } = servers();
  const root = () => folder.file('');
  before(() => {
    for (const size of SIZES) {
      const file = folder.file(`${String(size)}.bin`, patternBytes(size));
      utimesSync(file, 1e9, 1e9);
    }
  });

  const hooks: readonly [string, (listener: http.RequestListener) => http.Server][] = [
    ['accelerate()', (listener) => accelerate(http.createServer(listener))],
    ['ZeroCopyResponse', (listener) => http.createServer({ ServerResponse: ZeroCopyResponse }, listener)],
  ];

  async function compare(
    framework: Framework, requests: readonly RawRequest[], hook = hooks[0]![1],
  ): Promise<Transfers> {
    const plain = await serve(await framework.make(root()));
    const accelerated = await serve(hook(await framework.make(root())));
    const expected = await exchanged(plain.port, requests);
    const { result, by } = await counted(() => exchanged(accelerated.port, requests));
    for (const [i, response] of expected.entries()) {
      assert.deepEqual(result[i], response, `${requests[i]!.method ?? 'GET'} ${JSON.stringify(requests[i])}`);
    }
    return by;
  }

  for (const framework of FRAMEWORKS) {
    describe(framework.name, () => {
      const bearable = (requests: readonly RawRequest[]) => requests.filter(({ headers }) =>
        !framework.diesOfBackwardsRange || headers?.['Range'] !== 'bytes=5-2');
      const ranges = bearable(RANGES);

      it('sends whole files raw', async () => {
        const plain = await serve(await framework.make(root()));
        const responses = await exchanged(plain.port, WHOLE);
        assert.deepEqual(responses.map(({ body }) => body), SIZES.map((size) => patternBytes(size)));
        const by = await compare(framework, WHOLE);
        assert.deepEqual(by, { ...expectedWays(WHOLE, responses), fallback: {} });
      });

      it('sends ranges raw', async () => {
        const plain = await serve(await framework.make(root()));
        const responses = await exchanged(plain.port, ranges);
        const { status, body } = responses[1]!;
        assert.deepEqual([status, body.length], framework.ranges ? [206, 100] : [200, KIB * KIB]);
        const by = await compare(framework, ranges);
        assert.deepEqual(by, { ...expectedWays(ranges, responses), fallback: {} });
      });

      it('answers conditional requests, HEAD and what is missing', async () => {
        const { fallback } = await compare(framework, [...OTHERS, ...bearable(HEADS)]);
        assert.deepEqual(Object.keys(fallback).filter((reason) => reason !== 'no-body'), []);
      });

      it('revalidates by the ETag it gave', async () => {
        const plain = await serve(await framework.make(root()));
        const [first] = await exchanged(plain.port, [{ path: LARGE }]);
        const etag = /^etag: (.*)$/im.exec(first!.headers.join('\n'))?.[1] ?? '"none"';
        await compare(framework, [{ path: LARGE, headers: { 'If-None-Match': etag } },
          { path: LARGE, headers: { 'If-Range': etag, 'Range': 'bytes=0-9' } },
          { path: LARGE, method: 'HEAD', headers: { 'If-None-Match': etag } }]);
      });

      it('answers pipelined requests in order', async () => {
        const plain = await serve(await framework.make(root()));
        const accelerated = await serve(accelerate(http.createServer(await framework.make(root()))));
        const requests = [...WHOLE, ...[...WHOLE].reverse()];
        const expected = await exchanged(plain.port, requests, true);
        const { result, by } = await counted(() => exchanged(accelerated.port, requests, true));
        assert.deepEqual(result, expected);
        assert.deepEqual(by, { ...expectedWays(requests, expected), fallback: {} });
      });

      it('does so by ZeroCopyResponse', async () => {
        const by = await compare(framework, WHOLE, hooks[1]![1]);
        assert.ok(by.sendfile === 2 && by.inline === 5, JSON.stringify(by));
      });
    });
  }
});
