/** Which of the precompressed files a client takes (RFC 9110 section 12.5.3); pure. */
import Negotiator from 'negotiator';

/** Content codings, and what a file that has them is called; the best first. */
export const ENCODINGS = { br: '.br', zstd: '.zst', gzip: '.gz' } as const;
export type Encoding = keyof typeof ENCODINGS;

/** Browsers send very few different ones. */
const REMEMBERED = 100;

/** By Accept-Encoding. */
export type Preference = (acceptEncoding: string | undefined) => readonly Encoding[];

/** Answers which of `available` a client prefers, best first, until it would rather have the file as it is. */
export function encodingsFor(available: readonly Encoding[]): Preference {
  const known = new Map<string, readonly Encoding[]>();
  return (header = '') => {
    const present = known.get(header);
    if (present !== undefined) return present;
    const preferred = negotiate(header, available);
    if (known.size >= REMEMBERED) known.clear();
    known.set(header, preferred);
    return preferred;
  };
}

// Its types are those of an older release.
type Encodings = (available: readonly string[], options: { preferred: readonly string[] }) => string[];

function negotiate(header: string, available: readonly Encoding[]): readonly Encoding[] {
  // An old name for the same (RFC 9110 section 8.4.1.3).
  const accepted = header.replace(/(?<=^|[\s,])x-gzip(?=$|[\s,;])/gi, 'gzip');
  const negotiator = new Negotiator({ headers: { 'accept-encoding': accepted } });
  const all = [...available, 'identity'];
  const sorted = (negotiator.encodings as Encodings).call(negotiator, all, { preferred: all });
  const identity = sorted.indexOf('identity');
  return (identity < 0 ? sorted : sorted.slice(0, identity)) as Encoding[];
}
