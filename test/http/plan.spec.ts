/** Tables from RFC 9110: request headers, a file, and the answer that the RFC wants. */
import assert from 'node:assert/strict';

import { MAX_RANGES, parseRange } from '#lib/http/byte-range';
import { parseDate } from '#lib/http/conditions';
import { encodingsFor } from '#lib/http/encodings';
import { planResponse, type Plan, type RequestFacts } from '#lib/http/plan';
import { represent, type HeadPolicy } from '#lib/http/representation';

const ALL: HeadPolicy = { etag: true, lastModified: true, acceptRanges: true, cacheControl: 'public, max-age=0', varies: false };
/** Sun, 06 Nov 1994 08:49:37 GMT, the RFC's own example. */
const MODIFIED = 784_111_777;
const DATE = 'Sun, 06 Nov 1994 08:49:37 GMT';
const EARLIER = 'Sun, 06 Nov 1994 08:49:36 GMT';
const LATER = 'Sun, 06 Nov 1994 08:49:38 GMT';

function file(size = 1000, policy: Partial<HeadPolicy> = {}) {
  const version = { size, modifiedSeconds: MODIFIED, modifiedNanoseconds: 500_000_000 };
  return represent('page.html', version, undefined, { ...ALL, ...policy });
}
const ETAG = file().etag!;

function plan(headers: RequestFacts['headers'], of = file(), facts: Partial<RequestFacts> = {}): Plan {
  return planResponse({ method: 'GET', headers, nowSeconds: MODIFIED + 1000, status: 200, boundary: () => 'BOUNDARY', ...facts }, of);
}

function header({ headers }: Plan, name: string): string | undefined {
  const at = headers.findIndex((text, i) => i % 2 === 0 && text === name);
  return at < 0 ? undefined : headers[at + 1];
}

