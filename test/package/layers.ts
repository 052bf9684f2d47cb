/**
 * The layers of docs/architecture.md as a check: imports and includes point down, none goes in a circle, and each kind
 * of foreign thing (system calls, Node-API, the file system) has the one place where it may be.
 */
import path from 'node:path';

/** Path from the repository's root, with forward slashes, and text. */
export type Sources = ReadonlyMap<string, string>;

interface Source {
  readonly file: string;
  /** Without comments; in C++ without strings too. */
  readonly code: string;
}

const ENTRY = 9;
const LIB_LAYERS: readonly [RegExp, number][] = [
  [/^lib\/(native|errors|validate|files)\.ts$/, 0],
  [/^lib\/view\//, 1],
  [/^lib\/mapping\//, 2],
  [/^lib\/(transfer|formats)\//, 3],
  [/^lib\/http\//, 4],
  [/^lib\/cli\//, 5],
  [/^lib\/(index|http|cli)\.m?ts$/, ENTRY],
];
const NATIVE_LAYERS: readonly [RegExp, number][] = [
  [/^src-native\/(os\/|counters\.h$|no_runtime\.cc$)/, 0],
  [/^src-native\/((node_values|environment|notifier_binding|pool_work_binding|tagged_object_binding)\.h$|descriptor_binding\.)/, 1],
  [/^src-native\/region\//, 2],
  [/^src-native\/transfer\//, 3],
  [/^src-native\/http\//, 4],
  [/^src-native\/addon\.cc$/, ENTRY],
];

/** Where Node-API may be spoken; everything else builds and runs without Node. Residents keep weak references. */
const SPEAKS_NODE = /^src-native\/(.*_binding\.(cc|h)|addon\.cc|environment\.h|node_values\.h)$/;
const NODE_HEADER = /^(node|node_api|js_native_api\w*|napi(-inl)?|uv|v8)\.h$|^(uv|v8)\//;

const OS = 'src-native/os/';
const SYSTEM_HEADER = /^(sys\/.*|linux\/.*|arpa\/.*|net\/.*|netinet\/.*|unistd\.h|fcntl\.h|pthread\.h|signal\.h|csignal|dlfcn\.h|poll\.h|sched\.h|[wW]indows\.h|io\.h)$/;
const SYSTEM_CALLS = [
  'mmap', 'mmap64', 'munmap', 'mremap', 'mprotect', 'madvise', 'msync', 'mincore', 'mlock2?', 'munlock', '[gs]etrlimit', 'f(?:data)?sync', 'posix_f?advise', 'memfd_create',
  'open', 'open64', 'openat', 'close', 'read', 'write', 'p?readv?', 'p?writev?', 'pread64', 'pwrite64', 'lseek(?:64)?',
  'l?stat', 'fstat', 'ftruncate(?:64)?', 'fallocate', 'posix_fallocate', 'copy_file_range', 'splice', 'tee', 'vmsplice',
  'sendfile', 'sendfile64', 'send', 'sendto', 'sendmsg', 'recv', 'recvfrom', 'recvmsg', 'socket', 'socketpair', 'pipe2?',
  'shutdown', '[gs]etsockopt', 'ioctl', 'fcntl', 'dup[23]?', 'poll', 'ppoll', 'select', 'epoll_\\w+', 'eventfd\\w*', 'kevent', 'kqueue',
  'fork', 'syscall', 'sysconf', 'sysctl', 'sigaction', 'clock_gettime', 'signal', 'raise', 'kill', 'pthread_\\w+', 'dl(?:open|sym|addr|close)',
  'CreateFile\\w*', '(?:Unm|M)apViewOfFile\\w*', 'Flush(?:View|File)\\w+', 'Virtual[A-Z]\\w+', '(?:Read|Write)File', 'CloseHandle',
];
/** A free function's call: not a method's, nor one of a namespace of ours. */
const SYSTEM_CALL = new RegExp(`(?<![\\w.>:]|\\w::)(?:::)?(${SYSTEM_CALLS.join('|')})\\s*\\(`, 'g');
const PLATFORM_MACRO = /^\s*#\s*(?:if|ifdef|ifndef|elif)\b.*\b(__linux__|__APPLE__|__FreeBSD__|_WIN32|__unix__)\b/m;

/** Decisions without the world: nothing in these may reach it, so that they can be tested without it. */
const PURE_HTTP = /^lib\/http\/(byte-range|conditions|encodings|plan|representation|request-path)\.ts$/;
const PURE = new RegExp(`^lib/(errors|validate)\\.ts$|^lib/view/|^lib/formats/npy-header\\.ts$|${PURE_HTTP.source}`);
/** It asks the addon for one number, whether any mapping has had a fault. */
const OWNER = 'lib/view/owner.ts';
const WORLD = /^node:(fs|net|http2?|https|tls|stream|child_process|worker_threads|cluster|dgram|dns)(\/|$)/;

const NO_FOLDERS = /\/(utils?|common|helpers?|misc|shared)\//;

/** What is wrong, a line each; empty when nothing is. */
export function violations(sources: Sources): string[] {
  const found = [...sources].flatMap(([file, text]) => {
    const folder = NO_FOLDERS.test(file) ? [`${file}: a folder named for nothing in particular`] : [];
    if (file.startsWith('lib/')) return [...folder, ...libViolations({ file, code: withoutComments(text) })];
    if (file.startsWith('src-native/')) return [...folder, ...nativeViolations({ file, code: withoutComments(text) })];
    return folder;
  });
  return [...found, ...circles(sources)];
}

/** Imports in a circle, those of types too: files that cannot be read one after the other. */
function circles(sources: Sources): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const follow = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) found.push(`imports in a circle: ${[...way.slice(way.indexOf(file)), file].join(' -> ')}`);
    else if (!done.has(file)) {
      const names = importsIn(withoutComments(sources.get(file) ?? '')).filter((name) => name.startsWith('.'));
      for (const name of names) follow(targetOf(file, name), [...way, file]);
      done.add(file);
    }
  };
  for (const file of sources.keys()) if (file.startsWith('lib/')) follow(file, []);
  return found;
}

/** The file that `name` is, to one that imports it. */
function targetOf(file: string, name: string): string {
  return `${path.posix.join(path.posix.dirname(file), name.replace(/\.js$/, ''))}.ts`;
}

function libViolations({ file, code }: Source): string[] {
  const layer = layerOf(file, LIB_LAYERS);
  if (layer === undefined) return [`${file}: belongs to no layer`];
  return importsIn(code).flatMap((name) => {
    if (!name.startsWith('.')) return foreignImport(file, name);
    const target = targetOf(file, name);
    const other = layerOf(target, LIB_LAYERS) ?? (target.startsWith('lib/') ? undefined : 0);
    if (other === undefined) return [`${file}: imports ${name}, which belongs to no layer`];
    if (PURE.test(file) && file !== OWNER && target === 'lib/native.ts') return [`${file}: is pure and imports the addon`];
    if (other > layer) return [`${file}: imports ${name}, a layer above it`];
    const beside = other === layer && layer > 0 && layer < ENTRY && folderOf(file) !== folderOf(target);
    return beside ? [`${file}: imports ${name}, a layer beside it`] : [];
  });
}

/** What serving files over HTTP may stand on. The core has no dependency. */
const HTTP_DEPENDENCIES = ['mime-types', 'negotiator'];

function foreignImport(file: string, name: string): string[] {
  if (file.startsWith('lib/http/') && HTTP_DEPENDENCIES.includes(name)) return [];
  if (!name.startsWith('node:')) return [`${file}: imports ${name}; this layer has no such dependency`];
  return PURE.test(file) && WORLD.test(name) ? [`${file}: is pure and imports ${name}`] : [];
}

function nativeViolations({ file, code }: Source): string[] {
  const layer = layerOf(file, NATIVE_LAYERS);
  if (layer === undefined) return [`${file}: belongs to no layer`];
  const found = includesIn(code).flatMap((name) => includeViolations(file, layer, name));
  if (file.startsWith(OS)) return found;
  const calls = withoutStrings(code).matchAll(SYSTEM_CALL);
  for (const [, name] of calls) found.push(`${file}: calls ${name ?? ''}() outside os/`);
  const macro = PLATFORM_MACRO.exec(code)?.[1];
  if (macro !== undefined) found.push(`${file}: chooses a system by ${macro} outside os/`);
  return found;
}

function includeViolations(file: string, layer: number, name: string): string[] {
  const found: string[] = [];
  const target = `src-native/${name}`;
  if (NODE_HEADER.test(name) && !SPEAKS_NODE.test(file)) found.push(`${file}: includes ${name}, and is no *_binding`);
  if (SPEAKS_NODE.test(target) && !SPEAKS_NODE.test(file)) found.push(`${file}: includes ${name}, which speaks Node-API`);
  if (SYSTEM_HEADER.test(name) && !file.startsWith(OS)) found.push(`${file}: includes <${name}> outside os/`);
  if ((layerOf(target, NATIVE_LAYERS) ?? 0) > layer) found.push(`${file}: includes ${name}, a layer above it`);
  return found;
}

function layerOf(file: string, layers: readonly [RegExp, number][]): number | undefined {
  return layers.find(([pattern]) => pattern.test(file))?.[1];
}

/** 'lib/view' of anything in it. */
function folderOf(file: string): string {
  return file.split('/', 2).join('/');
}

/** Both sides of the comment patterns are strings, so that a `//` inside one is none. */
const COMMENT_OR_STRING = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;

function withoutComments(text: string): string {
  return text.replace(COMMENT_OR_STRING, (part) => (part.startsWith('/') ? ' ' : part));
}

function withoutStrings(code: string): string {
  return code.replace(COMMENT_OR_STRING, '""');
}

function importsIn(code: string): string[] {
  const patterns = [
    /\b(?:import|export)\b[^'"`;]*?\bfrom\s*(['"])([^'"]+)\1/g,
    /\bimport\s*\(?\s*(['"])([^'"]+)\1/g,
    /\brequire\s*\(\s*(['"])([^'"]+)\1/g,
  ];
  const names = patterns.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[2] ?? ''));
  return names.filter((name) => !name.endsWith('.node'));
}

function includesIn(code: string): string[] {
  return [...code.matchAll(/^\s*#\s*include\s*[<"]([^>"]+)[>"]/gm)].map((match) => match[1] ?? '');
}
