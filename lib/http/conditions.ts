/**
 * Conditional requests (RFC 9110 section 13); pure.
 */
/** Those that decide about an answer, as node:http gives them. */
export interface DecidingHeaders {
  readonly 'if-match'?: string | undefined;
  readonly 'if-none-match'?: string | undefined;
  readonly 'if-modified-since'?: string | undefined;
  readonly 'if-unmodified-since'?: string | undefined;
  readonly 'if-range'?: string | undefined;
  readonly 'range'?: string | undefined;
}

/** What a representation can be told by; undefined where options switched it off. */
export interface Validators {
  /** With its quotes. */
  readonly etag: string | undefined;
  /** As Last-Modified says it, and in seconds since 1970. */
  readonly lastModified: string | undefined;
  readonly modifiedSeconds: number;
}

export type Precondition = 'proceed' | 'failed' | 'not-modified';

/** In the order of section 13.2.2, for GET and HEAD of something that exists. */
export function evaluate(headers: DecidingHeaders, validators: Validators): Precondition {
  const ifMatch = headers['if-match'];
  const ifNoneMatch = headers['if-none-match'];
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, validators.etag, false)) return 'failed';
  } else if (isNewer(validators, headers['if-unmodified-since']) === true) return 'failed';
  if (ifNoneMatch !== undefined) return matches(ifNoneMatch, validators.etag, true) ? 'not-modified' : 'proceed';
  return isNewer(validators, headers['if-modified-since']) === false ? 'not-modified' : 'proceed';
}

/**
 * If-Range (section 13.1.5): may the Range header be used? A weak validator never fits, and a date only when it is
 * exactly Last-Modified and that is strong: the file has not changed in the second before now (section 8.8.2.2).
 */
export function rangeApplies(header: string | undefined, validators: Validators, nowSeconds: number): boolean {
  if (header === undefined) return true;
  if (/^\s*(W\/)?"/.test(header)) return !isWeak(header.trim()) && header.trim() === validators.etag;
  const date = parseDate(header);
  return validators.lastModified !== undefined && date === validators.modifiedSeconds && date < nowSeconds;
}

/** Weak comparison ignores W/; in strong comparison what has it equals nothing (section 8.8.3.2). */
function matches(list: string, etag: string | undefined, weak: boolean): boolean {
  if (list.trim() === '*') return true;
  if (etag === undefined || (isWeak(etag) && !weak)) return false;
  for (const [tag] of list.matchAll(/(?:W\/)?"[^"]*"/g)) {
    if (tag === etag || (weak && opaque(tag) === opaque(etag))) return true;
  }
  return false;
}

function isWeak(tag: string): boolean {
  return tag.startsWith('W/');
}

function opaque(tag: string): string {
  return isWeak(tag) ? tag.slice(2) : tag;
}

/** Undefined where there is nothing to compare: no header, no date in it, no Last-Modified. */
function isNewer({ lastModified, modifiedSeconds }: Validators, header: string | undefined): boolean | undefined {
  const date = header === undefined || lastModified === undefined ? undefined : parseDate(header);
  return date === undefined ? undefined : modifiedSeconds > date;
}

const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)';
const TIME = '\\d\\d:\\d\\d:\\d\\d';
/** The three forms of section 5.6.7: the one in use, RFC 850's and asctime's. */
const HTTP_DATE = new RegExp(`^(?:${DAY}, \\d\\d ${MONTH} \\d{4} ${TIME} GMT|` +
  `(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \\d\\d-${MONTH}-\\d\\d ${TIME} GMT|` +
  `${DAY} ${MONTH} [ \\d]\\d ${TIME} \\d{4})$`);

/** Seconds since 1970; undefined for what is no HTTP-date. */
export function parseDate(text: string): number | undefined {
  const date = text.trim();
  if (!HTTP_DATE.test(date)) return undefined;
  const milliseconds = Date.parse(date.endsWith('GMT') ? date : `${date} GMT`);
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000;
}
