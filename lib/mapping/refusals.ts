/**
 * What a mapping refuses: to be used when it is closed, and to be made when there are too many. The messages name what
 * keeps the memory, and what is mapped most often.
 */
import { zeroCopyError } from '../errors';
import { native, type RegionHandle } from '../native';
import { stackOf } from '../view/trace';
import { liveMappings } from './holders';

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
function tooManyMappings(): Error {
  const counts = new Map<string, number>();
  for (const [mapping] of liveMappings()) {
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
