import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { temporaryFolder } from '../support/temporary';

const root = path.resolve(__dirname, '../../..');
const gate = path.join(root, 'scripts/check-prebuilds.mjs');

const CALLS_TERMINATE =
  'extern void _ZSt9terminatev(void); __attribute__((visibility("hidden"))) void f(void) { _ZSt9terminatev(); }';

/** scripts/check-prebuilds.mjs is run over real binaries by `npm run prebuilds`; here it must notice bad ones. */
describe('the gate of prebuilt binaries', () => {
  const folder = temporaryFolder();

  function check(files: Record<string, Buffer>): { status: number | null; stdout: string; stderr: string } {
    const place = mkdtempSync(folder.file('prebuilds-'));
    for (const [name, bytes] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(place, name)), { recursive: true });
      writeFileSync(path.join(place, name), bytes);
    }
    return spawnSync(process.execPath, [gate, place], { encoding: 'utf8' });
  }

  /** A shared library by this machine's compiler; `flags` and `source` are what may be wrong with it. */
  function library(source: string, ...flags: string[]): Buffer {
    const output = folder.file('library.node');
    const exports = 'void napi_register_module_v1(void) {} int node_api_module_get_api_version_v1(void) { return 8; }';
    const file = folder.file('library.c', `${exports}\n${source}\n`);
    execFileSync(process.env['CC'] ?? 'cc', ['-shared', '-fPIC', '-nostdlib', '-Wl,-z,relro', ...flags, '-o', output, file]);
    return readFileSync(output);
  }

  const name = `linux-${process.arch}/zerocopy.glibc.node`;
  const pages = ['-Wl,-z,max-page-size=65536'];

  it('passes what is as it must be', () => {
    const { status, stdout } = check({ [name]: library('', ...pages) });
    assert.equal(status, 0, stdout);
    assert.match(stdout, /^ok {3}linux-/);
  });

  it('notices what must not be', () => {
    const good = library('', ...pages);
    const cases: [string, string, Buffer, RegExp][] = [
      ['another system', 'darwin-arm64/zerocopy.node', good, /is no binary of darwin/],
      ['no binary at all', name, Buffer.from('#!/bin/sh\n'), /is no binary of linux/],
      ['another processor', `linux-${process.arch === 'x64' ? 'arm64' : 'x64'}/zerocopy.glibc.node`, good, /is for (x64|arm64)/],
      ['another export', name, library('void other(void) {}', ...pages), /exports .*other/],
      ['a library of C++', name, library('', ...pages, '-Wl,--no-as-needed', '-lstdc++'), /needs libstdc\+\+\.so\.6/],
      ['a symbol of C++', name, library(CALLS_TERMINATE, ...pages), /needs _ZSt9terminatev/],
      ['an executable stack', name, library('', ...pages, '-Wl,-z,execstack'), /wants an executable stack/],
      ['no relro', name, library('', ...pages, '-Wl,-z,norelro'), /has no relro/],
    ];
    for (const [what, file, bytes, complaint] of cases) {
      const { status, stdout, stderr } = check({ [file]: bytes });
      assert.equal(status, 1, `${what}: ${stdout}${stderr}`);
      assert.match(stdout, complaint, what);
    }
  });

  it('does not pass an empty folder', () => {
    const { status, stderr } = check({});
    assert.equal(status, 1);
    assert.match(stderr, /no binary in/);
  });
});
