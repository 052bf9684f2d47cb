import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';

import { gcUntil } from './gc';

/** What every open descriptor of this process leads to, by number: /proc/self/fd. */
export function openDescriptors(): Map<number, string> {
  const descriptors = new Map<number, string>();
  for (const name of readdirSync('/proc/self/fd')) {
    const target = targetOf(name);
    if (target !== undefined) descriptors.set(Number(name), target);
  }
  return descriptors;
}

/** The descriptor that listed the folder is closed by now. */
function targetOf(name: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${name}`);
  } catch {
    return undefined;
  }
}

/**
 * What is open now beside what was open then. Mappings that earlier tests dropped may be collected meanwhile, and close
 * theirs.
 */
export function openedSince(before: ReadonlyMap<number, string>): string[] {
  const now = openDescriptors();
  return [...now].filter(([number, target]) => before.get(number) !== target).map(([, target]) => target);
}

/** Node keeps /dev/null open from the first child process on (22 and later). */
const isNodes = (target: string): boolean => target === '/dev/null';

/** In a suite: each of its tests must have closed what it opened, also what ends by collection. */
export function closesEveryDescriptor(): void {
  let before: ReadonlyMap<number, string>;
  beforeEach(() => { before = openDescriptors(); });
  afterEach('closes every descriptor', async () => {
    const left = (): string[] => openedSince(before).filter((target) => !isNodes(target));
    assert.ok(await gcUntil(() => left().length === 0), left().join('\n'));
  });
}
