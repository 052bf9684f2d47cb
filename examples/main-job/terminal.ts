/** Text for people: units, tables, one line of progress. The benchmark runner speaks so too. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** '512 B', '1.00 GiB': three figures and a binary unit. */
export function bytes(count: number): string {
  let unit = 0;
  let value = count;
  while (Math.abs(value) >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? String(value) : threeFigures(value)} ${UNITS[unit]!}`;
}

export function milliseconds(ms: number): string {
  return ms >= 10_000 ? `${threeFigures(ms / 1000)} s` : `${threeFigures(ms)} ms`;
}

/** As many decimals as make three figures, and a comma between thousands. */
export function threeFigures(value: number): string {
  const size = Math.abs(value);
  const decimals = size >= 99.95 || size === 0 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
  return value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** Rows under each other; the first column to the left, the others to the right, rows of one cell as they are. */
export function table(rows: readonly (readonly string[])[], indent = ''): string {
  const cells = rows.filter((row) => row.length > 1);
  const columns = Math.max(0, ...cells.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...cells.map((row) => (row[i] ?? '').length)));
  const line = (row: readonly string[]) => row.length === 1
    ? row[0]!
    : row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  return rows.map((row) => (indent + line(row)).trimEnd()).join('\n');
}

const BAR = 24;
const ERASE_LINE = '\r\x1b[2K';

/** One line that says how far it is, on a terminal; in a pipe it says nothing. */
export class Progress {
  readonly #title: string;
  readonly #stream = process.stderr;
  #shown = 0;

  constructor(title: string) {
    this.#title = title;
  }

  /** `done` and `total` in the same unit; `note` stands behind. Cheap enough to be called often. */
  update(done: number, total: number, note = ''): void {
    const now = performance.now();
    if (!this.#stream.isTTY || now - this.#shown < 50) return;
    this.#shown = now;
    const part = total > 0 ? Math.min(1, done / total) : 1;
    const full = Math.round(part * BAR);
    const bar = '█'.repeat(full) + '░'.repeat(BAR - full);
    const percent = `${String(Math.floor(part * 100)).padStart(3)} %`;
    this.#stream.write(`${ERASE_LINE}${`${this.#title}  ${bar} ${percent}  ${note}`.slice(0, this.#stream.columns - 1)}`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#stream.isTTY && this.#shown > 0) this.#stream.write(ERASE_LINE);
    this.#shown = 0;
  }
}
