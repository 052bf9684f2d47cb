import { readdirSync, readlinkSync } from 'node:fs';

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