describe('conditional requests (RFC 9110 section 13)', () => {
  const other = '"other"';
  const cases: readonly [what: string, headers: RequestFacts['headers'], status: number][] = [
    ['nothing', {}, 200],
    ['If-Match: its tag', { 'if-match': ETAG }, 200],
    ['If-Match: a list with it', { 'if-match': `${other}, ${ETAG}` }, 200],
    ['If-Match: another', { 'if-match': other }, 412],
    ['If-Match: its tag, weak: strong comparison', { 'if-match': `W/${ETAG}` }, 412],
    ['If-Match: *', { 'if-match': '*' }, 200],
    ['If-Match: nothing that is a tag', { 'if-match': 'x' }, 412],
    ['If-None-Match: its tag', { 'if-none-match': ETAG }, 304],
    ['If-None-Match: its tag, weak: weak comparison', { 'if-none-match': `W/${ETAG}` }, 304],
    ['If-None-Match: a list with it', { 'if-none-match': `${other} ,W/"x", ${ETAG}` }, 304],
    ['If-None-Match: a tag with a comma in it', { 'if-none-match': `"a,b",${ETAG}` }, 304],
    ['If-None-Match: another', { 'if-none-match': other }, 200],
    ['If-None-Match: *', { 'if-none-match': '*' }, 304],
    ['If-Modified-Since: the same', { 'if-modified-since': DATE }, 304],
    ['If-Modified-Since: later', { 'if-modified-since': LATER }, 304],
    ['If-Modified-Since: earlier', { 'if-modified-since': EARLIER }, 200],
    ['If-Modified-Since: RFC 850', { 'if-modified-since': 'Sunday, 06-Nov-94 08:49:37 GMT' }, 304],
    ['If-Modified-Since: asctime', { 'if-modified-since': 'Sun Nov  6 08:49:37 1994' }, 304],
    ['If-Modified-Since: no date', { 'if-modified-since': 'yesterday' }, 200],
    ['If-Modified-Since: ISO 8601 is no HTTP-date', { 'if-modified-since': '2030-01-01T00:00:00Z' }, 200],
    ['If-Unmodified-Since: the same', { 'if-unmodified-since': DATE }, 200],
    ['If-Unmodified-Since: later', { 'if-unmodified-since': LATER }, 200],
    ['If-Unmodified-Since: earlier', { 'if-unmodified-since': EARLIER }, 412],
    ['If-Unmodified-Since: no date', { 'if-unmodified-since': '0' }, 200],
    // The order of section 13.2.2.
    ['If-Match decides before If-Unmodified-Since', { 'if-match': ETAG, 'if-unmodified-since': EARLIER }, 200],
    ['If-Match decides before If-None-Match', { 'if-match': other, 'if-none-match': ETAG }, 412],
    ['If-None-Match decides before If-Modified-Since', { 'if-none-match': other, 'if-modified-since': DATE }, 200],
    ['If-None-Match is looked at after If-Match held', { 'if-match': ETAG, 'if-none-match': ETAG }, 304],
    ['If-Unmodified-Since decides before If-None-Match', { 'if-unmodified-since': EARLIER, 'if-none-match': ETAG }, 412],
    ['If-None-Match decides before Range', { 'if-none-match': ETAG, 'range': 'bytes=0-1' }, 304],
    ['If-Match decides before Range', { 'if-match': other, 'range': 'bytes=0-1' }, 412],
  ];
  for (const [what, headers, status] of cases) {
    for (const method of ['GET', 'HEAD']) {
      it(`${method}, ${what}: ${String(status)}`, () => {
        const expected = method === 'HEAD' && status === 206 ? 200 : status;
        assert.equal(plan(headers, file(), { method }).status, expected);
      });
    }
  }

  it('are not made of what options switched off', () => {
    assert.equal(plan({ 'if-none-match': ETAG }, file(1000, { etag: false })).status, 200);
    assert.equal(plan({ 'if-match': ETAG }, file(1000, { etag: false })).status, 412);
    assert.equal(plan({ 'if-match': '*' }, file(1000, { etag: false })).status, 200);
    assert.equal(plan({ 'if-modified-since': LATER }, file(1000, { lastModified: false })).status, 200);
    assert.equal(plan({ 'if-unmodified-since': EARLIER }, file(1000, { lastModified: false })).status, 200);
  });

  it('304 repeats what a cache needs, and has no body', () => {
    const answer = plan({ 'if-none-match': ETAG });
    assert.deepEqual(answer.pieces, []);
    assert.deepEqual(answer.headers, ['Cache-Control', 'public, max-age=0', 'Last-Modified', DATE, 'ETag', ETAG]);
  });

  it('304 for a precompressed file says what it varies by, and no coding of a body that it has not', () => {
    const version = { size: 1000, modifiedSeconds: MODIFIED, modifiedNanoseconds: 0 };
    const packed = represent('page.html', version, 'br', { ...ALL, varies: true });
    const answer = plan({ 'if-none-match': packed.etag! }, packed);
    assert.deepEqual([answer.status, header(answer, 'Vary'), header(answer, 'ETag')], [304, 'Accept-Encoding', packed.etag]);
    assert.equal(header(answer, 'Content-Encoding'), undefined);
    for (const headers of [{}, { range: 'bytes=0-1' }]) assert.equal(header(plan(headers, packed), 'Content-Encoding'), 'br');
  });

  it('do not touch an answer to which the application gave a status', () => {
    const answer = plan({ 'if-none-match': ETAG, 'range': 'bytes=0-1' }, file(), { status: 404 });
    assert.deepEqual([answer.status, answer.pieces], [404, [{ offset: 0, length: 1000 }]]);
  });
});

