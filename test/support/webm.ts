/** A video that a browser can play and seek in: WebM (https://www.matroska.org/technical/elements.html). */

/** A key frame of VP8, 1 by 1 pixel: what a lossy WebP picture of that size contains. */
const FRAME = Buffer.from('MAEAnQEqAQABAA7A/iWkAANwAAAAAA==', 'base64');

function element(id: string, ...parts: readonly (Buffer | string)[]): Buffer {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(0x0100_0000_0000_0000n | BigInt(content.length)); // a length in eight bytes
  return Buffer.concat([Buffer.from(id, 'hex'), size, content]);
}

function number(id: string, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return element(id, bytes);
}

function double(id: string, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return element(id, bytes);
}

const HEADER = element('1a45dfa3', number('4286', 1), number('42f7', 1), number('42f2', 4), number('42f3', 8),
  element('4282', 'webm'), number('4287', 4), number('4285', 2));
const TRACKS = element('1654ae6b', element('ae', number('d7', 1), number('73c5', 1), number('83', 1),
  element('86', 'V_VP8'), element('e0', number('b0', 1), number('ba', 1))));

/** `seconds` long, a picture for each, which takes about `bytesPerSecond` of the file. */
export function webm(seconds: number, bytesPerSecond: number): Buffer {
  const info = element('1549a966', number('2ad7b1', 1_000_000), double('4489', seconds * 1000),
    element('4d80', 'test'), element('5741', 'test'));
  const block = Buffer.concat([Buffer.from([0x81, 0, 0, 0x80]), FRAME]);
  const filler = element('ec', Buffer.alloc(bytesPerSecond));
  const clusters = Array.from({ length: seconds }, (_, second) =>
    element('1f43b675', number('e7', second * 1000), element('a3', block), filler));
  const cuesFor = (start: number): Buffer => element('1c53bb6b', ...clusters.map((cluster, second) =>
    element('bb', number('b3', second * 1000),
      element('b7', number('f7', 1), number('f1', start + second * cluster.length)))));
  const front = info.length + TRACKS.length;
  const cues = cuesFor(front + cuesFor(0).length); // all numbers have one length
  return Buffer.concat([HEADER, element('18538067', info, TRACKS, cues, ...clusters)]);
}
