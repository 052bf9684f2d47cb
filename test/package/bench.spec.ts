import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { CHECKSUM } from '../../bench/case';
import { judge, shareOfLimit, type Verdict } from '../../bench/claims';
import { atSize, growthFactor, growthsOf } from '../../bench/growth';
import type { KeptCases } from '../../bench/kept';
import { loadCase, caseNames } from '../../bench/load';
import { growthPlot } from '../../bench/plots';
import type { CaseResult, Results } from '../../bench/results';
import { agreed } from '../../bench/rounds';
import { quantile, summarize } from '../../bench/statistics';
import { TARGETS, type Limit } from '../../bench/targets';
import { bytes, milliseconds, table, threeFigures } from '../../examples/main-job/terminal';

const BENCH = path.join(__dirname, '../../bench');
const ROOT = path.join(__dirname, '../../..');

function runNode(script: string, ...args: string[]) {
  return spawnSync(process.execPath, ['--expose-gc', path.join(BENCH, script), ...args], { encoding: 'utf8' });
}

describe('the benchmark runner', () => {
  it('runs a case, each contender in a process of its own, and leaves out who is not here', () => {
    const env = { ...process.env, PATH: '/nonexistent' };
    const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(BENCH, 'run.js'), 'view-slice', '--quick'],
      { encoding: 'utf8', env });
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /, Node \d+\.\d+\.\d+ \(V8 .*\), \d{4}-\d\d-\d\d\n/);
    assert.match(stdout, /\(view-slice: median of 1 rounds, which took \d+ s\)\n/);
    assert.match(stdout, /Buffer\.subarray +CPU ns per slice, dropped +[\d.,]+ +[\d.,]+ – [\d.,]+ +baseline\n/);
    assert.match(stdout,
      /zerocopy MemoryView\.slice +CPU ns per slice, kept +[\d.,]+ +[\d.,]+ – [\d.,]+ +[\d.,]+x +[\d.,]+ – [\d.,]+\n/);
    assert.match(stdout, / Not measured: CPython memoryview\[s:e\] \(python3 is not installed\)\.\n/);
  });

  const wrong: Readonly<Record<string, readonly [args: string[], says: RegExp]>> = {
    'a case that is not there': [['no-such-case'], /^bench: there is no case 'no-such-case'\. There are: .*map-open.*\n$/],
    'an unknown option': [['--jsn'], /^bench: Unknown option '--jsn'\n$/],
    'no rounds': [['--rounds', '0'], /^bench: --rounds takes a whole number, not '0'\n$/],
  };
  for (const [name, [args, says]] of Object.entries(wrong)) {
    it(`refuses ${name} in one line`, () => {
      const { status, stdout, stderr } = runNode('run.js', ...args);
      assert.match(stderr, says);
      assert.deepEqual([status, stdout], [2, '']);
    });
  }

  it('finds every case complete', () => {
    for (const name of caseNames()) {
      const { title, baseline, contenders, headline, grows } = loadCase(name);
      assert.ok(title.length > 0 && Object.keys(contenders).length > 1, name);
      for (const { contender } of [headline ?? []].flat()) {
        assert.ok(contender in contenders && contender !== baseline, `${name}: ${contender}`);
      }
      for (const { contender, sizes } of grows ?? []) assert.ok(contender in contenders && sizes.length > 1, name);
    }
  });

  it('has put what it measured into the documents', () => {
    const { status, stderr } = runNode('report.js', '--check');
    assert.deepEqual([status, stderr], [0, '']);
  });
});

describe('its arithmetic', () => {
  it('takes quantiles between neighbours', () => {
    assert.equal(quantile([4, 1, 3, 2], 0.5), 2.5);
    assert.equal(quantile([10, 0], 0.9), 9);
    assert.equal(quantile([7], 0.1), 7);
    assert.ok(Number.isNaN(quantile([], 0.5)));
  });

  it('takes ratios pair by pair', () => {
    // Medians alone would say 30 / 20; the pairs say that it is always twice as much.
    const baseline = [{ ns: 10 }, { ns: 20 }, { ns: 30 }];
    const { ns } = summarize([{ ns: 20 }, { ns: 40 }, { ns: 60 }], baseline);
    assert.deepEqual(ns!.ratio, { median: 2, p10: 2, p90: 2 });
    assert.equal(summarize(baseline, baseline)['ns']!.ratio, undefined);
    assert.equal(summarize([{ bytes: 1 }], [{ ns: 1 }])['bytes']!.ratio, undefined);
  });
});

