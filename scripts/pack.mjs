// The package as it is published: what package.json lists under `files`, in out/package, packed by npm.
//
//   node scripts/pack.mjs [--host] [FOLDER]     packs into FOLDER (default out); prints what `npm pack --json` does.
//                                               --host: with no binary but this machine's, its own build unless one
//                                               in prebuilds/ is newer, for what is packed to be tried here
//
// Unlike the repository it lacks what only developers need: names of internal modules in dist/, and its maps; the
// comments of the C++, a third of its text; of package.json scripts and devDependencies. Wants dist/ (npm run build)
// and prebuilds/. Where libdeflate-gzip is installed (Debian: libdeflate-tools) the tarball is a
// twentieth smaller than npm's.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

import { buildPublished } from './bundle.mjs';

const root = path.resolve(import.meta.dirname, '..');
const staged = path.join(root, 'out/package');
const MAX_BYTES = 400_000;
const UNPUBLISHED = ['scripts', 'devDependencies', 'imports'];

function stage() {
  const description = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const folders = description.files.filter((name) => !name.startsWith('!'));
  rmSync(staged, { recursive: true, force: true });
  const isBuilt = (file) => file === path.join(root, 'src-native/build');
  for (const name of [...folders, 'README.md', 'LICENSE']) {
    cpSync(path.join(root, name), path.join(staged, name), { recursive: true, filter: (file) => !isBuilt(file) });
  }
  for (const name of UNPUBLISHED) delete description[name];
  writeFileSync(path.join(staged, 'package.json'), `${JSON.stringify(description, undefined, 2)}\n`);
}

/** Whole lines alone: what stands behind code may be part of a string. */
function dropComments(folder) {
  for (const name of readdirSync(folder, { recursive: true }).filter((file) => /\.(cc|h)$/.test(file))) {
    const file = path.join(folder, name);
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/^ *\/\/.*\n/gm, ''));
  }
}

/** The maps name files that are not there; `files` leaves them out. */
function dropMapNames(folder) {
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.js'))) {
    const file = path.join(folder, name);
    writeFileSync(file, readFileSync(file, 'utf8').replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n'));
  }
}

/** Stripped. It needs this machine's libc, so a newer binary that needs less is taken instead. */
function takeHost() {
  const { header } = process.report.getReport();
  const libc = process.platform !== 'linux' ? '' : header.glibcVersionRuntime === undefined ? '.musl' : '.glibc';
  const file = path.join(staged, 'prebuilds', `${process.platform}-${process.arch}`, `zerocopy${libc}.node`);
  const built = path.join(root, 'build/Release/zerocopy.node');
  const prebuilt = path.join(root, path.relative(staged, file));
  const isNewer = existsSync(prebuilt) && statSync(prebuilt).mtimeMs > statSync(built).mtimeMs;
  for (const folder of readdirSync(path.join(staged, 'prebuilds'), { withFileTypes: true })) {
    if (folder.isDirectory()) rmSync(path.join(folder.parentPath, folder.name), { recursive: true });
  }
  mkdirSync(path.dirname(file), { recursive: true });
  copyFileSync(isNewer ? prebuilt : built, file);
  if (!isNewer && process.platform === 'linux') execFileSync('strip', ['--strip-unneeded', file]);
}

function pack(destination) {
  mkdirSync(destination, { recursive: true });
  const npm = process.env.npm_execpath?.endsWith('.js') ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const args = [...npm.slice(1), 'pack', '--json', '--ignore-scripts', '--pack-destination', destination];
  const answer = JSON.parse(execFileSync(npm[0], args, { cwd: staged, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  const [{ shasum, integrity, ...packed }] = Array.isArray(answer) ? answer : Object.values(answer);
  const file = path.join(destination, packed.filename);
  const closer = spawnSync('libdeflate-gzip', ['-12', '-c'], { input: gunzipSync(readFileSync(file)), maxBuffer: 1 << 26 });
  if (closer.status !== 0) return { ...packed, shasum, integrity };
  writeFileSync(file, closer.stdout);
  return { ...packed, size: closer.stdout.length };
}

const asked = process.argv.slice(2);
stage();
if (asked.includes('--host')) takeHost();
await buildPublished(path.join(staged, 'dist'));
dropMapNames(path.join(staged, 'dist'));
dropComments(path.join(staged, 'src-native'));
const packed = pack(path.resolve(asked.find((word) => word !== '--host') ?? path.join(root, 'out')));
console.log(JSON.stringify([packed], undefined, 2));
if (packed.size > MAX_BYTES) {
  console.error(`${packed.filename} has ${packed.size} bytes, more than ${MAX_BYTES}`);
  process.exitCode = 1;
}
