import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { sendfile } from 'zerocopy';

import { sha256OfFile, writeLargeFile } from '../support/large-file';
import { servers } from '../support/network';
import { temporaryFolder } from '../support/temporary';
import { requireTool } from '../support/tool';

const GIB = 2 ** 30;

describe('sendfile to curl', () => {
  const folder = temporaryFolder();
  const { http: serve } = servers();
  let curl: string;
  before(() => { curl = requireTool('curl'); });

  it('sends 1 GiB byte for byte', async () => {
    const large = folder.file('large');
    writeLargeFile(large, GIB);
    const { port } = await serve((_request, response) => {
      response.setHeader('X-Before', 'yes');
      void sendfile(response, large).finally(() => response.end());
    });
    const saved = folder.file('saved');
    // A sanitizer that is preloaded is meant for node; in curl it hangs when curl ends.
    const env = { ...process.env, LD_PRELOAD: '' };
    const { stdout } = await promisify(execFile)(
      curl, ['-sS', '-D', '-', '-o', saved, `http://127.0.0.1:${String(port)}/`], { env });
    assert.match(stdout, /x-before: yes/i);
    assert.match(stdout, /content-length: 1073741824/i);
    assert.deepEqual(await sha256OfFile(saved), await sha256OfFile(large));
  });
});
