// dist/: what is published of lib/, each layer that can be loaded alone in one file. Reading seventy modules one by one
// would take most of the time of `require('zerocopy')`, and a quarter of the package.
//
//   core.js      mappings and views                        index.js, index.mjs   the public names of core.js
//   npy.js, transfer.js     what core.js loads when it is used
//   streams.js              likewise, with Node's streams, which it extends
//   server.js    http.ts and lib/http/                     http.js, http.mjs     the public names of server.js
//   command.js   lib/cli/                                  cli.js                the command `zerocopy`
//
// with declarations of what is public. Each file is the home of its modules: other files require it from there, and
// never bundle a copy. out/lib/ has every module under its own name, for tests of what is not public; what is published
// has only those names that its files want of each other (pack.mjs).
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
  ['transfer', /^transfer\//],
  ['npy', /^formats\//],
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

/** Sends imports of modules that live elsewhere to the file where they live; adds these modules to `wanted`. */
function elsewhere(home, wanted = new Set()) {
  return {
    name: 'elsewhere',
    async setup({ onResolve, onLoad }) {
      const publicNames = home === 'core' ? await exportsOf('lib/index.ts') : [];
      onResolve({ filter: /^\./, namespace: 'file' }, ({ path: wanted, resolveDir, kind }) => {
        if (kind === 'entry-point') return undefined;
        const module = path.relative(lib, path.resolve(resolveDir, wanted)).replaceAll('\\', '/');
        return homeOf(module) === home || wanted.endsWith('.node') ? undefined : { path: module, namespace: 'elsewhere' };
      });
      onResolve({ filter: /./, namespace: 'elsewhere' }, ({ path: file }) => ({ path: file, external: true }));
      onLoad({ filter: /./, namespace: 'elsewhere' }, async ({ path: module }) => {
        wanted.add(module);
        const value = `require('./${homeOf(module)}.js')['${module}']`;
        const names = await exportsOf(`lib/${module}.ts`);
        if (home === 'core') return { contents: whenCalled(value, names.filter((name) => publicNames.includes(name))) };
        return { contents: homeOf(module) === 'streams' ? whenUsed(value, names) : `module.exports = ${value};` };
      });
    },
  };
}

/** Modules that every Node has loaded when it starts. Others take a while, and are loaded when they are used. */
const READY = ['node:buffer', 'node:events', 'node:fs', 'node:path', 'node:url', 'node:util'];

/** What the modules of a file import from one of Node's: 'default', or names. */
function namesFrom(builtin, home) {
  const imports = new RegExp(`^import (?!type )([^;]+) from '${builtin}';`, 'gm');
  const own = modules().filter((module) => homeOf(module) === home);
  const clauses = own.flatMap((module) => [...readFileSync(path.join(lib, `${module}.ts`), 'utf8').matchAll(imports)]);
  return [...new Set(clauses.flatMap(([, clause]) => {
    const [, byDefault, named = ''] = /^(\w+)?,? ?(?:\{([^}]*)\})?$/.exec(clause);
    const names = named.split(',').map((name) => name.trim().replace(/ as \w+$/, '')).filter((name) => /^\w+$/.test(name));
    return byDefault === undefined ? names : ['default', ...names];
  }))];
}

/** The text of a module with these names that gets them from `value` when the first is used. */
function whenUsed(value, names) {
  const getters = names.map((name) => `get ${name}() { return load()${name === 'default' ? '' : `.${name}`}; }`);
  return `let loaded; const load = () => loaded ??= ${value}; module.exports = { __esModule: true, ${getters.join(', ')} };`;
}

/**
 * The text of a module with these functions, which come from `value` when the first is called. A getter would not do
 * for core.js: an ES module that imports one name reads them all.
 */
function whenCalled(value, names) {
  const functions = names.map((name) => `export function ${name}(...args) { return load().${name}(...args); }`);
  return `let loaded; const load = () => loaded ??= ${value}; ${functions.join(' ')}`;
}

/** Each of Node's modules once in a file, with the names that are used: esbuild would copy them all for each import. */
const builtins = (home) => ({
  name: 'builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path: builtin, namespace }) =>
      namespace === 'builtin' ? { path: builtin, external: true } : { path: builtin, namespace: 'builtin' });
    onLoad({ filter: /./, namespace: 'builtin' }, ({ path: builtin }) => {
      const names = namesFrom(builtin, home);
      if (!READY.includes(builtin)) return { contents: whenUsed(`require('${builtin}')`, names) };
      const named = names.filter((name) => name !== 'default').join(', ');
      return { contents: `const all = require('${builtin}'); export default all; export const { ${named} } = all;` };
    });
  },
});

