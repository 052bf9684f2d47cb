// What several scripts ask about the addon; shell scripts run it, and get a line for each answer:
//
//   node scripts/native.mjs headers      node-gyp's flag for the headers of this Node, where they came with it
//   node scripts/native.mjs core         sources of the addon for Linux that know nothing of Node
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const native = path.resolve(import.meta.dirname, '../src-native');

/** The headers that came with this Node, where they did; node-gyp would download them. */
export function ownHeaders() {
  const prefix = path.resolve(process.execPath, '../..');
  return existsSync(path.join(prefix, 'include/node/node_api.h')) ? [`--nodedir=${prefix}`] : [];
}

/** binding.gyp alone chooses sources: it is JSON but for its comments. `system` is as there: 'linux', 'mac', 'win'. */
export function sourcesOf(system) {
  const text = readFileSync(path.join(native, 'binding.gyp'), 'utf8').replace(/^\s*#.*$/gm, '');
  const [{ sources, conditions }] = JSON.parse(text).targets;
  const chosen = conditions.filter(([when]) => when.includes(`OS=='${system}'`));
  if (chosen.length !== 1) throw new Error(`binding.gyp has ${chosen.length} conditions for ${system}`);
  return [...sources, ...chosen[0][1].sources];
}

const isCore = (file) => !/_binding\.cc$|^addon\.cc$|^no_runtime\.cc$/.test(file);

const answers = {
  headers: ownHeaders,
  core: () => sourcesOf('linux').filter(isCore),
};

if (process.argv[1] === import.meta.filename) {
  const answer = answers[process.argv[2]];
  if (answer === undefined) throw new Error(`native.mjs: one of ${Object.keys(answers).join(', ')}`);
  for (const line of answer()) console.log(line);
}
