import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';

import { CHECKSUM } from '../../bench/case';
import { growthFactor } from '../../bench/growth';
import { loadCase, caseNames } from '../../bench/load';
import { agreed } from '../../bench/rounds';
import { quantile, summarize } from '../../bench/statistics';
import { bytes, milliseconds, table, threeFigures } from '../../bench/terminal';

const BENCH = path.join(__dirname, '../../bench');

function runNode(script: string, ...args: string[]) {
  return spawnSync(process.execPath, ['--expose-gc', path.join(BENCH, script), ...args], { encoding: 'utf8' });
}

describe('the benchmark runner', () => {
  it('runs a case, each contender in a process of its own', () => {
    const { status, stdout, stderr } = runNode('run.js', 'map-open', '--quick');
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /, Node \d+\.\d+\.\d+ \(V8 .*\), \d{4}-\d\d-\d\d\n/);
    assert.match(stdout, /\(map-open: median of 1 rounds, which took \d+ s\)\n/);
    assert.match(stdout, /fs\.readFileSync, 64 KiB +CPU us per file +[\d.,]+ +[\d.,]+ – [\d.,]+ +baseline\n/);
    assert.match(stdout, /zerocopy mmap, 64 KiB +CPU us per file +[\d.,]+ +[\d.,]+ – [\d.,]+ +[\d.,]+x +[\d.,]+ – [\d.,]+\n/);
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
      const { title, baseline, contenders, headline } = loadCase(name);
      assert.ok(title.length > 0 && Object.keys(contenders).length > 1, name);
      for (const { contender } of [headline ?? []].flat()) {
        assert.ok(contender in contenders && contender !== baseline, `${name}: ${contender}`);
      }
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
