/**
 * Who keeps a mapping's memory: a diagnosis for people, made when somebody asks and free until then.
 */
import { invalidArgType } from '../errors';
import { native, type Access, type RegionHandle, type STATES } from '../native';
import { census, setTracing, stackOf, type Seen } from '../view/trace';

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
  readonly state: (typeof STATES)[number];
  readonly faults: number;
  readonly holders: Holders;
}

/** What a Mapping says of itself. */
export type LiveMapping = Omit<MappingInfo, 'path' | 'holders'> & { readonly path?: string };

/** `regions`: its own, and those that a resize() replaced. `views`: as census() has just answered. */
export function holdersOf(
  mapping: object, regions: readonly RegionHandle[], views: readonly Seen[] = census(),
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
export function liveMappings(): [LiveMapping, RegionHandle][] {
  const handles = native.liveHandles();
  return handles.flatMap((handle) => (handle.mapping === undefined ? [] : [[handle.mapping as LiveMapping, handle]]));
}

/**
 * Every live mapping of this thread, and who keeps it: what keeps 100 MB in memory for 10 bytes is found here. A
 * diagnosis: it collects garbage and looks at the whole heap. Stacks are there while {@link trace} is on.
 */
export function mappings(): MappingInfo[] {
  const views = census();
  const regions = new Map<LiveMapping, RegionHandle[]>();
  for (const [mapping, region] of liveMappings()) regions.set(mapping, [...regions.get(mapping) ?? [], region]);
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
