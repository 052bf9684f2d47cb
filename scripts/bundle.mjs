// dist/: what is published of lib/, each layer that can be loaded alone in one file. Reading seventy modules one by one
// would take most of the time of `require('zerocopy')`, and a quarter of the package.
//
//   core.js      index.ts and all that it stands on        index.js, index.mjs   the public names of core.js
//   streams.js   what extends Node's streams; core.js loads it when it is used, and Node's streams with it
//   server.js    http.ts and lib/http/                     http.js, http.mjs     the public names of server.js
//   command.js   lib/cli/                                  cli.js                the command `zerocopy`
//
// with the declarations that the public ones reach. Each file is the home of its modules: who wants one of another
// file's gets it from there, never a copy. out/lib/ has every module under its own name, for tests of what is not public.
import { build } from 'esbuild';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const lib = path.join(root, 'lib');
const dist = path.join(root, 'dist');
const declarations = path.join(root, 'out/lib');

/** The files, and which modules live in each: 'view/layout' is lib/view/layout.ts. */
const HOMES = [
  ['command', /^cli\//],
  ['streams', /^transfer\/read(able)?-stream$/],
  ['server', /^http(\/|$)/],
  ['core', /^(?!cli$)/],
];
const ENTRIES = { index: 'core', http: 'server' };

const homeOf = (module) => HOMES.find(([, has]) => has.test(module))?.[0];

/** Lines and spaces go, names stay: a stack trace names functions. */
const OPTIONS = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  packages: 'external',
  external: ['*.node'],
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: 'linked',
  sourcesContent: false,
  logLevel: 'warning',
};

function modules() {
  return readdirSync(lib, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts')).map((file) => file.slice(0, -3).replaceAll('\\', '/')).sort();
}

async function exportsOf(file) {
  const { metafile } = await build({ ...OPTIONS, entryPoints: [file], format: 'esm', metafile: true, write: false, outdir: dist });
  return Object.values(metafile.outputs).flatMap((output) => output.exports).sort();
}

/** Sends imports of modules that live elsewhere to the file where they live. */
function elsewhere(home) {
  return {
    name: 'elsewhere',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\./, namespace: 'file' }, ({ path: wanted, resolveDir, kind }) => {
        if (kind === 'entry-point') return undefined;
        const module = path.relative(lib, path.resolve(resolveDir, wanted)).replaceAll('\\', '/');
        return homeOf(module) === home || wanted.endsWith('.node') ? undefined : { path: module, namespace: 'elsewhere' };
      });
      onResolve({ filter: /./, namespace: 'elsewhere' }, ({ path: file }) => ({ path: file, external: true }));
      onLoad({ filter: /./, namespace: 'elsewhere' }, async ({ path: module }) => {
        const value = `require('./${homeOf(module)}.js')['${module}']`;
        if (homeOf(module) !== 'streams') return { contents: `module.exports = ${value};` };
        return { contents: whenUsed(value, (await exportsOf(`lib/${module}.ts`))) };
      });
    },
  };
}

/** Modules of Node's that take milliseconds to load; those that every Node has loaded when it starts are not here. */
const SLOW = ['node:crypto', 'node:diagnostics_channel', 'node:http', 'node:http2', 'node:net', 'node:stream',
  'node:stream/web', 'node:v8', 'node:worker_threads'];

/** What `lib/` imports from one of Node's modules: 'default', or names. */
function namesFrom(builtin) {
  const imports = new RegExp(`^import (?!type )([^;]+) from '${builtin}';`, 'gm');
  const clauses = modules().flatMap((module) => [...readFileSync(path.join(lib, `${module}.ts`), 'utf8').matchAll(imports)]);
  return [...new Set(clauses.flatMap(([, clause]) => {
    const [, byDefault, named = ''] = /^(\w+)?,? ?(?:\{([^}]*)\})?$/.exec(clause);
    const names = named.split(',').map((name) => name.trim()).filter((name) => /^\w+$/.test(name));
    return byDefault === undefined ? names : ['default', ...names];
  }))];
}