describe('what contenders of a case answer', () => {
  it('is an error when their checksums differ', () => {
    const measured = new Map([['a', { ns: 1, [CHECKSUM]: 7 }], ['b', { ns: 2 }], ['c', { ns: 3, [CHECKSUM]: 8 }]]);
    assert.throws(() => agreed('case', measured), /^Error: case: the checksums do not agree: 'a' has 7, 'c' has 8$/);
  });

  it('is without them when they agree, or when nobody has one', () => {
    const measured = new Map([['a', { ns: 1, [CHECKSUM]: 7 }], ['b', { ns: 2 }], ['c', { ns: 3, [CHECKSUM]: 7 }]]);
    assert.deepEqual([...agreed('case', measured).values()], [{ ns: 1 }, { ns: 2 }, { ns: 3 }]);
    assert.deepEqual([...agreed('case', new Map([['a', { ns: 1 }]])).values()], [{ ns: 1 }]);
  });
});

describe('growth', () => {
  const sizes = [1, 10, 100, 1000, 10_000];
  const of = (cost: (size: number) => number) => sizes.map((size) => [size, cost(size)] as const);

  it('is 1 where a cost is flat, or linear, whatever comes on top at first', () => {
    assert.equal(growthFactor(of(() => 5), 'flat'), 1);
    assert.equal(growthFactor(of((n) => 100 / n + 5), 'flat'), 1);
    assert.equal(growthFactor(of((n) => 3 * n), 'linear'), 1);
    assert.equal(growthFactor(of((n) => 3 * n + 1000), 'linear'), 1);
  });

  it('notices what is quadratic, also when that begins late, and what is linear where it should be flat', () => {
    assert.equal(growthFactor(of((n) => n * n), 'linear'), 10_000);
    assert.equal(growthFactor(of((n) => n), 'flat'), 10_000);
    assert.ok(growthFactor(of((n) => 1000 + n * n / 1e4), 'flat') > 10);
    assert.ok(growthFactor(of((n) => 1000 * n + n * n), 'linear') > 10);
  });

  it('is judged for each metric that a case names, at the sizes that were measured', async () => {
    const result = grown((size) => size);
    const [verdict] = growthsOf(result);
    assert.deepEqual([verdict!.factor, verdict!.holds], [100, false]);
    assert.match(verdict!.text, /^'ours', ns, from 1 thing to 100 things: 100 times what is flat, over the limit of 4$/);
    assert.equal(growthsOf(grown(() => 7))[0]!.holds, true);
    assert.throws(() => growthsOf({ ...result, contenders: {} }), /^Error: grown: 'ours' has no 'ns' to see growth by$/);
    assert.match(await growthPlot(result), /^<svg [^]*prefers-color-scheme: dark[^]*ours[^]*<\/svg>\n$/);
  });

  /** At the last of its sizes it was not measured. */
  function grown(cost: (size: number) => number): CaseResult {
    const metrics = Object.fromEntries([1, 10, 100].map((size) => [atSize('ns', size, 'things'), cost(size)]));
    const growth = { contender: 'ours', metric: 'ns', unit: 'things', sizes: [1, 10, 100, 1000], shape: 'flat', within: 4 } as const;
    return { ...made({ ours: [metrics] }), name: 'grown', grows: [growth] };
  }
});

/** What a run that measured these would have kept. */
function made(runs: Readonly<Record<string, readonly Readonly<Record<string, number>>[]>>): CaseResult {
  const contenders = Object.fromEntries(Object.entries(runs).map(([name, run]) => [name, summarize(run, run)]));
  return { name: 'made', title: 'made up', baseline: 'other', rounds: 3, seconds: 1, contenders, unavailable: {} };
}

