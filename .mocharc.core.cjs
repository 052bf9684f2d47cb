/**
 * The core on a system other than Linux (npm run test:core): the specs that it can pass. test/runtimes/core.json names
 * them, and what each system goes `without`, by words of the titles. On Windows: files that are cut or replaced while
 * they are mapped, which it refuses; advice and questions it has nothing for; FIFOs, blocks and error numbers of Linux;
 * private memory larger than what is left. On macOS: memory without a file. On both: what is read from /proc.
 */
const process = require('node:process');
const core = require('./test/runtimes/core.json');

const { specs, own, without } = core[process.platform] ?? { specs: [], own: [], without: [] };
const files = [...core.everywhere, ...core.systems, ...specs].map((spec) => `${spec}.spec`);

module.exports = {
  'spec': [...files, ...own].map((spec) => `out/test/${spec}.js`),
  // Given to Node itself they start no second process, which wine has no pipes for.
  ...(!process.execArgv.includes('--expose-gc') && { 'node-option': ['enable-source-maps', 'expose-gc'] }),
  'forbid-only': true,
  'timeout': 120_000,
  ...(without.length > 0 && { grep: without.join('|'), invert: true }),
};
