/** A PMTiles archive as its specification (version 3) has it: no package that writes one installs here. */
import { zxyToTileId } from 'pmtiles';

const HEADER_BYTES = 127;
const UNCOMPRESSED = 1;

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
}

/** Tiles by 'z/x/y'; all in the root directory, nothing compressed. */
export function makeTiles(tiles: ReadonlyMap<string, string>): Buffer {
  const entries = [...tiles].map(([name, text]) => {
    const [z, x, y] = name.split('/').map(Number) as [number, number, number];
    return { z, id: zxyToTileId(z, x, y), data: Buffer.from(text) };
  }).sort((a, b) => a.id - b.id);
  const ids = entries.map(({ id }, i) => id - (entries[i - 1]?.id ?? 0));
  // Columns: ids as differences, run lengths, lengths, offsets (0: right behind the tile before).
  const directory = Buffer.from([
    ...varint(entries.length), ...ids.flatMap(varint), ...entries.map(() => 1),
    ...entries.flatMap(({ data }) => varint(data.length)), ...entries.map((_, i) => (i === 0 ? 1 : 0)),
  ]);
  const metadata = Buffer.from(JSON.stringify({ name: 'made by a test' }));
  const data = Buffer.concat(entries.map((entry) => entry.data));
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('PMTiles\x03');
  let at = HEADER_BYTES;
  [directory, metadata, Buffer.alloc(0), data].forEach(({ length }, section) => {
    header.writeBigUInt64LE(BigInt(at), 8 + 16 * section);
    header.writeBigUInt64LE(BigInt(length), 16 + 16 * section);
    at += length;
  });
  for (const field of [72, 80, 88]) header.writeBigUInt64LE(BigInt(entries.length), field);
  const zooms = entries.map(({ z }) => z);
  header.set([1, UNCOMPRESSED, UNCOMPRESSED, 0, Math.min(...zooms), Math.max(...zooms)], 96);
  return Buffer.concat([header, directory, metadata, data]);
}
