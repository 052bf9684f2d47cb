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

  it('reads libraries of Windows', () => {
    const name = 'win32-x64/zerocopy.node';
    const good = { flags: 0x160, library: 'KERNEL32.dll', names: ['napi_register_module_v1', 'node_api_module_get_api_version_v1'] };
    const { status, stdout } = check({ [name]: windowsLibrary(good) });
    assert.equal(status, 0, stdout);
    const cases: [Buffer, RegExp][] = [
      [windowsLibrary({ ...good, library: 'node.exe' }), /needs node\.exe/],
      [windowsLibrary({ ...good, library: 'libc++.dll' }), /needs libc\+\+\.dll/],
      [windowsLibrary({ ...good, names: good.names.slice(1) }), /exports node_api_module_get_api_version_v1/],
      [windowsLibrary({ ...good, flags: 0x120 }), /does not ask for random addresses/],
      [windowsLibrary({ ...good, flags: 0x60 }), /does not ask for that data never runs/],
      [windowsLibrary({ ...good, machine: 0xaa64 }), /is for arm64/],
      [Buffer.from('\x7fELF'), /is no binary of win32/],
    ];
    for (const [bytes, complaint] of cases) {
      const bad = check({ [name]: bytes });
      assert.equal(bad.status, 1, bad.stdout + bad.stderr);
      assert.match(bad.stdout, complaint);
    }
  });

  it('does not pass an empty folder', () => {
    const { status, stderr } = check({});
    assert.equal(status, 1);
    assert.match(stderr, /no binary in/);
  });
});

interface WindowsLibrary {
  readonly machine?: number;
  readonly flags: number;
  readonly library: string;
  readonly names: readonly string[];
}

/** The headers of a DLL that imports from one library, and its tables, by Microsoft's "PE Format": one section. */
function windowsLibrary({ machine = 0x8664, flags, library, names }: WindowsLibrary): Buffer {
  const FILE = 0x400, ADDRESS = 0x1000;
  const HEADER = 0x44, OPTIONAL = HEADER + 20, SECTION = OPTIONAL + 240;
  const bytes = Buffer.alloc(0x1000);
  bytes.write('MZ', 0, 'latin1');
  bytes.writeUInt32LE(HEADER - 4, 0x3c);
  bytes.write('PE', HEADER - 4, 'latin1');
  bytes.writeUInt16LE(machine, HEADER);
  bytes.writeUInt16LE(1, HEADER + 2); // sections
  bytes.writeUInt16LE(240, HEADER + 16); // length of the optional header
  bytes.writeUInt16LE(0x2022, HEADER + 18); // a DLL
  bytes.writeUInt16LE(0x20b, OPTIONAL); // PE32+
  bytes.writeUInt16LE(flags, OPTIONAL + 70);
  const exports = ADDRESS, imports = ADDRESS + 0x100;
  bytes.writeUInt32LE(exports, OPTIONAL + 112);
  bytes.writeUInt32LE(imports, OPTIONAL + 120);
  [0xc00, ADDRESS, 0xc00, FILE].forEach((field, i) => { bytes.writeUInt32LE(field, SECTION + 8 + i * 4); });
  let text = 0x200;
  const put = (word: string): number => {
    const at = text;
    text += bytes.write(`${word}\0`, FILE + at, 'latin1');
    return ADDRESS + at;
  };
  bytes.writeUInt32LE(names.length, FILE + 24);
  bytes.writeUInt32LE(exports + 0x40, FILE + 32);
  names.forEach((word, i) => { bytes.writeUInt32LE(put(word), FILE + 0x40 + i * 4); });
  bytes.writeUInt32LE(put(library), FILE + 0x100 + 12);
  return bytes;
}
