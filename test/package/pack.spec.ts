import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

import { temporaryFolder } from '../support/temporary';

const root = path.resolve(__dirname, '../../..');
/** All but the binaries: seven of 37 KB, packed, shall fit beside it into 400 KB, which scripts/pack.mjs sees to. */
const MAX_BYTES = 140_000;

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

/** npm's own script, to be run by the Node under test whatever Node npm came with. */
function npmScript(): string {
  const found = (process.env['PATH'] ?? '').split(path.delimiter).map((folder) => {
    try {
      return realpathSync(path.join(folder, 'npm'));
    } catch {
      return '';
    }
  }).find((file) => file.endsWith('.js'));
  assert.ok(found, 'npm is needed to pack and install');
  return found;
}

/** The names of all that a package needs, and what these need, as installed in the clone. */
function dependenciesOf(directory: string): string[] {
  const { dependencies = {} } = JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8')) as
    { dependencies?: Record<string, string> };
  const names = Object.keys(dependencies);
  return [...new Set([...names, ...names.flatMap((name) => dependenciesOf(path.join(root, 'node_modules', name)))])];
}

describe('the packed package', () => {
  const folder = temporaryFolder();
  let packed: Packed;
  let app = '';
  /** Only node can be found: no compiler, no make, no Python. Nothing of a variable that points into the clone. */
  let bare: NodeJS.ProcessEnv = {};

  function run(args: readonly string[], cwd = app, env = bare): string {
    const result = spawnSync(process.execPath, args, { cwd, env, encoding: 'utf8' });
    assert.equal(result.status, 0, `${args.join(' ')}\n${result.stdout}${result.stderr}`);
    return result.stdout;
  }

  function npm(...args: string[]): string {
    return run([npmScript(), ...args, '--offline', '--no-audit', '--no-fund']);
  }

  /** There is no registry here: what would come from one is packed as it lies in the clone. */
  function packDependency(name: string): string {
    const args = ['pack', '--ignore-scripts', '--pack-destination', folder.file('')];
    return folder.file(run([npmScript(), ...args], path.join(root, 'node_modules', name)).trim());
  }

  before(function () {
    this.timeout(120_000);
    const bin = path.dirname(folder.file('bin/node'));
    app = path.dirname(folder.file('app/package.json'));
    mkdirSync(bin, { recursive: true });
    mkdirSync(app, { recursive: true });
    symlinkSync(process.execPath, path.join(bin, 'node'));
    folder.file('app/package.json', JSON.stringify({ name: 'app', version: '1.0.0', private: true }));
    bare = { PATH: bin, HOME: folder.file(''), npm_config_cache: folder.file('cache'), npm_config_update_notifier: 'false' };
    const env = { ...process.env, npm_execpath: npmScript() };
    const answer: unknown = JSON.parse(run([path.join(root, 'scripts/pack.mjs'), '--host', folder.file('')], root, env));
    [packed] = (Array.isArray(answer) ? answer : Object.values(answer as object)) as [Packed];
    const needed = dependenciesOf(root).map((name) => packDependency(name));
    npm('install', '--ignore-scripts', folder.file(packed.filename), ...needed);
  });

  it('has what runs and what builds from source, and nothing else', () => {
    const files = packed.files.map((file) => file.path);
    const known = /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|dist\/\w+\.(m?js|d\.m?ts)|prebuilds\/(README\.md|[\w-]+\/zerocopy[.\w]*\.node)|src-native\/.+\.(cc|h|gyp|map))$/;
    assert.deepEqual(files.filter((file) => !known.test(file)), []);
    for (const file of ['LICENSE', 'dist/index.js', 'dist/index.mjs', 'dist/index.d.ts', 'src-native/binding.gyp']) {
      assert.ok(files.includes(file), file);
    }
    assert.ok(files.some((file) => file.startsWith(`prebuilds/${process.platform}-${process.arch}/`)));
    // Package managers run node-gyp for whatever has one of these.
    assert.ok(!files.includes('binding.gyp'));
  });

  it(`is smaller than ${String(MAX_BYTES)} bytes, its binary aside`, () => {
    const [binary = ''] = packed.files.map((file) => file.path).filter((file) => file.endsWith('.node'));
    const bytes = packed.size - gzipSync(readFileSync(path.join(app, 'node_modules/zerocopy', binary))).length;
    assert.ok(bytes < MAX_BYTES, `${String(bytes)} bytes`);
  });

  it('has no script that runs on installation, and no dependency but those of file serving', () => {
    const { scripts, dependencies } = JSON.parse(run(['-p', "JSON.stringify(require('zerocopy/package.json'))"])) as
      { scripts?: Record<string, string>; dependencies?: object };
    assert.equal(scripts, undefined);
    assert.deepEqual(Object.keys(dependencies ?? {}), ['mime-types', 'negotiator']);
  });

  const use = `
    const text = Buffer.from(mmap('package.json').asBuffer()).toString();
    if (JSON.parse(text).name !== 'app') throw new Error(text);
    console.log('mapped');`;

  it('maps a file when required, without compiler, Python or scripts', () => {
    assert.equal(run(['-e', `const { mmap } = require('zerocopy'); ${use}`]), 'mapped\n');
  });

  it('maps a file when imported', () => {
    assert.equal(run(['--input-type=module', '-e', `import { mmap } from 'zerocopy'; ${use}`]), 'mapped\n');
  });

  it('prints a few lines when nobody catches what it throws: Node shows the line of code that threw', () => {
    const { status, stderr } = spawnSync(process.execPath, ['-e', "require('zerocopy').mmap(null)"],
      { cwd: app, env: bare, encoding: 'utf8' });
    assert.equal(status, 1);
    assert.match(stderr, /^TypeError \[ERR_INVALID_ARG_TYPE\]: The "file" argument must be a path/m);
    assert.ok(stderr.length < 3000, stderr);
  });

  it('has the same names, and the same objects under them, however it is loaded', () => {
    for (const [entry, known] of [['zerocopy', 'mmap'], ['zerocopy/http', 'transfers']] as const) {
      const source = `
        import * as imported from '${entry}';
        import { createRequire } from 'node:module';
        const required = createRequire(import.meta.url)('${entry}');
        const names = Object.keys(required).sort();
        console.log(JSON.stringify([names, Object.keys(imported).sort(), names.every((name) => required[name] === imported[name])]));`;
      folder.file('app/names.mjs', source);
      const [required, imported, same] = JSON.parse(run(['names.mjs'])) as [string[], string[], boolean];
      assert.ok(required.includes(known));
      assert.deepEqual(imported, required);
      assert.equal(same, true);
    }
  });

  it('has classes that are called as they are exported', () => {
    const names = `Object.entries({ ...require('zerocopy'), ...require('zerocopy/http') })
      .filter(([, value]) => /^class/.test(String(value))).map(([name, value]) => name + ' ' + value.name).join()`;
    assert.equal(run(['-p', names]), 'Mapping Mapping,MemoryView MemoryView,ZeroCopyResponse ZeroCopyResponse\n');
    assert.match(run(['-p', `require('zerocopy').mmap('package.json').view(0, 1)`]), /^MemoryView 'B' \[1\] of Mapping, /);
  });

  it('has the command zerocopy, which serves a folder', async () => {
    const child = spawn(process.execPath, ['node_modules/.bin/zerocopy', 'serve', '--port', '0'], { cwd: app, env: bare });
    try {
      let printed = '';
      for await (const text of child.stdout.setEncoding('utf8') as AsyncIterable<string>) {
        printed += text;
        if (printed.includes('\n')) break;
      }
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0];
      assert.ok(url, printed);
      const answer = await fetch(`${url}/package.json`, { headers: { Range: 'bytes=2-6' } });
      assert.deepEqual([answer.status, await answer.text()], [206, readFileSync(path.join(app, 'package.json'), 'latin1').slice(2, 7)]);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
  });

  it('installs by npm ci with scripts allowed: there is nothing to run', () => {
    rmSync(path.join(app, 'node_modules'), { recursive: true });
    npm('ci');
    assert.equal(run(['-e', `const { mmap } = require('zerocopy'); ${use}`]), 'mapped\n');
  }).timeout(60_000);

  it('says what to do when it has no binary for this system', () => {
    rmSync(path.join(app, 'node_modules/zerocopy/prebuilds'), { recursive: true });
    const child = spawnSync(process.execPath, ['-e', "require('zerocopy')"], { cwd: app, env: bare, encoding: 'utf8' });
    assert.equal(child.status, 1);
    const target = `${process.platform}-${process.arch}`;
    const says = [`no native binary loads for ${target}`, 'needs Node-API 8', `has ${String(process.versions['napi'])}`,
      `prebuilds/${target}/zerocopy`, 'npx node-gyp rebuild -C node_modules/zerocopy/src-native'];
    assert.deepEqual(says.filter((words) => !child.stderr.includes(words)), [], child.stderr);
  });
});
