/** Quantities as people read them. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** Three figures and a unit: '0 B', '1.50 KiB', '23.4 GiB'. */
export function formatBytes(bytes: number): string {
  let scaled = bytes;
  let unit = 0;
  for (; scaled >= 999.5 && unit < UNITS.length - 1; unit++) scaled /= 1024;
  const digits = unit === 0 || scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : 2;
  return `${scaled.toFixed(digits)} ${UNITS[unit] ?? ''}`;
}

/** '52.3 %'; '100.0 %' is all, and '0.0 %' nothing, whatever rounding would say. */
export function formatShare(part: number, whole: number): string {
  if (part === 0 || part === whole) return part === 0 ? '0.0 %' : '100.0 %';
  return `${Math.min(99.9, Math.max(0.1, (part / whole) * 100)).toFixed(1)} %`;
}

/** A name that cannot move the cursor, nor do anything else to a terminal. */
export function printable(name: string): string {
  return name.replace(/\p{Cc}/gu, '?');
}
