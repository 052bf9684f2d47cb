// The C++ side of `npm run lint`: clang-format over every file, clang-tidy over every .cc that this system can
// compile. Needs clang-format-19 and clang-tidy-19; other versions format differently, so none stands in for them.
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const require = createRequire(import.meta.url);
const FOREIGN = process.platform === 'linux' ? /_(windows|bsd|mac)\.cc$/ : /_(windows|linux)\.cc$/;
const FLAGS = [
  '-std=c++17', '-fno-exceptions', '-fno-rtti', '-DNAPI_VERSION=8',
  '-I', path.join(root, 'src-native'), '-I', path.join(root, 'test/native'),
  '-isystem', require('node-api-headers').include_dir,
];

function nativeFiles(folder) {
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(cc|c|h)$/.test(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .filter((file) => !file.startsWith('src-native/build'))
    .sort();
}

function requireTool(name) {
  if (!spawnSync(name, ['--version'], { stdio: 'ignore' }).error) return;
  console.error(`lint: ${name} is missing. Debian: apt-get install ${name}`);
  process.exit(1);
}

function tidy(file) {
  return new Promise((resolve) => {
    const child = spawn('clang-tidy-19', ['--quiet', file, '--', ...FLAGS], { cwd: root });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
    child.on('close', (status) => {
      if (status !== 0) console.error(output);
      resolve(status === 0);
    });
  });
}

/** As many at a time as there are processors; the number of files with findings. */
async function tidyAll(files) {
  const waiting = [...files];
  let failed = 0;
  const workers = Array.from({ length: os.availableParallelism() }, async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      if (!(await tidy(file))) failed += 1;
    }
  });
  await Promise.all(workers);
  return failed;
}

for (const tool of ['clang-format-19', 'clang-tidy-19']) requireTool(tool);
const files = [...nativeFiles('src-native'), ...nativeFiles('test/native'), ...nativeFiles('bench/baseline')];
const format = spawnSync('clang-format-19', ['--dry-run', '-Werror', ...files], { cwd: root, stdio: 'inherit' });
const sources = files.filter((file) => file.endsWith('.cc') && !FOREIGN.test(file));
const failed = await tidyAll(sources);
console.log(`clang-format: ${files.length} files ${format.status === 0 ? 'clean' : 'NOT clean'}; ` +
  `clang-tidy: ${sources.length - failed} of ${sources.length} files clean`);
process.exit(format.status === 0 && failed === 0 ? 0 : 1);
