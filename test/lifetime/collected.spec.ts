import assert from 'node:assert/strict';
import { truncateSync } from 'node:fs';

import { native } from '#lib/native';
import { type Mapping, type MemoryView, mmap } from 'zerocopy';

import { openDescriptors } from '../support/descriptors';
import { gcUntil } from '../support/gc';
import { mappedRanges } from '../support/maps';
import { patternBytes, temporaryFolder } from '../support/temporary';

/** Everything a dropped mapping could leave behind. */
function left(): { regions: number; buffers: number } {
  const counters = native.counters();
  return {
    regions: counters.regionsMapped - counters.regionsUnmapped,
    buffers: counters.buffersCreated - counters.buffersFinalized,
  };
}

describe('a mapping that is dropped', () => {
  const folder = temporaryFolder();
  const content = patternBytes(100_000);
  let path = '';

  before(async () => {
    path = folder.file('pattern.bin', content);
    await gcUntil(() => left().regions === 0);
  });

  const uses: [string, (mapping: Mapping) => unknown][] = [
    ['never looked at', () => undefined],
    ['looked at through a view', (mapping) => mapping.view().get(5)],
    ['looked at through a raw array', (mapping) => mapping.asUint8Array()[5]],
    ['closed with a raw array out', (mapping) => { mapping.asBuffer(); mapping.close(); }],
    ['closed and detached', (mapping) => { mapping.asBuffer(); mapping.close({ detach: true }); }],
  ];
  for (const [what, use] of uses) {
    it(`and was ${what} is unmapped once it is collected`, async () => {
      const before = left();
      (() => void use(mmap(path)))();
      assert.ok(await gcUntil(() => left().regions === before.regions && left().buffers === before.buffers));
      assert.deepEqual(mappedRanges(path), []);
    });
  }

  const keepers: [string, (mapping: Mapping) => Uint8Array | MemoryView][] = [
    ['a view', (mapping) => mapping.view(50_000, 10)],
    ['a slice of a slice', (mapping) => mapping.view(40_000).slice(9_000).slice(1_000, 1_010)],
    ['a Uint8Array', (mapping) => mapping.asUint8Array(50_000, 10)],
    ['a Buffer slice', (mapping) => mapping.asBuffer().subarray(50_000, 50_010)],
    ['a typed array of a view', (mapping) => mapping.view(50_000, 10).asUint8Array()],
  ];
  for (const [what, keep] of keepers) {
    it(`stays while ${what} of 10 bytes is kept, and ends with it`, async () => {
      const before = left();
      let kept: ReturnType<typeof keep> | undefined = (() => keep(mmap(path)))();
      assert.equal(await gcUntil(() => left().regions === before.regions, 10), false);
      const first = 'get' in kept ? kept.get(0) : kept[0];
      assert.equal(first, content[50_000]);
      kept = undefined;
      assert.ok(await gcUntil(() => left().regions === before.regions));
      assert.deepEqual(mappedRanges(path), []);
    });
  }

  it('of 1 GiB stays while 10 bytes of it are kept', async () => {
    const sparse = folder.file('sparse', '');
    truncateSync(sparse, 2 ** 30);
    const before = left();
    let kept: MemoryView | undefined = (() => {
      const mapping = mmap(sparse, { access: 'copy' });
      mapping.view().set(2 ** 30 - 5, 42);
      return mapping.view(2 ** 30 - 10);
    })();
    assert.equal(await gcUntil(() => left().regions === before.regions, 10), false);
    assert.equal(kept.get(5), 42);
    kept = undefined;
    assert.ok(await gcUntil(() => left().regions === before.regions));
    assert.deepEqual(mappedRanges(sparse), []);
  });
});

describe('100,000 rounds of map, slice, close', () => {
  const folder = temporaryFolder();

  it('leave maps and descriptors as they were', async () => {
    const path = folder.file('rounds.bin', patternBytes(8192));
    await gcUntil(() => left().regions === 0);
    const before = { ...left(), maps: mappedRanges().length, descriptors: openDescriptors().size };
    let sum = 0;
    for (let round = 0; round < 100_000; round++) {
      const mapping = mmap(path);
      sum += mapping.view().slice(round % 8000, (round % 8000) + 10).get(3) as number;
      mapping.close();
    }
    assert.ok(sum > 0);
    assert.equal(left().regions, before.regions);
    assert.deepEqual(mappedRanges(path), []);
    assert.equal(openDescriptors().size, before.descriptors);
    assert.ok(await gcUntil(() => left().buffers === before.buffers));
    // The C library's, the engine's and a sanitizer's own maps come and go by some hundreds; a leak would be 100,000.
    const now = mappedRanges().length;
    assert.ok(now < before.maps + 1000, `${String(now)} maps, ${String(before.maps)} before`);
  });
});
