/** Which pages of a file are in memory: counted a part at a time, and drawn. */
import type { Mapping } from '../mapping/mapping';

/** A file in cells of equal length. */
export interface PagePicture {
  /** Bytes in memory; the last page counts as far as the file reaches. */
  readonly resident: number;
  /** Of each cell, the part of its pages that is in memory: 0 to 1. */
  readonly cells: readonly number[];
}

/** Bytes looked at in one call: a TiB has a map of 256 MiB, which nobody needs at once. */
const PART = 2 ** 30;

/** At most `cells` cells: fewer when the file has not so many pages. `mapping` begins where its file does. */
export function pictureOf(mapping: Mapping, cells: number): PagePicture {
  const { pageSize } = mapping.residency({ length: 0 });
  const { byteLength } = mapping;
  const pages = Math.ceil(byteLength / pageSize);
  const count = Math.min(cells, pages);
  const inMemory = new Array<number>(count).fill(0);
  const all = new Array<number>(count).fill(0);
  let resident = 0;
  for (let offset = 0; offset < byteLength; offset += PART) {
    const { map } = mapping.residency({ offset, length: Math.min(PART, byteLength - offset) });
    const first = offset / pageSize;
    for (let page = 0; page < map.length; page++) {
      const cell = Math.floor(((first + page) * count) / pages);
      all[cell] = (all[cell] as number) + 1;
      if (map[page] !== 1) continue;
      inMemory[cell] = (inMemory[cell] as number) + 1;
      resident += Math.min(pageSize, byteLength - (first + page) * pageSize);
    }
  }
  return { resident, cells: inMemory.map((one, cell) => one / (all[cell] as number)) };
}

const SHADES = ['·', '░', '▒', '▓', '█'] as const;
const GREEN = '\u001b[32m';
const YELLOW = '\u001b[33m';
const DIM = '\u001b[2m';
const PLAIN = '\u001b[0m';

/** `█` is all, `·` nothing, and whatever is a little of each lies between. */
function shadeOf(share: number): string {
  const between = 1 + Math.min(2, Math.floor(share * 3));
  return SHADES[share === 0 ? 0 : share === 1 ? 4 : between] as string;
}

function colourOf(shade: string): string {
  if (shade === SHADES[4]) return GREEN;
  return shade === SHADES[0] ? DIM : YELLOW;
}

/** One line; with colours each run of cells alike has one. */
export function drawCells(cells: readonly number[], colours: boolean): string {
  const line = cells.map(shadeOf).join('');
  return colours ? line.replace(/(.)\1*/gu, (run, shade: string) => `${colourOf(shade)}${run}${PLAIN}`) : line;
}
