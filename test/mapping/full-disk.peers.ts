/** A disk that is really full: a tmpfs of 8 MB, in namespaces of its own where the test need not be root. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

import { temporaryFolder } from '../support/temporary';
import { requireTool } from '../support/tool';

const MIB = 2 ** 20;

describe('Writing to a full disk of 8 MB', () => {
  const folder = temporaryFolder();

  /** Runs `source` with the disk's folder as process.argv[1]; what it printed. */
  function onSmallDisk(source: string): string {
    const disk = folder.file('disk');
    mkdirSync(disk, { recursive: true });
    const script = 'mount -t tmpfs -o size=8m none "$2" && exec "$0" -e "$1" -- "$2"';
    const prelude = `const zerocopy = require('zerocopy'); const fs = require('node:fs'); const disk = process.argv[1];`;
    const { stdout, stderr, status, signal } = spawnSync(requireTool('unshare', 'util-linux'),
      ['--user', '--map-root-user', '--mount', 'sh', '-c', script, process.execPath, prelude + source, disk],
      { encoding: 'utf8' });
    assert.deepEqual({ stderr, status, signal }, { stderr: '', status: 0, signal: null });
    return stdout;
  }

  it('size is ENOSPC, and the file is not there', () => {
    assert.equal(onSmallDisk(`
      try { zerocopy.mmap(disk + '/new', { access: 'write', size: ${String(16 * MIB)} }); }
      catch (error) { console.log(error.code, error.syscall, error.path === disk + '/new', fs.readdirSync(disk).length); }`),
    'ENOSPC fallocate true 0\n');
  });

  it('resize is ENOSPC, and file and mapping are as before', () => {
    assert.equal(onSmallDisk(`
      fs.writeFileSync(disk + '/old', 'abc');
      const mapping = zerocopy.mmap(disk + '/old', { access: 'write' });
      const view = mapping.view();
      try { mapping.resize(${String(16 * MIB)}); } catch (error) { console.log(error.code); }
      console.log(mapping.byteLength, fs.statSync(disk + '/old').size, view.get(2));
      mapping.resize(${String(4 * MIB)});
      mapping.view().fill(1);
      mapping.flushSync();
      console.log(mapping.byteLength);`),
    `ENOSPC\n3 3 99\n${String(4 * MIB)}\n`);
  });

  it('a sparse file that does not fit is a fault when it is written, and flush says so', () => {
    assert.equal(onSmallDisk(`
      fs.writeFileSync(disk + '/sparse', '');
      fs.truncateSync(disk + '/sparse', ${String(16 * MIB)});
      const mapping = zerocopy.mmap(disk + '/sparse', { access: 'write' });
      mapping.asUint8Array().fill(7);
      try { mapping.flushSync(); } catch (error) { console.log(error.code, error.faults > 0, error.offset <= ${String(8 * MIB)}); }
      mapping.flush().catch((error) => {
        console.log(error.code);
        const written = fs.readFileSync(disk + '/sparse');
        console.log(written.subarray(0, error.offset).every((byte) => byte === 7));
      });`),
    'ERR_MAPPING_FAULT true true\nERR_MAPPING_FAULT\ntrue\n');
  });
});
