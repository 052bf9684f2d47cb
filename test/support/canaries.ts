/**
 * A document root with secrets around it: a response with CANARY in it came from outside.
 *
 *     outside/secret.txt, www-private/secret.txt, secret.txt     CANARY
 *     www/                                                       the root
 *       file.txt, dir/index.html, dir/deep/file.txt, .hidden
 *       out -> ../outside, out.txt -> ../outside/secret.txt, absolute -> /…/secret.txt, in -> dir/deep, loop -> loop
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export const CANARY = 'CANARY-2f1c7a9e';

export interface Canaries {
  /** The folder around the root. */
  readonly parent: string;
  readonly root: string;
}

/** Removed when the suite ends: call inside describe(). */
export function canaries(): Canaries {
  const parent = mkdtempSync(path.join(os.tmpdir(), 'zerocopy-canaries-'));
  after(() => rmSync(parent, { recursive: true }));
  const root = path.join(parent, 'www');
  mkdirSync(path.join(root, 'dir/deep'), { recursive: true });
  for (const folder of ['outside', 'www-private']) mkdirSync(path.join(parent, folder));
  for (const secret of ['secret.txt', 'outside/secret.txt', 'www-private/secret.txt', 'outside/index.html']) {
    writeFileSync(path.join(parent, secret), CANARY);
  }
  for (const name of ['file.txt', 'dir/index.html', 'dir/deep/file.txt', '.hidden']) {
    writeFileSync(path.join(root, name), `content of ${name}`);
  }
  symlinkSync('../outside', path.join(root, 'out'));
  symlinkSync('../outside/secret.txt', path.join(root, 'out.txt'));
  symlinkSync(path.join(parent, 'secret.txt'), path.join(root, 'absolute'));
  symlinkSync('dir/deep', path.join(root, 'in'));
  symlinkSync('loop', path.join(root, 'loop'));
  return { parent, root };
}