describe('dates (section 5.6.7)', () => {
  for (const text of [DATE, 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994', ` ${DATE} `]) {
    it(`${text} is one`, () => assert.equal(parseDate(text), MODIFIED));
  }
  for (const text of ['', '0', '-1', 'now', '1994-11-06', 'Sun, 06 Nov 1994 08:49:37', 'Sun, 06 Nov 1994 08:49:37 CET',
    'Sun, 6 Nov 1994 08:49:37 GMT', 'Sun, 06 Nov 1994 25:49:37 GMT', `${DATE}, ${DATE}`]) {
    it(`'${text}' is none`, () => assert.equal(parseDate(text), undefined));
  }
});

describe('ranges (section 14)', () => {
  const one = (offset: number, length: number) => [{ offset, length }];
  const cases: readonly [header: string, size: number, expected: ReturnType<typeof parseRange>][] = [
    ['bytes=0-499', 10_000, one(0, 500)], // the examples of section 14.1.2
    ['bytes=500-999', 10_000, one(500, 500)],
    ['bytes=-500', 10_000, one(9500, 500)],
    ['bytes=9500-', 10_000, one(9500, 500)],
    ['bytes=0-0,-1', 10_000, [...one(0, 1), ...one(9999, 1)]],
    ['bytes= 0-999, 4500-5499, -1000', 10_000, [...one(0, 1000), ...one(4500, 1000), ...one(9000, 1000)]],
    ['bytes=500-600,601-999', 10_000, [...one(500, 101), ...one(601, 399)]],
    ['BYTES=0-0', 10, one(0, 1)],
    ['bytes=0-', 10, one(0, 10)],
    ['bytes=0-9', 10, one(0, 10)],
    ['bytes=0-10', 10, one(0, 10)],
    ['bytes=9-', 10, one(9, 1)],
    ['bytes=-10', 10, one(0, 10)],
    ['bytes=-11', 10, one(0, 10)], // longer than the file: all of it
    ['bytes=-5000', 1000, one(0, 1000)],
    ['bytes=-99999999999999999999', 10, one(0, 10)],
    ['bytes=0-99999999999999999999', 10, one(0, 10)],
    ['bytes=9007199254740992-', 10, 'unsatisfiable'],
    ['bytes=9007199254740993-9007199254740992', 10, 'whole'], // exact beyond 2^53: it ends before it begins
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=10-20', 10, 'unsatisfiable'],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=-1', 0, 'unsatisfiable'],
    ['bytes=20-30,40-', 10, 'unsatisfiable'],
    ['bytes=20-30,0-1', 10, one(0, 2)], // those that can be satisfied
    ['bytes=,0-1,', 10, one(0, 2)],
    ['bytes=5-2', 10, 'whole'], // invalid: ignored
    ['bytes=0-1,5-2', 10, 'whole'],
    ['bytes=', 10, 'whole'],
    ['bytes=,', 10, 'whole'],
    ['bytes=-', 10, 'whole'],
    ['bytes=a-b', 10, 'whole'],
    ['bytes=1', 10, 'whole'],
    ['bytes=--1', 10, 'whole'],
    ['bytes=1-2-3', 10, 'whole'],
    ['bytes=+1-2', 10, 'whole'],
    ['bytes=0x1-2', 10, 'whole'],
    ['bytes=1e1-', 100, 'whole'],
    ['bytes=1.0-2', 10, 'whole'],
    ['bytes 0-1', 10, 'whole'],
    ['lines=0-1', 10, 'whole'],
    ['', 10, 'whole'],
    ['bytes=0-5,3-9', 10, 'whole'], // more bytes than there are
    ['bytes=0-3,2-5', 10, [...one(0, 4), ...one(2, 4)]],
    [`bytes=${'0-0,'.repeat(MAX_RANGES)}`, 100, Array.from({ length: MAX_RANGES }, () => ({ offset: 0, length: 1 }))],
    [`bytes=${'0-0,'.repeat(MAX_RANGES + 1)}`, 100, 'whole'],
    [`bytes=${'0-,'.repeat(5000)}`, 100, 'whole'],
  ];
  for (const [header, size, expected] of cases) {
    it(`${header.slice(0, 50)} of ${String(size)}`, () => assert.deepEqual(parseRange(header, size), expected));
  }

  it('answer 206 with Content-Range and all that 200 says but the length', () => {
    const answer = plan({ range: 'bytes=10-19' });
    assert.equal(answer.status, 206);
    assert.equal(header(answer, 'Content-Range'), 'bytes 10-19/1000');
    assert.equal(header(answer, 'Content-Length'), '10');
    for (const name of ['Content-Type', 'ETag', 'Last-Modified', 'Cache-Control', 'Accept-Ranges']) {
      assert.equal(header(answer, name), header(plan({}), name), name);
    }
    assert.deepEqual(answer.pieces, one(10, 10));
  });

  it('answer 416 with the length', () => {
    const answer = plan({ range: 'bytes=1000-' });
    assert.deepEqual([answer.status, answer.headers, answer.isRefusal], [416, ['Content-Range', 'bytes */1000'], true]);
  });

  it('are for GET alone', () => {
    const answer = plan({ range: 'bytes=0-1' }, file(), { method: 'HEAD' });
    assert.deepEqual([answer.status, header(answer, 'Content-Length'), answer.pieces], [200, '1000', []]);
  });

  it('are not there when options say so', () => {
    const answer = plan({ range: 'bytes=0-1' }, file(1000, { acceptRanges: false }));
    assert.deepEqual([answer.status, header(answer, 'Accept-Ranges')], [200, undefined]);
  });

  it('several are one body of parts, as long as announced', () => {
    const answer = plan({ range: 'bytes=0-0,-1' });
    assert.equal(header(answer, 'Content-Type'), 'multipart/byteranges; boundary=BOUNDARY');
    assert.equal(header(answer, 'Content-Range'), undefined);
    const body = answer.pieces.map((piece) => (typeof piece === 'string' ? piece : 'x'.repeat(piece.length))).join('');
    assert.equal(body, '\r\n--BOUNDARY\r\nContent-Type: text/html; charset=utf-8\r\nContent-Range: bytes 0-0/1000\r\n\r\nx' +
      '\r\n--BOUNDARY\r\nContent-Type: text/html; charset=utf-8\r\nContent-Range: bytes 999-999/1000\r\n\r\nx\r\n--BOUNDARY--\r\n');
    assert.equal(header(answer, 'Content-Length'), String(body.length));
  });

  it('reach beyond 4 GiB and up to 2^53', () => {
    const size = 2 ** 53 - 1;
    const answer = plan({ range: `bytes=${String(size - 1)}-` }, file(size));
    assert.equal(header(answer, 'Content-Range'), `bytes ${String(size - 1)}-${String(size - 1)}/${String(size)}`);
    assert.deepEqual(answer.pieces, one(size - 1, 1));
  });
});

