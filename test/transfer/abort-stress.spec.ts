import assert from 'node:assert/strict';

import { abortStress } from './abort-stress';

describe('transfers that end at random', () => {
  it('send exactly the bytes that they say, and leave nothing behind', async () => {
    const { transfers, cut, wrong, leaked } = await abortStress(20_240_229, (started) => started < 250);
    assert.deepEqual({ wrong, leaked }, { wrong: [], leaked: [] });
    assert.ok(transfers > 200 && cut > 20, `${String(transfers)} transfers, ${String(cut)} cut`);
  });

  it('are seen when a byte is wrong: the control', async () => {
    const { wrong } = await abortStress(1, (started) => started < 30, (expected) => {
      for (let at = 0; at < expected.length; at += 4096) expected[at]! ^= 1;
    });
    assert.ok(wrong.some((line) => line.includes('other bytes')), wrong.join('\n'));
  });
});
