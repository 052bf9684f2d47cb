import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import * as errors from '#lib/errors';

const root = path.resolve(__dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

/** Codes and classes of one section of docs/errors.md, `## title` to the next: '### `CODE`', then '`Class`.' */
function documented(text: string, title: string): Record<string, string> {
  const section = new RegExp(`^## ${title}$([\\s\\S]*?)(?=^## |$(?![\\s\\S]))`, 'm').exec(text)?.[1] ?? '';
  const entries = [...section.matchAll(/^### `(\w+)`\n\n`(\w+)`\. \S/gm)];
  return Object.fromEntries(entries.map(([, code, name]) => [code!, name!]));
}

const ours = Object.fromEntries(Object.entries(errors.CODES).map(([code, base]) => [code, base.name]));

/** Node's codes, and the class of each, of whatever the functions of lib/errors.ts make. */
function nodes(): Record<string, string> {
  const functions = Object.values(errors).filter((value) => typeof value === 'function');
  const made = functions.flatMap((make) => [[true, '', 1], [false]].map((given): unknown => {
    try {
      return Reflect.apply(make, undefined, given);
    } catch {
      return undefined; // it makes none of these
    }
  }));
  const known = made.filter((error) => error instanceof Error) as NodeJS.ErrnoException[];
  return Object.fromEntries(known.flatMap(({ code = '', name }) =>
    isOfNode(code) && !(code in ours) ? [[code, name]] : []));
}

function isOfNode(code: string): boolean {
  return code.startsWith('ERR_') || code === 'ABORT_ERR';
}

describe('docs/errors.md', () => {
  const text = read('docs/errors.md');

  it('explains exactly our codes, each with its class', () => {
    assert.deepEqual(documented(text, 'Our own'), ours);
  });

  it("explains exactly Node's codes that lib/errors.ts has, each with its class", () => {
    assert.deepEqual({ ...documented(text, 'Bad arguments'), ...documented(text, 'Streams and signals') }, nodes());
  });

  it('is compared with every code that lib/errors.ts names', () => {
    const named = [...read('lib/errors.ts').matchAll(/'(\w+)'|^ {2}(\w+):/gm)].map(([, quoted, key]) => quoted ?? key!);
    assert.deepEqual(new Set(named.filter(isOfNode)), new Set([...Object.keys(ours), ...Object.keys(nodes())]));
  });

  it('could not miss a code, name one too many, or the wrong class, unnoticed', () => {
    const planted = [
      text.replace('### `ERR_SHORT_FILE`', '### `ERR_LONG_FILE`'),
      text.replace('## Bad arguments', '### `ERR_NEW`\n\n`Error`. New.\n\n## Bad arguments'),
      text.replace('### `ERR_VIEW_READONLY`\n\n`TypeError`', '### `ERR_VIEW_READONLY`\n\n`RangeError`'),
    ];
    for (const wrong of planted) {
      assert.notEqual(wrong, text);
      assert.notDeepEqual(documented(wrong, 'Our own'), ours);
    }
  });
});

describe('docs/serving.md', () => {
  /** The words of a union type. */
  function wordsOf(file: string, type: string): string[] {
    const union = new RegExp(`type ${type} =([^;]*);`).exec(read(file))?.[1] ?? '';
    return [...union.matchAll(/'([\w-]+)'/g)].map(([, word]) => word!);
  }

  it('explains every reason for not going by sendfile', () => {
    const rows = [...read('docs/serving.md').matchAll(/^\| (`.*?`) \| /gm)].flatMap(([, names]) => names!.split(', '));
    const reasons = [
      ...wordsOf('lib/transfer/output.ts', 'FallbackReason'), ...wordsOf('lib/http/transfers.ts', 'ServingFallback'),
    ];
    assert.ok(reasons.includes('tls') && reasons.includes('not-a-file'));
    assert.deepEqual(reasons.filter((reason) => !rows.includes(`\`${reason}\``)), []);
  });
});
