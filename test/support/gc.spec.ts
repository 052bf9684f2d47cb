import assert from 'node:assert/strict';

import { gcUntil } from './gc';

describe('gcUntil', () => {
  it('sees an object collected that nobody keeps', async () => {
    let finalized = false;
    const registry = new FinalizationRegistry<undefined>(() => (finalized = true));
    (() => {
      registry.register({}, undefined);
    })();
    assert.equal(await gcUntil(() => finalized), true);
  });

  it('sees that a kept object is not collected', async () => {
    let finalized = false;
    const registry = new FinalizationRegistry<undefined>(() => (finalized = true));
    const kept = {};
    registry.register(kept, undefined);
    assert.equal(await gcUntil(() => finalized, 10), false);
    assert.ok(kept);
  });
});
