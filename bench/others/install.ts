/** npm run bench:contenders: installs what packages.ts names. What cannot be had is named, and is no failure. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { isInstalled, PACKAGES, prefixOf, type Package } from './packages';

function npm(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('npm', args, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) throw new Error(stderr.trim());
}

function install(wanted: Package): void {
  const prefix = prefixOf(wanted);
  rmSync(prefix, { recursive: true, force: true });
  mkdirSync(prefix, { recursive: true });
  npm('install', '--prefix', prefix, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts',
    `${wanted.name}@${wanted.version}`);
  if (wanted.build !== undefined) npm('run', '--prefix', path.join(prefix, 'node_modules', wanted.name), wanted.build);
  writeFileSync(path.join(prefix, 'installed'), '');
}

for (const wanted of Object.values(PACKAGES)) {
  const label = `${wanted.name} ${wanted.version}`;
  try {
    if (!isInstalled(wanted)) install(wanted);
    console.log(`${label}: here`);
  } catch (error) {
    console.log(`${label}: not to be had, and left out: ${(error as Error).message}`);
  }
}
