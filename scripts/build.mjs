// Builds what of `npm start`, `npm test` and `npm run bench` need is not built yet: the addon, lib/ -> dist/, and
// test/, examples/, bench/ -> out/. Says plainly what is missing on a machine that cannot build the addon.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

import { bundle } from './bundle.mjs';
import { ownHeaders } from './native.mjs';

const root = path.resolve(import.meta.dirname, '..');
const require = createRequire(import.meta.url);
const stamp = path.join(root, 'out/built');
const SOURCES = [
  'lib', 'test', 'examples', 'bench', 'scripts', 'tsconfig.json', 'tsconfig.dev.json', 'package.json', 'package-lock.json',
];

function run(args, options = {}) {
  const result = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', ...options });
  if (result.error) throw result.error;
  return result;
}

function buildNative() {
  const gyp = require.resolve('node-gyp/bin/node-gyp.js');
  const result = run([gyp, 'configure', 'build', '--loglevel=error', '-j', 'max', ...ownHeaders()]);
  if (result.status === 0) return;
  const missing = [
    ['python3', 'Python 3'],
    ['make', 'make'],
    ['c++', 'a C++17 compiler (g++ >= 9 or clang >= 10)'],
  ].filter(([command]) => spawnSync(command, ['--version'], { stdio: 'ignore' }).error);
  if (missing.length === 0 || process.platform === 'win32') {
    console.error(result.stdout + result.stderr);
    console.error('zerocopy: building the addon failed; the compiler said why, above.');
  } else {
    const names = missing.map(([, name]) => name).join(', no ');
    console.error(`zerocopy: the addon cannot be built here, this machine has no ${names}.`);
    console.error('Install what is missing (Debian, Ubuntu: apt-get install python3 make g++), then run it again.');
  }
  process.exit(1);
}

function compile(project, ...flags) {
  const result = run([require.resolve('typescript/bin/tsc'), '-p', project, ...flags], { stdio: 'inherit' });
  if (result.status !== 0) process.exit(result.status ?? 1);
}

/** As make(1) has it: whether everything that TypeScript is built from is older than what was built last. */
function isBuilt() {
  if (!existsSync(stamp) || !existsSync(path.join(root, 'dist'))) return false;
  const { mtimeMs: built } = statSync(stamp);
  return SOURCES.map((source) => path.join(root, source)).filter((source) => existsSync(source)).every((source) => {
    const all = statSync(source).isDirectory() ? readdirSync(source, { recursive: true }) : [];
    return ['', ...all].every((name) => statSync(path.join(source, name)).mtimeMs < built);
  });
}

async function buildScripts() {
  const started = new Date();
  rmSync(stamp, { force: true });
  compile('tsconfig.json', '--emitDeclarationOnly');
  await bundle();
  if (['test', 'examples', 'bench'].some((folder) => existsSync(path.join(root, folder)))) compile('tsconfig.dev.json');
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, '');
  utimesSync(stamp, started, started);
}

if (!process.argv.includes('--no-native')) buildNative();
if (!isBuilt()) await buildScripts();
