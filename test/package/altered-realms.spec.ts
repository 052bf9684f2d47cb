/** Programs that have altered the language before, or while, they use the package. */
import assert from 'node:assert/strict';

import { runInChild } from '../support/child';
import { patternBytes, temporaryFolder } from '../support/temporary';

describe('in a program that has', () => {
  const folder = temporaryFolder();

  /** What `source` prints, after `before` has run, before the package is loaded. `file`: a file of 100 bytes. */
  async function printed(before: string, source: string): Promise<string[]> {
    const script = folder.file('before.cjs', before);
    const file = folder.file('data.bin', patternBytes(100));
    const child = await runInChild(`const file = ${JSON.stringify(file)};
      const thrown = (use) => { try { use(); return 'nothing'; } catch (e) { return e.code; } };\n${source}`,
    { nodeArguments: ['-r', script] });
    assert.deepEqual({ code: child.code, signal: child.signal }, { code: 0, signal: null }, child.stderr);
    return child.stdout.trimEnd().split('\n');
  }

  it('frozen the errors, ours have their codes and names', async () => {
    const lines = await printed(
      'for (const base of [Error, TypeError, RangeError]) { Object.freeze(base.prototype); Object.freeze(base); }',
      `console.log(thrown(() => zerocopy.mmap(1.5)), thrown(() => zerocopy.mmap(file).view(-1)));
      zerocopy.trace(true); const view = zerocopy.mmap(file).view();
      console.log(thrown(() => view.set(0, 0)));
      try { zerocopy.mmap(null); } catch (e) { console.log(e.stack.split('\\n')[0].slice(0, 33)); }
      zerocopy.mmap(file).search(1, { signal: AbortSignal.abort() }).catch((e) => console.log(e.name, e.code));`);
    assert.deepEqual(lines, ['ERR_OUT_OF_RANGE ERR_OUT_OF_RANGE', 'ERR_VIEW_READONLY',
      'TypeError [ERR_INVALID_ARG_TYPE]:', 'AbortError ABORT_ERR']);
  });

  it('an Error.prepareStackTrace of its own, traces are kept, and do not call it', async () => {
    const lines = await printed('', `
      zerocopy.trace(true); Error.prepareStackTrace = () => { console.log('called'); return []; };
      const view = (function here() { return zerocopy.mmap(file).view(); })();
      const stacks = zerocopy.mappings()[0].holders.stacks;
      const kept = typeof Error.prepareStackTrace;
      console.log(stacks.length, stacks.every((stack) => stack.includes('here')), kept, view.length);`);
    assert.deepEqual(lines, ['2 true function 100']);
  });

  it('given Object.prototype something to inherit, everything loads', async () => {
    const lines = await printed("Object.prototype.extra = 1; Object.prototype.also = 'x';",
      "require('zerocopy/http'); console.log(typeof zerocopy.mmap, zerocopy.mmap(file).view().length);");
    assert.deepEqual(lines, ['function 100']);
  });

  it('given Object.prototype the name of an option, nobody has asked for it', async () => {
    const lines = await printed('', `
      Object.prototype.access = 'write';
      const all = [undefined, {}, { offset: 1 }, { access: 'copy' }, Object.create({ length: 5 })];
      console.log(all.map((options) => zerocopy.mmap(file, options)).map((m) => m.access + m.byteLength).join());`);
    assert.deepEqual(lines, ['read100,read100,read99,copy100,read5']);
  });

  it('turned custom inspection off, or has heirs that throw when inspected, views are counted all the same', async () => {
    const lines = await printed('', `
      const { inspect } = require('node:util');
      class Heir extends zerocopy.MemoryView { [inspect.custom]() { throw new Error('never'); } }
      class Shown extends zerocopy.MemoryView {
        [inspect.custom](depth) { return 'shown ' + this.length + typeof depth; }
      }
      const mapping = zerocopy.mmap(file);
      class Plain extends zerocopy.MemoryView {}
      const views = [new Heir(mapping), mapping.view(), new Shown(mapping), new Plain(mapping)];
      console.log(mapping.holders().views, zerocopy.mappings()[0].holders.views);
      inspect.defaultOptions.customInspect = false;
      console.log(mapping.holders().views, inspect.defaultOptions.customInspect);
      inspect.defaultOptions.customInspect = true;
      console.log(thrown(() => inspect(views[0])) === undefined, inspect(views[2]), inspect(views[3]).slice(0, 14));`);
    assert.deepEqual(lines, ['4 4', '4 false', 'true shown 100number MemoryView \'B\'']);
  });

  it('no leave to load addons, the error names the flag that gives it', async () => {
    const flag = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission';
    const { code, stderr } = await runInChild('', { nodeArguments: [flag, '--allow-fs-read=*'] });
    assert.equal(code, 1);
    assert.match(stderr, /--allow-addons/);
  });
});
