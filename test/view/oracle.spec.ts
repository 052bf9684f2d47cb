import assert from 'node:assert/strict';
import { programs } from '../support/oracle';
import { differences, type Program } from './oracle';
import { SOURCES } from './sources';

for (const name of ['mv', 'nd'] as const) {
  describe(`CPython's answers, ${name}`, () => {
    const all = programs<Program>(name);
    for (const [kind, makeSource] of Object.entries(SOURCES)) {
      it(`over ${kind}: ${String(all.length)} programs, 0 differences`, () => {
        const found = all.flatMap((program) => differences(program, makeSource));
        assert.equal(found.length, 0, `${String(found.length)} differences\n${found.slice(0, 12).join('\n')}`);
      }).timeout(30_000);
    }
  });
}