describe('a target', () => {
  it('names a case and its contenders', () => {
    assert.ok(TARGETS.length > 50);
    assert.equal(new Set(TARGETS.map(({ claim }) => claim)).size, TARGETS.length);
    for (const { claim, case: name, contender, against } of TARGETS) {
      const { contenders } = loadCase(name);
      assert.ok(contender in contenders, claim);
      assert.ok(against === undefined || against in contenders, claim);
    }
  });

  /** Pair by pair the other takes 2, 3 and 4 times as much. */
  const RUNS = { ours: [{ ns: 10 }, { ns: 20 }, { ns: 10 }], other: [{ ns: 20 }, { ns: 60 }, { ns: 40 }] };
  const kept = (result: CaseResult): KeptCases =>
    new Map([['made', { result, results: { date: '2026-01-02' } as Results }]]);
  const target = (limit: Limit) => (
    { claim: 'made up', case: 'made', contender: 'ours', metric: 'ns', limit, ...('atMost' in limit ? {} : { against: 'other' }) });

  const verdicts: readonly (readonly [limit: Limit, figure: number, met: boolean])[] = [
    [{ timesLess: 3 }, 3, true], [{ timesLess: 3.01 }, 3, false],
    [{ timesOf: 0.34 }, 1 / 3, true], [{ timesOf: 0.33 }, 1 / 3, false],
    [{ atMost: 10 }, 10, true], [{ atMost: 9.9 }, 10, false],
  ];
  for (const [limit, figure, met] of verdicts) {
    it(`of ${JSON.stringify(limit)} is ${met ? 'met' : 'missed'} by ${figure.toFixed(2)}`, () => {
      const verdict = judge(target(limit), kept(made(RUNS))) as Verdict;
      assert.deepEqual([verdict.figure.median, verdict.met, verdict.date], [figure, met, '2026-01-02']);
      assert.equal(shareOfLimit(figure, limit) <= 1, met);
    });
  }

  it('is open where its case, contender or the other was not measured', () => {
    const away: CaseResult = { ...made({ ours: RUNS.ours }), unavailable: { other: 'it is not installed' } };
    const why = (cases: KeptCases) => (judge(target({ timesLess: 3 }), cases) as { why: string }).why;
    assert.equal(why(kept(away)), 'it is not installed');
    assert.equal(why(new Map()), 'not measured yet');
    assert.equal(why(kept(made({ other: RUNS.other }))), 'not measured yet');
  });
});

describe('figures of speed', () => {
  /** Between markers report.js has put them. */
  const byHand = (text: string): string => text.replace(/<!-- bench:(\w+) -->[^]*?<!-- \/bench:\1 -->/g, '');
  const FIGURE = new RegExp([
    /\d\s?(x|times) (less|more|faster|slower|cheaper|dearer|quicker|as (fast|much|little))/,
    /\d\s?% (less|more|faster|slower|cheaper|dearer)/,
    /\d\s?[kKMGT]?i?B\/s\b/,
    /\d\s?(ns|us|µs|ms|s|seconds) (CPU|of CPU|per|each|for each|for every)\b/,
  ].map(({ source }) => source).join('|'), 'i');
  const figures = (text: string) => byHand(text).split('\n').filter((line) => FIGURE.test(line));

  for (const file of ['README.md', 'CHANGELOG.md', 'bench/README.md',
    ...readdirSync(path.join(ROOT, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)]) {
    it(`in ${file} are those that were kept`, () => {
      assert.deepEqual(figures(readFileSync(path.join(ROOT, file), 'utf8')), []);
    });
  }

  it('that are written by hand are noticed', () => {
    const lines = ['It is 5x faster.', 'Takes 2.5 times less CPU', '30 % slower', 'sends 8 GB/s', 'cost 5 ns per slice'];
    assert.deepEqual(figures(lines.join('\n')), lines);
    assert.deepEqual(figures(`<!-- bench:a -->\n${lines.join('\n')}\n<!-- /bench:a -->\nat most every 50 ms`), []);
  });
});

describe('its text', () => {
  it('names sizes and times with three figures', () => {
    assert.deepEqual([0, 1023, 1024, 1536, 2 ** 30].map(bytes), ['0 B', '1023 B', '1.00 KiB', '1.50 KiB', '1.00 GiB']);
    assert.deepEqual([0.0123, 1.239, 99.99, 1234].map(milliseconds), ['0.012 ms', '1.24 ms', '100 ms', '1,234 ms']);
    assert.equal(milliseconds(12_345), '12.3 s');
    assert.deepEqual([9.999, 0.99999].map(threeFigures), ['10.0', '1.00']);
  });

  it('lines columns up', () => {
    assert.equal(table([['', 'one'], ['first', '1'], ['x', '22']]), '       one\nfirst    1\nx       22');
  });
});
