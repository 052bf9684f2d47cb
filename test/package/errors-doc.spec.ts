import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { CODES, invalidArgType, invalidArgValue, invalidThis, outOfRange } from '#lib/errors';

/** Codes and classes of one section of docs/errors.md, `## title` to the next: '### `CODE`', then '`Class`.' */
function documented(text: string, title: string): Record<string, string> {
  const section = new RegExp(`^## ${title}$([\\s\\S]*?)(?=^## |$(?![\\s\\S]))`, 'm').exec(text)?.[1] ?? '';
  const entries = [...section.matchAll(/^### `(\w+)`\n\n`(\w+)`\. \S/gm)];
  return Object.fromEntries(entries.map(([, code, name]) => [code!, name!]));
}

const ours = Object.fromEntries(Object.entries(CODES).map(([code, { base }]) => [code, base.name]));

describe('docs/errors.md', () => {
  const text = readFileSync(path.resolve(__dirname, '../../../docs/errors.md'), 'utf8');

  it('explains exactly our codes, each with its class', () => {
    assert.deepEqual(documented(text, 'Our own'), ours);
  });

  it("explains Node's codes for bad arguments, each with its class", () => {
    const errors = [invalidArgType('a', 'b', 1), invalidArgValue('a', 1, 'c'), outOfRange('a', 'b', 1), invalidThis('A')];
    assert.deepEqual(documented(text, 'Bad arguments'), Object.fromEntries(errors.map((e) => [e.code, e.name])));
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
