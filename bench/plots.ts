/** Kept figures as pictures: SVG that takes the reader's light or dark colours. */
import type { TopLevelSpec } from 'vega-lite';

import type { Verdict } from './claims';
import { shareOfLimit } from './claims';
import { atSize, growthsOf } from './growth';
import type { CaseResult } from './results';

const OURS = '#2a78d6';
const OTHERS = '#8a94a0';
const MISSED = '#d1642a';

const CONFIG = {
  background: 'transparent',
  view: { stroke: null },
  font: 'system-ui, sans-serif',
  axis: { domain: false, tickCount: 5 },
  header: { labelFontSize: 12, labelFontWeight: 'bold', title: null, labelAnchor: 'start' },
} as const;

/** Presentation attributes give way to a style sheet, which knows the reader's scheme. */
const STYLE = `<style>
text { fill: #1f2328 }
.role-axis-grid line, .role-axis-tick line { stroke: #d8dee4 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.role-axis-grid line, .role-axis-tick line { stroke: #3d444d }
}
</style>`;

async function draw(spec: TopLevelSpec): Promise<string> {
  const [vega, { compile }] = await Promise.all([import('vega'), import('vega-lite')]);
  const view = new vega.View(vega.parse(compile({ ...spec, config: CONFIG }).spec), { renderer: 'none' });
  const svg = await view.toSVG();
  view.finalize();
  // Two decimals are enough for a picture, and the same on every version of the engine.
  const rounded = svg.replace(/-?\d+\.\d{3,}/g, (number) => String(Number(Number(number).toFixed(2))));
  return `${rounded.replace(/(<svg[^>]*>)/, `$1${STYLE}`)}\n`;
}

const NAMES = { labelLimit: 480 } as const;
const COLOUR = { field: 'kind', type: 'nominal', legend: null } as const;

/** A bar for each verdict: the figure as a share of its limit. Left of the line the target is met. */
export function claimsPlot(verdicts: readonly Verdict[]): Promise<string> {
  const values = verdicts.map(({ target, figure, met }) => (
    { claim: target.claim, share: shareOfLimit(figure.median, target.limit), kind: met ? 'met' : 'missed' }));
  return draw({
    data: { values },
    width: 420,
    height: { step: 16 },
    layer: [
      { mark: { type: 'bar', height: 10 },
        encoding: {
          y: { field: 'claim', type: 'nominal', sort: null, title: null, axis: NAMES },
          x: { field: 'share', type: 'quantitative', scale: { type: 'log', domain: [0.02, 50], clamp: true },
            axis: { format: '~g' }, title: 'share of the limit (1: just met)' },
          x2: { datum: 1 },
          color: { ...COLOUR, scale: { domain: ['met', 'missed'], range: [OURS, MISSED] } },
        } },
      { mark: { type: 'rule', color: OTHERS, size: 2 }, encoding: { x: { datum: 1 } } },
    ],
  });
}

/** The contenders of a case beside each other, in each of its headlines. */
export function headlinePlot(result: CaseResult): Promise<string> {
  const metrics = [...new Set([result.headline ?? []].flat().map(({ metric }) => metric))];
  const values = metrics.flatMap((metric) => Object.entries(result.contenders).flatMap(([contender, summary]) => {
    const kind = contender.startsWith('zerocopy') ? 'ours' : 'other';
    return summary[metric] === undefined ? [] : [{ metric, contender, median: summary[metric].median, kind }];
  }));
  const medians = values.map(({ median }) => median);
  const far = Math.min(...medians) > 0 && Math.max(...medians) > 100 * Math.min(...medians);
  return draw({
    data: { values },
    facet: { field: 'metric', type: 'nominal', sort: null },
    columns: 1,
    resolve: { scale: { x: 'independent', y: 'independent' } },
    spec: {
      width: 420,
      height: { step: 20 },
      mark: far ? { type: 'point', filled: true, size: 90 } : { type: 'bar', height: 12 },
      encoding: {
        y: { field: 'contender', type: 'nominal', sort: null, title: null, axis: NAMES },
        x: { field: 'median', type: 'quantitative', title: null, scale: { type: far ? 'log' : 'linear' } },
        color: { ...COLOUR, scale: { domain: ['ours', 'other'], range: [OURS, OTHERS] } },
      },
    },
  });
}

/** A line for each contender over the sizes, both axes logarithmic: a slope of 0 is flat, one of 1 linear. */
export function growthPlot(result: CaseResult): Promise<string> {
  const values = growthsOf(result).flatMap(({ growth: { metric, sizes, unit } }) =>
    Object.entries(result.contenders).flatMap(([contender, summary]) => sizes.flatMap((size) => {
      const median = summary[atSize(metric, size, unit)]?.median;
      return median === undefined || median <= 0 ? [] : [{ metric, contender, size, median }];
    })));
  const unit = result.grows?.[0]?.unit ?? '';
  return draw({
    data: { values },
    facet: { field: 'metric', type: 'nominal', sort: null },
    columns: 1,
    resolve: { scale: { y: 'independent' } },
    spec: {
      width: 420,
      height: 140,
      mark: { type: 'line', point: true },
      encoding: {
        x: { field: 'size', type: 'quantitative', title: unit, scale: { type: 'log' },
          axis: { format: '~s', grid: false } },
        y: { field: 'median', type: 'quantitative', title: null, scale: { type: 'log' } },
        color: { field: 'contender', type: 'nominal', title: null, sort: null,
          scale: { range: [OTHERS, OURS, MISSED] }, legend: { orient: 'bottom', columns: 1, labelLimit: 420 } },
      },
    },
  });
}
