/** Looks at one byte of each page of the file that it is given, and prints their sum and its own memory, bytes. */
import { mmap } from 'zerocopy';

import { statusBytes } from './status';

const STEP = 2 ** 26;

using mapping = mmap(process.argv[2]!, { advice: 'sequential' });
let sum = 0;
for (let offset = 0; offset < mapping.byteLength; offset += STEP) {
  const bytes = mapping.asUint8Array(offset, Math.min(STEP, mapping.byteLength - offset));
  for (let at = 0; at < bytes.length; at += 4096) sum += bytes[at]!;
}
console.log(JSON.stringify({ sum, own: statusBytes('RssAnon') }));
