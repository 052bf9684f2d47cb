/** accelerate() and curl. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { promisify } from 'node:util';
import send from 'send';

import { accelerate } from 'zerocopy/http';

import { counted } from '../support/counted';
import { servers } from '../support/network';
import { temporaryFolder } from '../support/temporary';
import { requireTool } from '../support/tool';

describe('accelerate() and curl', () => {
  const folder = temporaryFolder();
  const { http: serve } = servers();
  const curl = promisify(execFile);

  it('moves 5 GiB that send serves', async () => {
    const size = 5 * 2 ** 30 + 3;
    fs.truncateSync(folder.file('huge', ''), size);
    const root = folder.file('');
    const { port } = await serve(accelerate(http.createServer((request, response) => {
      send(request, request.url ?? '/', { root }).pipe(response);
    })));
    const url = `http://127.0.0.1:${String(port)}/huge`;
    const { result, by } = await counted(() =>
      curl(requireTool('curl'), ['-sS', '-o', '/dev/null', '-w', '%{http_code} %{size_download}', url]));
    assert.equal(result.stdout, `200 ${String(size)}`);
    assert.deepEqual(by, { sendfile: 1, inline: 0, fallback: {}, bytes: size });
  }).timeout(300_000);
});
