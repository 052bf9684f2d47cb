/** The ```js and ```ts blocks of a document, run in a folder of their own: they say what their comments say. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const ROOT = path.join(__dirname, '../../..');

/** Where packages are looked for: development dependencies, then what `npm run test:peers:install` has installed. */
const INSTALLED = ['node_modules', 'out/node_modules'].map((folder) => path.join(ROOT, folder));

export interface Example {
  readonly line: number;
  readonly language: 'js' | 'ts';
  readonly source: string;
}

export function examplesOf(markdown: string): Example[] {
  return [...markdown.matchAll(/^```(js|ts)\n([^]*?)^```$/gm)].map((match) => ({
    line: markdown.slice(0, match.index).split('\n').length,
    language: match[1] as Example['language'],
    source: match[2]!,
  }));
}

/** What an example imports beside Node's own modules and `zerocopy`. */
export function packagesIn({ source }: Example): string[] {
  const imports = [...source.matchAll(/(?: from|^import) '([^']+)'/gm)].map((match) => match[1]!);
  return [...new Set(imports)].filter((name) => !name.startsWith('node:') && name.split('/')[0] !== 'zerocopy');
}

/** The folder of one document's examples: `zerocopy` is installed in it, and data.bin will lie there. */
export function makeFolder(parent: string, document: string, packages: readonly string[] = []): string {
  const folder = path.join(parent, document.replaceAll('/', '-'));
  mkdirSync(path.join(folder, 'node_modules'), { recursive: true });
  symlinkSync(ROOT, path.join(folder, 'node_modules/zerocopy'));
  for (const name of new Set(packages)) {
    const found = INSTALLED.map((installed) => path.join(installed, name)).find((target) => existsSync(target));
    if (found === undefined) throw new Error(`${document} has an example with ${name}, which is not installed`);
    mkdirSync(path.join(folder, 'node_modules', path.dirname(name)), { recursive: true });
    symlinkSync(found, path.join(folder, 'node_modules', name));
  }
  return folder;
}

export function run(folder: string, example: Example): void {
  writeFileSync(path.join(folder, 'data.bin'), records());
  const source = toJavaScript(example);
  const file = path.join(folder, `line-${String(example.line)}.${/^import /m.test(source) ? 'mjs' : 'cjs'}`);
  writeFileSync(file, source);
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', file], {
    cwd: folder, encoding: 'utf8', timeout: 30_000,
  });
  assert.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: '' });
  assert.deepEqual(stdout.split('\n').slice(0, announced(example.source).length), announced(example.source));
}

/** What the prelude in the README says: 64 records of 1 KiB that begin with their number (<Q). */
function records(): Buffer {
  const data = Buffer.alloc(64 * 1024);
  for (let i = 0; i < 64; i++) data.writeBigUInt64LE(BigInt(i), i * 1024);
  return data;
}

function toJavaScript({ language, source }: Example): string {
  if (language === 'js') return source;
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}

/** What `console.log(…);  // text` lines announce, in order. */
function announced(source: string): string[] {
  return [...source.matchAll(/console\.log\(.*\);? +\/\/ (.*)$/gm)].map((match) => match[1]!.trim());
}