/** The text of a module with these names that gets them from `value` when the first is used. */
function whenUsed(value, names) {
  const getters = names.map((name) => `get ${name}() { return load()${name === 'default' ? '' : `.${name}`}; }`);
  return `let loaded; const load = () => loaded ??= ${value}; module.exports = { __esModule: true, ${getters.join(', ')} };`;
}

/** What only maps files never needs them. */
const slowWhenUsed = {
  name: 'slow-when-used',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path: builtin, namespace }) =>
      SLOW.includes(builtin) ? { path: builtin, ...(namespace === 'when-used' ? { external: true } : { namespace: 'when-used' }) } : undefined);
    onLoad({ filter: /./, namespace: 'when-used' }, ({ path: builtin }) =>
      ({ contents: whenUsed(`require('${builtin}')`, namesFrom(builtin)) }));
  },
};

/** One file with a namespace for each of its modules. */
function buildHome(home) {
  const own = modules().filter((module) => homeOf(module) === home);
  const contents = own.map((module) => `export * as ${JSON.stringify(module)} from './${module}';`).join('\n');
  return build({
    ...OPTIONS, stdin: { contents, resolveDir: lib, sourcefile: `${home}.js` }, plugins: [slowWhenUsed, elsewhere(home)],
    outfile: path.join(dist, `${home}.js`),
  });
}

/** index.js gives the namespace `index` of core.js, its names in a form in which ES modules find them; index.mjs. */
async function buildEntry(entry, home) {
  const names = await exportsOf(`lib/${entry}.ts`);
  writeFileSync(path.join(dist, `${entry}.js`), `'use strict';
module.exports = require('./${home}.js')['${entry}'];
Object.defineProperty(module.exports, '__esModule', { value: true });
0 && (module.exports = { ${names.join(', ')} });
`);
  await build({ ...OPTIONS, bundle: false, packages: undefined, external: undefined, sourcemap: false, minifyWhitespace: false,
    format: 'esm', entryPoints: [`lib/${entry}.mts`], outExtension: { '.js': '.mjs' }, outdir: dist });
}

/** `#lib/view/layout`: the very module that runs in core.js. */
function nameModules() {
  for (const module of modules().filter(homeOf)) {
    const file = path.join(declarations, `${module}.js`);
    mkdirSync(path.dirname(file), { recursive: true });
    const home = path.relative(path.dirname(file), path.join(dist, `${homeOf(module)}.js`)).replaceAll('\\', '/');
    writeFileSync(file, `module.exports = require('${home}')['${module}'];\n`);
  }
}

/** Declarations refer to others by relative names, in `from '…'` and in `import('…')`. */
function copyDeclarations(file, copied = new Set()) {
  if (copied.has(file)) return;
  copied.add(file);
  const text = readFileSync(path.join(declarations, file), 'utf8');
  mkdirSync(path.join(dist, path.dirname(file)), { recursive: true });
  copyFileSync(path.join(declarations, file), path.join(dist, file));
  for (const [, name] of text.matchAll(/(?:from |import\()['"](\.[^'"]+)['"]/g)) {
    const target = path.join(path.dirname(file), name.replace(/\.js$/, ''));
    copyDeclarations(`${target}.d.ts`, copied);
  }
}

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
for (const [home] of HOMES) await buildHome(home);
for (const [entry, home] of Object.entries(ENTRIES)) await buildEntry(entry, home);
await build({ ...OPTIONS, entryPoints: ['lib/cli.ts'], plugins: [elsewhere(undefined)], outdir: dist });
nameModules();
for (const entry of Object.keys(ENTRIES)) {
  copyDeclarations(`${entry}.d.ts`);
  copyDeclarations(`${entry}.d.mts`);
}
