import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';

/**
 * In this order V8 of Node 20 and 22 optimizes checkOwner() such that a typed array over a detached buffer keeps its
 * length there; no smaller program was found that makes it. See isIntact() in lib/view/owner.ts.
 */
const ORDER = ['mapping/holders', 'view/views', 'view/misuse'];

describe('views of memory that is gone, in code that V8 has optimized', () => {
  it('say so', () => {
    const files = ORDER.map((name) => path.resolve(__dirname, '..', `${name}.spec.js`));
    const mocha = path.join(path.dirname(require.resolve('mocha/package.json')), 'bin/mocha.js');
    const args = ['--expose-gc', '--enable-source-maps', mocha, '--no-config', '--timeout', '60000', '--reporter', 'dot', ...files];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    assert.equal(status, 0, stdout);
    assert.match(stdout, / passing/);
  }).timeout(120_000);
});
