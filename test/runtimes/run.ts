/**
 * Runs compiled specs in whatever runtime this is, Bun and Deno among them; mocha's own command starts a Node.
 *
 *   RUNTIME out/test/runtimes/run.js EXPECTED SPEC…
 *
 * EXPECTED is a JSON list of the full titles of tests that cannot pass there. It must be exact: one that passes after
 * all is a failure too, so that the list is true.
 */
import Mocha from 'mocha';

const [, , expected = '[]', ...specs] = process.argv;
const known = new Set(JSON.parse(expected) as string[]);
const failed = new Set<string>();
let passed = 0;

const mocha = new Mocha({ reporter: 'min', timeout: 60_000, forbidOnly: true, forbidPending: true });
for (const spec of specs) mocha.addFile(spec);
function report(runner: Mocha.Runner): void {
  runner.on('pass', () => passed++);
  runner.on('fail', (test, error) => {
    failed.add(test.fullTitle());
    if (!known.has(test.fullTitle())) process.stdout.write(`not ok ${test.fullTitle()}\n${String((error as Error).stack)}\n`);
  });
}
mocha.reporter(report as unknown as Mocha.ReporterConstructor);

mocha.run(() => {
  const unforeseen = [...failed].filter((title) => !known.has(title));
  const passing = [...known].filter((title) => !failed.has(title));
  for (const title of passing) process.stdout.write(`passes, and was said not to: ${title}\n`);
  process.stdout.write(`${String(passed)} passed, ${String(failed.size)} failed of which ${String(failed.size - unforeseen.length)} as said\n`);
  process.exit(unforeseen.length + passing.length > 0 || passed === 0 ? 1 : 0);
});
