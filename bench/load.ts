import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

import type { Case } from './case';

const FOLDER = path.join(__dirname, 'cases');
const load = createRequire(__filename);

/** The names of all cases: the files in bench/cases. */
export function caseNames(): string[] {
  return readdirSync(FOLDER).filter((file) => file.endsWith('.js')).map((file) => file.slice(0, -'.js'.length)).sort();
}

/** Throws when the file does not export what it should. */
export function loadCase(name: string): Case {
  const loaded = load(path.join(FOLDER, `${name}.js`)) as Case;
  if (loaded.name !== name) throw new Error(`bench/cases/${name} calls itself '${loaded.name}'`);
  if (!(loaded.baseline in loaded.contenders)) throw new Error(`${name}: its baseline '${loaded.baseline}' is no contender`);
  return loaded;
}