describe('If-Range (section 13.1.5)', () => {
  const range = 'bytes=0-1';
  const cases: readonly [what: string, value: string, status: number][] = [
    ['its tag', ETAG, 206],
    ['its tag, weak: never', `W/${ETAG}`, 200],
    ['another tag', '"other"', 200],
    ['a list: it takes one tag', `${ETAG}, ${ETAG}`, 200],
    ['exactly Last-Modified', DATE, 206],
    ['a later date: not exact', LATER, 200],
    ['an earlier date', EARLIER, 200],
    ['nothing that can be understood', 'x', 200],
  ];
  for (const [what, value, status] of cases) {
    it(`${what}: ${String(status)}`, () => assert.equal(plan({ range, 'if-range': value }).status, status));
  }

  it('does not trust a date in the second in which the file changed', () => {
    for (const [nowSeconds, status] of [[MODIFIED, 200], [MODIFIED + 1, 206]] as const) {
      assert.equal(plan({ range, 'if-range': DATE }, file(), { nowSeconds }).status, status);
    }
  });

  it('does not trust a weak tag that the application set', () => {
    const weak = { ...file(), etag: 'W/"x"' };
    assert.equal(plan({ range, 'if-range': 'W/"x"' }, weak).status, 200);
    assert.equal(plan({ 'if-match': 'W/"x"' }, weak).status, 412);
    assert.equal(plan({ 'if-none-match': '"x"' }, weak).status, 304);
  });

  it('means nothing without Range', () => assert.equal(plan({ 'if-range': '"other"' }).status, 200));
});

