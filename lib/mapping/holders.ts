/**
 * Who keeps a mapping's memory: a diagnosis for people, made when somebody asks and free until then.
 */
import { invalidArgType, zeroCopyError } from '../errors';
import { native, type RegionHandle } from '../native';
import { census, setTracing, stackOf, type Seen } from '../view/trace';
import type { Access, Mapping } from './mapping';

/** What keeps the memory of one mapping. */
export interface Holders {
  /** MemoryViews over it that are neither released nor collected. */
  readonly views: number;
  /** Native work under way: sendfile, flush, … */
  readonly holds: number;
  /** ArrayBuffers that were handed out and are not collected. */
  readonly buffers: number;
  /** Bytes that all of these keep in memory: the length of the mapping, and before a resize(), if arrays keep that. */
  readonly retained: number;
  /** Bytes that the views show, added up. */
  readonly viewed: number;
  /** While trace is on: where the mapping and each of the views were made. */
  readonly stacks?: string[];
}

/** One live mapping of this thread, and who keeps it. */
export interface MappingInfo {
  readonly path: string | undefined;
  readonly byteLength: number;
  readonly access: Access;
  readonly state: Mapping['state'];
  readonly faults: number;
  readonly holders: Holders;
}

/** `regions`: its own, and those that a resize() replaced. `views`: as census() has just answered. */
export function holdersOf(
  mapping: Mapping, regions: readonly RegionHandle[], views: readonly Seen[] = census(),
): Holders {
  const own = views.filter((seen) => seen.source === mapping);
  const stacks = [mapping, ...own.map((seen) => seen.view)].map(stackOf).filter((stack) => stack !== undefined);
  const sum = (count: (region: RegionHandle) => number): number =>
    regions.reduce((total, region) => total + count(region), 0);
  return {
    views: own.length,
    holds: sum((region) => native.regionHolds(region)),
    buffers: sum((region) => native.regionBuffers(region)),
    retained: sum((region) => native.regionFacts(region)?.byteLength ?? 0),
    viewed: own.reduce((sum, seen) => sum + seen.nbytes, 0),
    ...(stacks.length > 0 ? { stacks } : {}),
  };
}

/** The mappings that this thread has made and not collected, once for each of their regions. */
function live(): [Mapping, RegionHandle][] {
  const handles = native.liveHandles();
  return handles.flatMap((handle) => (handle.mapping === undefined ? [] : [[handle.mapping as Mapping, handle]]));
}

/**
 * Every live mapping of this thread, and who keeps it: what keeps 100 MB in memory for 10 bytes is found here. A
 * diagnosis: it collects garbage and looks at the whole heap. Stacks are there while {@link trace} is on.
 */
export function mappings(): MappingInfo[] {
  const views = census();
  const regions = new Map<Mapping, RegionHandle[]>();
  for (const [mapping, region] of live()) regions.set(mapping, [...regions.get(mapping) ?? [], region]);
  return [...regions].map(([mapping, own]) => {
    const { path, byteLength, access, state, faults } = mapping;
    return { path, byteLength, access, state, faults, holders: holdersOf(mapping, own, views) };
  });
}

/** Remember where each mapping and view is made, from now on (ZEROCOPY_TRACE=1 does so from the start), or stop. */
export function trace(on: boolean): void {
  if (typeof on !== 'boolean') throw invalidArgType('on', 'of type boolean', on);
  setTracing(on);
}

/** ERR_MAPPING_CLOSED; while the memory is still there, it names what keeps it. */
export function closedMapping(mapping: { readonly path?: string }, region: RegionHandle): Error {
  const name = mapping.path === undefined ? 'The mapping' : `The mapping of ${mapping.path}`;
  const keepers = [
    amount(native.regionBuffers(region), 'ArrayBuffer that was handed out', 'ArrayBuffers that were handed out'),
    amount(native.regionHolds(region), 'piece of native work', 'pieces of native work'),
  ].filter((keeper) => keeper !== '');
  const made = stackOf(mapping);
  const message =
    `${name} was closed` +
    (keepers.length > 0 ? `; its memory is kept until the end of ${keepers.join(' and ')}` : '') +
    (keepers.length > 0 && made !== undefined ? `. It was made\n${made}` : '');
  return zeroCopyError('ERR_MAPPING_CLOSED', message);
}

function amount(count: number, one: string, many: string): string {
  if (count === 0) return '';
  return count === 1 ? `1 ${one}` : `${String(count)} ${many}`;
}

/** What a native call that may need another map answers, or ERR_TOO_MANY_MAPPINGS for its null. */
export function withRoom<T>(answer: T | null): T {
  if (answer === null) throw tooManyMappings();
  return answer;
}

/** ERR_TOO_MANY_MAPPINGS, naming the files that are mapped most often. */
export function tooManyMappings(): Error {
  const counts = new Map<string, number>();
  for (const [mapping] of live()) {
    const name = mapping.path ?? 'memory';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const most = [...counts].sort(([, a], [, b]) => b - a).slice(0, 3);
  const { regionsMapped, regionsUnmapped } = native.counters();
  const message =
    `${String(regionsMapped - regionsUnmapped)} mappings are alive, and one more, or one more part of one with advice or ` +
    'a lock of its own, would come too near the number of maps that the kernel gives a process (vm.max_map_count). ' +
    'Close those that are done with. Most often mapped: ' +
    most.map(([name, count]) => `${name} (${String(count)} times)`).join(', ');
  return zeroCopyError('ERR_TOO_MANY_MAPPINGS', message);
}
