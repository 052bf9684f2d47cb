// The package as it is published: what package.json lists under `files`, in out/package, packed by npm.
//
//   node scripts/pack.mjs [FOLDER]      packs into FOLDER (default out); prints what `npm pack --json` does
//
// Beside the repository it lacks what only its developers need: names of internal modules in dist/, and its maps; the
// comments of the C++, a third of its text; of package.json scripts and devDependencies. Wants dist/ (npm run build)
// and prebuilds/.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { buildPublished } from './bundle.mjs';

const root = path.resolve(import.meta.dirname, '..');
const staged = path.join(root, 'out/package');
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

stage();
await buildPublished(path.join(staged, 'dist'));
dropMapNames(path.join(staged, 'dist'));
dropComments(path.join(staged, 'src-native'));
const destination = path.resolve(process.argv[2] ?? path.join(root, 'out'));
mkdirSync(destination, { recursive: true });
const npm = process.env.npm_execpath?.endsWith('.js') ? [process.execPath, process.env.npm_execpath] : ['npm'];
const args = [...npm.slice(1), 'pack', '--json', '--ignore-scripts', '--pack-destination', destination];
process.stdout.write(execFileSync(npm[0], args, { cwd: staged, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