/**
 * esbuild calls a class that mentions itself `_Mapping`, which users would read in errors and inspection: its own name
 * again, with a space for the underscore that the columns of the map count.
 */
function withClassNames(code) {
  const renamed = [...code.matchAll(/^(?:var|let|const) (\w+) = class _\1\b/gm)].map(([, name]) => name);
  return renamed.reduce((text, name) => text.replaceAll(new RegExp(`(?<![\\w$.#])_${name}\\b`, 'g'), `${name} `), code);
}

/** esbuild exports what `for … in` finds, also what a program has put on Object.prototype: only names of its own. */
function withOwnNames(code) {
  return code.replace(/for \(var (\w+) in (\w+)\)(?=\s+__defProp\b)/, 'for (var $1 of Object.keys($2))');
}

/**
 * Shorter by half. Names of functions and classes stay, for stack traces and inspection; those of locals and parameters
 * only the map knows. A statement is a line: for an uncaught error Node prints the whole line that threw it.
 */
async function shorten(file) {
  const content = readFileSync(`${file}.map`, 'utf8');
  const { code, map } = await minify(withOwnNames(withClassNames(readFileSync(file, 'utf8'))), {
    ecma: 2020, keep_classnames: true, keep_fnames: true, compress: { passes: 2, sequences: false },
    format: { semicolons: false, max_line_len: 160 },
    sourceMap: { content, url: `${path.basename(file)}.map` },
  });
  writeFileSync(file, code);
  writeFileSync(`${file}.map`, map);
}

/** One file with a namespace for each of these modules. */
function buildHome(home, own, folder, options) {
  const contents = own.map((module) => `export * as ${JSON.stringify(module)} from './${module}';`).join('\n');
  return build({
    ...OPTIONS, stdin: { contents, resolveDir: lib, sourcefile: `${home}.js` },
    plugins: [builtins(home), elsewhere(home, options.wanted)], outfile: path.join(folder, `${home}.js`), write: options.write,
  });
}

const modulesOf = (home) => modules().filter((module) => homeOf(module) === home);

async function buildHomes(folder, own) {
  for (const [home] of HOMES) {
    await buildHome(home, own(home), folder, { write: true });
    await shorten(path.join(folder, `${home}.js`));
  }
}

/** The same without names that only tests use, into `folder`. */
export async function buildPublished(folder) {
  const wanted = new Set(Object.keys(ENTRIES));
  const wantedOf = (home) => modulesOf(home).filter((module) => wanted.has(module));
  await build({ ...OPTIONS, entryPoints: ['lib/cli.ts'], plugins: [elsewhere(undefined, wanted)], write: false, outdir: folder });
  for (let known = 0; known < wanted.size;) {
    known = wanted.size;
    for (const [home] of HOMES) await buildHome(home, wantedOf(home), folder, { write: false, wanted });
  }
  await buildHomes(folder, wantedOf);
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
    // ByteRange and its like belong to both entries, and to nothing else.
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

/** All of dist/, and names for tests in out/lib/. */
export async function bundle() {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist, { recursive: true });
  await buildHomes(dist, modulesOf);
  for (const [entry, home] of Object.entries(ENTRIES)) await buildEntry(entry, home);
  await build({ ...OPTIONS, entryPoints: ['lib/cli.ts'], plugins: [elsewhere(undefined)], outdir: dist });
  await shorten(path.join(dist, 'cli.js'));
  nameModules();
  await buildDeclarations();
}
