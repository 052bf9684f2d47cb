/** Every ```js and ```ts block of README.md and docs/*.md runs, and says what its comments say. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import ts from 'typescript';

import { makeEcosystemFiles } from './ecosystem-files';

const ROOT = path.join(__dirname, '../../..');

interface Example {
  readonly line: number;
  readonly language: 'js' | 'ts';
  readonly source: string;
}

function examplesOf(markdown: string): Example[] {
  return [...markdown.matchAll(/^```(js|ts)\n([^]*?)^```$/gm)].map((match) => ({
    line: markdown.slice(0, match.index).split('\n').length,
    language: match[1] as Example['language'],
    source: match[2]!,
  }));
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

/** What an example may import beside Node's own modules and `zerocopy`. */
function packagesIn(examples: readonly Example[]): string[] {
  const imports = examples.flatMap(({ source }) => [...source.matchAll(/ from '([^']+)'/g)].map((match) => match[1]!));
  return [...new Set(imports)].filter((name) => !name.startsWith('node:') && name.split('/')[0] !== 'zerocopy');
}

/** The folder of one document's examples: `zerocopy` is installed in it, and data.bin lies there. */
function makeFolder(parent: string, document: string, packages: readonly string[] = []): string {
  const folder = path.join(parent, document.replaceAll('/', '-'));
  mkdirSync(path.join(folder, 'node_modules'), { recursive: true });
  symlinkSync(ROOT, path.join(folder, 'node_modules/zerocopy'));
  for (const name of packages) {
    mkdirSync(path.join(folder, 'node_modules', path.dirname(name)), { recursive: true });
    symlinkSync(path.join(ROOT, 'node_modules', name), path.join(folder, 'node_modules', name));
  }
  return folder;
}

function run(folder: string, example: Example): void {
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

const documents = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...readdirSync(path.join(ROOT, 'docs'))
  .filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];

describe('the examples in', () => {
  const parent = mkdtempSync(path.join(os.tmpdir(), 'zerocopy-readme-'));
  after(() => rmSync(parent, { recursive: true }));

  for (const document of documents) {
    const examples = examplesOf(readFileSync(path.join(ROOT, document), 'utf8'));
    if (examples.length === 0) continue;
    describe(document, () => {
      const folder = makeFolder(parent, document, packagesIn(examples));
      if (document === 'docs/ecosystem.md') before(() => makeEcosystemFiles(folder));
      for (const example of examples) it(`line ${String(example.line)}`, () => run(folder, example));
    });
  }

  it('README.md are there, one for each layer', () => {
    assert.ok(examplesOf(readFileSync(path.join(ROOT, 'README.md'), 'utf8')).length >= 3);
  });

  it('a document that says something wrong fail', () => {
    const folder = makeFolder(parent, 'control');
    const [wrong, broken] = examplesOf('```js\nconsole.log(1 + 1); // 3\n```\n\n```ts\nthrow new Error();\n```\n');
    assert.throws(() => run(folder, wrong!), assert.AssertionError);
    assert.throws(() => run(folder, broken!), assert.AssertionError);
  });
});

/** What is wrong with the commands of ```sh blocks, as far as it can be known without running them. */
function wrongCommands(markdown: string): string[] {
  const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
  const lines = [...markdown.matchAll(/^```sh\n([^]*?)^```$/gm)].flatMap((match) => match[1]!.split('\n'));
  const commands = lines.flatMap((line) => line.replace(/ +#.*$/, '').split(/ && | \| /));
  return commands.filter((command) => {
    const [, script, own, file] = /^npm (?:run ([\w:]+)|(start|test)\b)|^(?:node )?(scripts\/\S+)/.exec(command) ?? [];
    if (script !== undefined || own !== undefined) return !Object.hasOwn(scripts, (script ?? own)!);
    if (file !== undefined) return !existsSync(path.join(ROOT, file));
    const subcommand = /^(?:npx )?zerocopy (\w+)/.exec(command)?.[1];
    return subcommand !== undefined && !['serve', 'cache'].includes(subcommand);
  });
}

describe('commands', () => {
  for (const document of documents) {
    it(`in ${document} are there`, () => {
      assert.deepEqual(wrongCommands(readFileSync(path.join(ROOT, document), 'utf8')), []);
    });
  }

  it('that are not there would be noticed', () => {
    const markdown = '```sh\nnpm run nothing   # new\nnode scripts/nothing.mjs\nzerocopy rm x | cat\nls\n```\n';
    assert.deepEqual(wrongCommands(markdown), ['npm run nothing', 'node scripts/nothing.mjs', 'zerocopy rm x']);
  });
});

describe('links', () => {
  for (const document of documents) {
    it(`in ${document} lead somewhere`, () => {
      const text = readFileSync(path.join(ROOT, document), 'utf8');
      const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1]!);
      const missing = targets.filter((target) => !existsSync(path.join(ROOT, path.dirname(document), target)));
      assert.deepEqual(missing, []);
    });
  }
});
