import { setImmediate as turn } from 'node:timers/promises';

/**
 * Collects garbage and turns the event loop until `condition` holds; false when it still does not after `rounds`.
 * Fails where gc() is not exposed: a lifetime test that cannot collect has not tested anything.
 */
export async function gcUntil(condition: () => boolean, rounds = 50): Promise<boolean> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('lifetime tests need node --expose-gc');
  for (let round = 0; round < rounds; round++) {
    if (condition()) return true;
    void gc();
    await turn(); // finalizers run in a turn of the event loop
    await turn();
  }
  return condition();
}
