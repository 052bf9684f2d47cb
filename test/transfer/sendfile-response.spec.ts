import assert from 'node:assert/strict';
import http from 'node:http';

import { Client } from 'undici';
import { explainTransfer, sendfile } from 'zerocopy';
import { sha256OfFile, writeLargeFile } from '../support/large-file';
import { digest, hashedExchange, parseResponses, rawExchange, servers } from '../support/network';
import { patternBytes, temporaryFolder } from '../support/temporary';

const GIB = 2 ** 30;
const REQUEST = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
const LAST = 'Connection: close\r\n';

describe('sendfile to a ServerResponse', () => {
  const folder = temporaryFolder();
  const { http: serve } = servers();
  const content = patternBytes(2_500_003);
  let file: string;
  before(() => { file = folder.file('content', content); });

  type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => Promise<unknown>;

  /** A server for `handler`, and what it threw. */
  async function serving(handler: Handler): Promise<{ port: number; failures: unknown[] }> {
    const failures: unknown[] = [];
    const { port } = await serve((request, response) => {
      handler(request, response).then(() => response.end(), (error: unknown) => {
        failures.push(error);
        response.end();
      });
    });
    return { port, failures };
  }

  async function exchange(
    handler: Handler, request: string, methods: readonly string[] = ['GET'],
  ): Promise<ReturnType<typeof parseResponses>> {
    const { port, failures } = await serving(handler);
    const answer = parseResponses(await rawExchange(port, request), methods);
    if (failures.length > 0) throw failures[0] as Error;
    return answer;
  }

  it('sends 1 GiB byte for byte: to node:http, and to a client that pipelines the next request', async function () {
    this.timeout(300_000);
    const large = folder.file('large');
    writeLargeFile(large, GIB);
    const expected = await sha256OfFile(large);
    const { port, failures } = await serving(async (request, response) => {
      response.setHeader('X-Before', 'yes');
      await sendfile(response, request.url === '/large' ? large : file);
    });
    const received = await new Promise<http.IncomingMessage>((resolve, reject) => {
      http.get({ port, path: '/large', agent: false }, resolve).on('error', reject);
    });
    assert.deepEqual([received.headers['x-before'], received.headers['content-length']], ['yes', String(GIB)]);
    assert.deepEqual(await digest(received), expected);
    const { head, body, rest: next } = await hashedExchange(port, REQUEST('/large') + REQUEST('/small', LAST));
    assert.match(head, /x-before: yes/i);
    assert.deepEqual(body, expected);
    const { responses, rest } = parseResponses(next, ['GET']);
    assert.deepEqual([responses[0]?.body, rest.length], [content, 0]);
    assert.deepEqual(failures, []);
  });

  it('does not mind that nobody waits: end() and the next response come after', async () => {
    const { responses, rest } = await exchange((request, response) => {
      const sending = sendfile(response, file, { length: request.url === '/a' ? content.length : 7 });
      response.end();
      return sending;
    }, REQUEST('/a') + REQUEST('/b') + REQUEST('/a', LAST), ['GET', 'GET', 'GET']);
    assert.deepEqual(responses.map(({ body }) => body), [content, content.subarray(0, 7), content]);
    assert.equal(rest.length, 0);
  });

  it('keeps connections alive for node:http', async () => {
    const { port } = await serving(async (_request, response) => sendfile(response, file));
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<number | undefined>();
    for (let i = 0; i < 5; i++) {
      const request = http.get({ port, agent });
      const got = await new Promise<{ bytes: number }>((resolve, reject) => {
        request.on('response', (response) => { digest(response).then(resolve, reject); }).on('error', reject);
      });
      ports.add(request.socket?.localPort);
      assert.equal(got.bytes, content.length);
    }
    assert.equal(ports.size, 1);
    agent.destroy();
  });

  it('serves undici, which pipelines ten requests on a connection', async () => {
    const { port } = await serving(async (request, response) => {
      await sendfile(response, file, { offset: Number(request.url?.slice(1)) });
    });
    const client = new Client(`http://127.0.0.1:${String(port)}`, { pipelining: 10 });
    await Promise.all(Array.from({ length: 30 }, async (_, i) => {
      const offset = i * 80_021;
      const { body, headers } = await client.request({ path: `/${String(offset)}`, method: 'GET' });
      assert.equal(headers['content-length'], String(content.length - offset));
      assert.ok(Buffer.from(await body.arrayBuffer()).equals(content.subarray(offset)), String(offset));
    }));
    await client.close();
  });

  it('sets Content-Length, takes one that is right, and refuses one that is wrong', async () => {
    const right = await exchange(async (_request, response) => {
      response.writeHead(206, { 'Content-Length': 10 });
      await sendfile(response, file, { offset: 5, length: 10 });
    }, REQUEST('/', LAST));
    assert.deepEqual(right.responses[0]?.body, content.subarray(5, 15));
    for (const announce of [
      (response: http.ServerResponse) => response.setHeader('Content-Length', 11),
      (response: http.ServerResponse) => response.writeHead(200, { 'content-length': '9' }),
      (response: http.ServerResponse) => response.writeHead(200, ['Content-Length', '11']),
    ]) {
      const wrong = exchange(async (_request, response) => {
        announce(response);
        try {
          await sendfile(response, file, { length: 10 });
        } catch (error) {
          response.destroy();
          throw error;
        }
      }, REQUEST('/', LAST));
      await assert.rejects(wrong, { code: 'ERR_INVALID_ARG_VALUE', bytesSent: 0, name: 'TypeError' });
    }
  });

  it('writes around it in the order of the calls, where the length announces it all', async () => {
    const { responses, rest } = await exchange(async (_request, response) => {
      response.writeHead(200, { 'Content-Length': 5 + 100_000 + 5 });
      response.write('<<<<<');
      const sending = sendfile(response, file, { length: 100_000 });
      response.write('>>>>>');
      await sending;
    }, REQUEST('/', LAST));
    assert.deepEqual(responses[0]?.body, Buffer.concat([Buffer.from('<<<<<'), content.subarray(0, 100_000), Buffer.from('>>>>>')]));
    assert.equal(rest.length, 0);
  });

  it('sends no body for HEAD, 204 and 304', async () => {
    const { responses, rest } = await exchange(async (request, response) => {
      response.statusCode = Number(request.url?.slice(1));
      assert.equal(await sendfile(response, file), 0);
    }, `HEAD /200 HTTP/1.1\r\nHost: x\r\n\r\n${REQUEST('/204')}${REQUEST('/304', LAST)}`, ['HEAD', 'HEAD', 'HEAD']);
    assert.equal(responses.length, 3);
    assert.equal(rest.length, 0);
    assert.match(responses[0]?.head ?? '', new RegExp(`content-length: ${String(content.length)}$`, 'im'));
    assert.match(responses[1]?.head ?? '', /^HTTP\/1.1 204/);
    assert.doesNotMatch(responses[1]?.head ?? '', /content-length|transfer-encoding/i);
  });

  it('sends an empty file, and no bytes of one', async () => {
    const empty = folder.file('empty', '');
    const { responses, rest } = await exchange(async (request, response) => {
      assert.equal(await (request.url === '/' ? sendfile(response, empty) : sendfile(response, file, { length: 0 })), 0);
    }, REQUEST('/') + REQUEST('/none', LAST), ['GET', 'GET']);
    assert.equal(rest.length, 0);
    for (const { head } of responses) assert.match(head, /^content-length: 0$/im);
    assert.equal(responses.length, 2);
  });

  it('serves HTTP/1.0, and 100-continue', async () => {
    const { port } = await serving(async (_request, response) => sendfile(response, file));
    const old = await rawExchange(port, 'GET / HTTP/1.0\r\n\r\n');
    assert.deepEqual(parseResponses(old, ['GET']).responses[0]?.body, content);
    const continued = await rawExchange(port, REQUEST('/', `Expect: 100-continue\r\n${LAST}`));
    const text = 'HTTP/1.1 100 Continue\r\n\r\n';
    assert.equal(continued.toString('latin1', 0, text.length), text);
    assert.deepEqual(parseResponses(continued.subarray(text.length), ['GET']).responses[0]?.body, content);
  });

  it('satisfies strictContentLength', async () => {
    const { responses } = await exchange(async (_request, response) => {
      response.strictContentLength = true;
      await sendfile(response, file);
      response.end();
    }, REQUEST('/', LAST));
    assert.deepEqual(responses[0]?.body, content);
  });

  it('goes by sendfile from a descriptor that is cached, without a job', async () => {
    const { responses } = await exchange(async (_request, response) => {
      assert.deepEqual(explainTransfer(response), { way: 'sendfile' });
      await sendfile(response, file, { length: 1000 });
    }, REQUEST('/', LAST));
    assert.deepEqual(responses[0]?.body, content.subarray(0, 1000));
  });

  it('answers a missing file with its error, and the response is free for another answer', async () => {
    const { port } = await serving(async (_request, response) => {
      try {
        await sendfile(response, folder.file('missing'));
      } catch (error) {
        response.statusCode = 404;
        response.end((error as NodeJS.ErrnoException).code);
      }
    });
    const { responses } = parseResponses(await rawExchange(port, REQUEST('/', LAST)), ['GET']);
    assert.match(responses[0]?.head ?? '', /^HTTP\/1.1 404/);
    assert.equal(responses[0]?.body.toString(), 'ENOENT');
  });

  it('refuses a response that has ended', async () => {
    const { port, failures } = await serving(async (_request, response) => {
      response.end('done');
      await sendfile(response, file);
    });
    await rawExchange(port, REQUEST('/', LAST));
    assert.equal((failures[0] as NodeJS.ErrnoException).code, 'ERR_STREAM_WRITE_AFTER_END');
  });
});
