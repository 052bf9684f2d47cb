import assert from 'node:assert/strict';

import { programs } from '../support/oracle';
import { temporaryFolder } from '../support/temporary';
import { replay, type Program } from './oracle';

describe("CPython's answers, mm", () => {
  const folder = temporaryFolder();
  const all = programs<Program>('mm');

  it(`${String(all.length)} programs, 0 differences but the deliberate ones`, () => {
    const path = folder.file('mapped');
    let compared = 0;
    const reasons = new Set<string>();
    const found = all.flatMap((program) => {
      const outcome = replay(program, path);
      compared += outcome.compared;
      for (const reason of outcome.deliberate) reasons.add(reason);
      return outcome.differences.map((difference) => `program ${String(program.id)}: ${difference}`);
    });
    assert.equal(found.length, 0, `${String(found.length)} differences\n${found.slice(0, 12).join('\n')}`);
    assert.ok(compared > 18_000, String(compared));
    assert.equal(reasons.size, 6, 'each reason applies somewhere');
  });

  it('notices a difference that is planted', () => {
    const path = folder.file('planted');
    const program = all.find(({ ops }) => ops.some(([name, , answer]) => name === 'read' && answer !== undefined)) as Program;
    const ops = program.ops.map((op) => (op[0] === 'read' ? [...op.slice(0, -1), { r: { b: 'ee' } }] : op));
    assert.ok(replay({ ...program, ops }, path).differences.length > 0);
    assert.ok(replay({ ...program, fin: { closed: true, fsize: 1 } }, path).differences.length > 0);
  });
});
