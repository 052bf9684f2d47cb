// dist/: what is published of lib/, each layer that can be loaded alone in one file. Reading seventy modules one by one
// would take most of the time of `require('zerocopy')`, and a quarter of the package.
//
//   core.js      index.ts and all that it stands on        index.js, index.mjs   the public names of core.js
//   streams.js   what extends Node's streams; core.js loads it, and them, when it is used
//   server.js    http.ts and lib/http/                     http.js, http.mjs     the public names of server.js
//   command.js   lib/cli/                                  cli.js                the command `zerocopy`
//
// with declarations of what is public. Each file is the home of its modules: who wants one of another file's gets it
// from there, never a copy. out/lib/ has every module under its own name, for tests of what is not public.
import { build } from 'esbuild';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';
import { minify } from 'terser';

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

const OPTIONS = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  packages: 'external',
  external: ['*.node'],
  banner: { js: '"use strict";' },
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

/**
 * Shorter by half. Names of functions and classes stay, for stack traces and inspection; those of locals and parameters
 * only the map knows. A statement is a line: of an error that nobody catches Node prints the whole line that threw it.
 */
async function shorten(name) {
  const file = path.join(dist, name);
  const content = readFileSync(`${file}.map`, 'utf8');
  const { code, map } = await minify(readFileSync(file, 'utf8'), {
    ecma: 2020, keep_classnames: true, keep_fnames: true, compress: { passes: 2, sequences: false },
    format: { semicolons: false, max_line_len: 160 }, sourceMap: { content, url: `${name}.map` },
  });
  writeFileSync(file, code);
  writeFileSync(`${file}.map`, map);
}

/** One file with a namespace for each of its modules. */
async function buildHome(home) {
  const own = modules().filter((module) => homeOf(module) === home);
  const contents = own.map((module) => `export * as ${JSON.stringify(module)} from './${module}';`).join('\n');
  await build({
    ...OPTIONS, stdin: { contents, resolveDir: lib, sourcefile: `${home}.js` }, plugins: [slowWhenUsed, elsewhere(home)],
    outfile: path.join(dist, `${home}.js`),
  });
  await shorten(`${home}.js`);
}

/** index.js gives the namespace `index` of core.js, its names in a form in which ES modules find them; index.mjs. */
async function buildEntry(entry, home) {
  const names = await exportsOf(`lib/${entry}.ts`);
  writeFileSync(path.join(dist, `${entry}.js`), `'use strict';
module.exports = require('./${home}.js')['${entry}'];
Object.defineProperty(module.exports, '__esModule', { value: true });
0 && (module.exports = { ${names.join(', ')} });
`);
  await build({ ...OPTIONS, bundle: false, packages: undefined, external: undefined, sourcemap: false, banner: {},
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

/** One file of declarations for each entry, with what both need beside them: nothing that no public name reaches. */
async function buildDeclarations() {
  const input = Object.fromEntries(Object.keys(ENTRIES).map((entry) => [entry, path.join(declarations, `${entry}.d.ts`)]));
  const bundle = await rollup({
    input, plugins: [dts()], external: /^(node:|\w+$)/,
    // ByteRange and its like are the business of both entries, and of nobody else.
    onwarn: (warning) => { if (!warning.message.includes('private shared type exports')) throw new Error(warning.message); },
  });
  await bundle.write({ dir: dist, format: 'es', chunkFileNames: 'shared.d.ts', entryFileNames: '[name].d.ts' });
  for (const entry of Object.keys(ENTRIES)) {
    copyFileSync(path.join(declarations, `${entry}.d.mts`), path.join(dist, `${entry}.d.mts`));
    await exportTypesAsTypes(entry);
    nameOwnArrays(path.join(dist, `${entry}.d.ts`));
  }
}

/** TypeScript has had arrays over a kind of buffer since 5.7; for older ones the same types by what returns them. */
function nameOwnArrays(file) {
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replaceAll('Uint8Array<ArrayBuffer>', "ReturnType<Uint8ArrayConstructor['from']>")
    .replaceAll('Buffer<ArrayBuffer>', 'ReturnType<typeof Buffer.alloc>'));
}

/** rollup exports every class as a value, those too of which the entry gives the type alone. */
async function exportTypesAsTypes(entry) {
  const file = path.join(dist, `${entry}.d.ts`);
  const values = await exportsOf(`lib/${entry}.ts`);
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^export \{ (.*) \};$/m, (_, names) => {
    const types = names.split(', ').filter((name) => !values.includes(name));
    return `export { ${values.join(', ')} };${types.length === 0 ? '' : `\nexport type { ${types.join(', ')} };`}`;
  }));
}

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
for (const [home] of HOMES) await buildHome(home);
for (const [entry, home] of Object.entries(ENTRIES)) await buildEntry(entry, home);
await build({ ...OPTIONS, entryPoints: ['lib/cli.ts'], plugins: [elsewhere(undefined)], outdir: dist });
await shorten('cli.js');
nameModules();
await buildDeclarations();
