/** Every ```js and ```ts block of README.md and docs/*.md runs, and says what its comments say. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { examplesOf, makeFolder, packagesIn, run, type Example } from './document-examples';
import { makeEcosystemFiles } from './ecosystem-files';

const ROOT = path.join(__dirname, '../../..');

/** Too heavy for development dependencies: their examples are run by ecosystem.peers.ts. */
const AMONG_PEERS = ['onnxruntime-node'];

function isAmongPeers(example: Example): boolean {
  return packagesIn(example).some((name) => AMONG_PEERS.includes(name));
}

const documents = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'bench/README.md', ...readdirSync(path.join(ROOT, 'docs'))
  .filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];

describe('the examples in', () => {
  const parent = mkdtempSync(path.join(os.tmpdir(), 'zerocopy-readme-'));
  after(() => rmSync(parent, { recursive: true }));

  for (const document of documents) {
    const examples = examplesOf(readFileSync(path.join(ROOT, document), 'utf8')).filter((example) => !isAmongPeers(example));
    if (examples.length === 0) continue;
    describe(document, () => {
      const folder = makeFolder(parent, document, examples.flatMap(packagesIn));
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

const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

/** What is wrong with the commands of ```sh blocks, as far as it can be known without running them. */
function wrongCommands(markdown: string): string[] {
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

/** npm scripts and files of scripts/ that are named anywhere, in text and tables too, and do not exist. */
function missingScripts(markdown: string): string[] {
  const named = [...markdown.matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1]!);
  const files = [...markdown.matchAll(/(?<![\w/])scripts\/[\w.-]*\w/g)].map((match) => match[0]);
  return [...named.filter((script) => !Object.hasOwn(scripts, script)),
    ...files.filter((file) => !existsSync(path.join(ROOT, file)))];
}

describe('commands', () => {
  it('are all in the table of CONTRIBUTING.md, or in its first lines', () => {
    const contributing = readFileSync(path.join(ROOT, 'CONTRIBUTING.md'), 'utf8');
    const named = [...contributing.matchAll(/npm (?:run )?([\w:-]+)/g)].map((match) => match[1]!);
    assert.deepEqual(Object.keys(scripts).filter((script) => script !== 'prepack' && !named.includes(script)), []);
  });

  for (const document of documents) {
    it(`in ${document} are there`, () => {
      const markdown = readFileSync(path.join(ROOT, document), 'utf8');
      assert.deepEqual([...wrongCommands(markdown), ...missingScripts(markdown)], []);
    });
  }

  it('that are not there would be noticed', () => {
    const markdown = '```sh\nnpm run nothing   # new\nnode scripts/nothing.mjs\nzerocopy rm x | cat\nls\n```\n';
    assert.deepEqual(wrongCommands(markdown), ['npm run nothing', 'node scripts/nothing.mjs', 'zerocopy rm x']);
    const table = '| `npm run test:nothing` | as `scripts/nothing.sh`, not `npm run test:peers` or scripts/build.mjs. |';
    assert.deepEqual(missingScripts(table), ['test:nothing', 'scripts/nothing.sh']);
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