describe('heads', () => {
  it('have a strong tag of size, time and encoding', () => {
    const version = { size: 10, modifiedSeconds: 20, modifiedNanoseconds: 30 };
    const tags = [
      represent('a', version, undefined, ALL), represent('a', { ...version, size: 11 }, undefined, ALL),
      represent('a', { ...version, modifiedSeconds: 21 }, undefined, ALL),
      represent('a', { ...version, modifiedNanoseconds: 31 }, undefined, ALL),
      represent('a', version, 'br', ALL), represent('a', version, 'gzip', ALL),
    ].map(({ etag }) => etag!);
    assert.equal(new Set(tags).size, tags.length);
    for (const tag of tags) assert.match(tag, /^"[\w.-]+"$/);
  });

  const NEW = { size: 1, modifiedSeconds: 1, modifiedNanoseconds: 1 };
  const types: readonly [name: string, type: string][] = [
    ['a.html', 'text/html; charset=utf-8'], ['a.JS', 'text/javascript; charset=utf-8'], ['a.png', 'image/png'],
    ['a.unheard-of', 'application/octet-stream'], ['README', 'application/octet-stream'], ['.html', 'application/octet-stream'],
    ['a.b/c', 'application/octet-stream'], ['a.json', 'application/json; charset=utf-8'],
  ];
  for (const [name, type] of types) {
    it(`call ${name} ${type}`, () => {
      assert.equal(represent(name, NEW, undefined, ALL).contentType, type);
    });
  }

  it('name the encoding, and that it varies', () => {
    const { whole } = represent('a.html', NEW, 'br', { ...ALL, varies: true });
    assert.equal(header({ status: 200, headers: whole, pieces: [] }, 'Content-Encoding'), 'br');
    assert.equal(header({ status: 200, headers: whole, pieces: [] }, 'Vary'), 'Accept-Encoding');
    assert.equal(header({ status: 200, headers: whole, pieces: [] }, 'Content-Type'), 'text/html; charset=utf-8');
  });
});

describe('Accept-Encoding (section 12.5.3)', () => {
  const prefer = encodingsFor(['br', 'zstd', 'gzip']);
  const cases: readonly [header: string | undefined, expected: readonly string[]][] = [
    [undefined, []],
    ['', []],
    ['identity', []],
    ['gzip', ['gzip']],
    ['gzip, deflate, br, zstd', ['br', 'zstd', 'gzip']], // all alike: ours
    ['GZIP', ['gzip']],
    ['br;q=0.5, gzip;q=0.8', ['gzip', 'br']],
    ['br;q=0, gzip', ['gzip']],
    ['gzip;q=0', []],
    ['*', ['br', 'zstd', 'gzip']],
    ['*;q=0, gzip', ['gzip']],
    ['gzip;q=0.5, *;q=0.1', ['gzip', 'br', 'zstd']],
    ['br;q=0.001, identity;q=0.5', []],
    ['br;q=0.5, identity;q=0.4, gzip;q=0.2', ['br']],
    ['deflate', []],
    ['x-gzip', ['gzip']], // an old name for it (section 8.4.1.3)
    ['X-GZIP;q=0.5,br;q=0.6', ['br', 'gzip']],
    ['deflate, x-gzip', ['gzip']],
    ['x-gzip;q=0, br', ['br']],
    ['x-gzip-2, ax-gzip', []],
    ['constructor', []],
  ];
  for (const [header, expected] of cases) {
    it(`${String(header)}: ${expected.join(', ') || 'as it is'}`, () => {
      assert.deepEqual(prefer(header), expected);
      assert.deepEqual(prefer(header), expected, 'remembered');
    });
  }
});
