/** The options of serveFiles(), checked, with their defaults. */
import type http from 'node:http';
import type fs from 'node:fs';

import { invalidArgType, invalidArgValue, outOfRange } from '../errors';
import { SYMLINKS } from '../native';
import { oneOf, optionalBoolean, optionalFunction, optionalWholeNumber, optionsObject } from '../validate';
import { ENCODINGS, type Encoding } from './encodings';

/** serve-static's options, with the same names and defaults, and some of our own. */
export interface ServeFilesOptions {
  /** What stands for a directory: a file's name, several to be tried in turn, or false. Default 'index.html'. */
  readonly index?: string | readonly string[] | false;
  /** Names that begin with a dot: as if they were not there, 403, or as any other. Default 'ignore'. */
  readonly dotfiles?: 'ignore' | 'deny' | 'allow';
  /** Tried in turn when there is no file of the name and the name has no extension: ['html']. Default false. */
  readonly extensions?: string | readonly string[] | false;
  /** Cache-Control's max-age: milliseconds, or a number with one of ms s m h d w y, as '30 days' or '1d'. Default 0. */
  readonly maxAge?: number | string;
  /** Adds `immutable` to Cache-Control. Default false. */
  readonly immutable?: boolean;
  /** Sends a strong ETag. Default true. */
  readonly etag?: boolean;
  /** Sends Last-Modified. Default true. */
  readonly lastModified?: boolean;
  /** Takes Range and sends Accept-Ranges. Default true. */
  readonly acceptRanges?: boolean;
  /**
   * Sends `name.br`, `name.zst` or `name.gz` instead of `name` to clients that accept it; among equally preferred ones,
   * the first. Default false.
   */
  readonly precompressed?: false | readonly Encoding[];
  /** Called before the head is made; what it sets stands. `path` is absolute, `stats` are of the open file. */
  readonly setHeaders?: (response: http.ServerResponse, path: string, stats: fs.Stats) => void;
  /** Calls next() for what is not here instead of answering. Default true. Without a next it answers. */
  readonly fallthrough?: boolean;
  /** Sends a directory's name to the name with a slash. Default true. */
  readonly redirect?: boolean;
  /** Links may lead to what is within the root, anywhere, or nowhere. Default 'within'. */
  readonly symlinks?: 'within' | 'follow' | 'deny';
  /** How many files are kept open for the next request. Default 256. */
  readonly maxOpenFiles?: number;
  /** How long what is known of a file is believed without looking, milliseconds. Default 1000. */
  readonly revalidate?: number;
}

export interface Settings {
  readonly index: readonly string[];
  readonly dotfiles: 'ignore' | 'deny' | 'allow';
  /** With their dots. */
  readonly extensions: readonly string[];
  readonly cacheControl: string;
  readonly etag: boolean;
  readonly lastModified: boolean;
  readonly acceptRanges: boolean;
  readonly precompressed: readonly Encoding[];
  readonly setHeaders: ServeFilesOptions['setHeaders'];
  readonly fallthrough: boolean;
  readonly redirect: boolean;
  readonly symlinks: 'within' | 'follow' | 'deny';
  readonly maxOpenFiles: number;
  readonly revalidate: number;
}

const NAMES = [
  'index', 'dotfiles', 'extensions', 'maxAge', 'immutable', 'etag', 'lastModified', 'acceptRanges', 'precompressed',
  'setHeaders', 'fallthrough', 'redirect', 'symlinks', 'maxOpenFiles', 'revalidate',
];
const MAX_OPEN_FILES = 256;
const REVALIDATE_MS = 1000;

/** Throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, naming the option. */
export function readOptions(options: ServeFilesOptions | undefined): Settings {
  const given = optionsObject(options, 'options', NAMES);
  const maxAge = readMaxAge(given.maxAge);
  const immutable = optionalBoolean(given.immutable, 'options.immutable', false);
  return {
    index: fileNames(given.index, 'options.index', ['index.html']),
    dotfiles: oneOf(given.dotfiles, 'options.dotfiles', ['ignore', 'deny', 'allow'], 'ignore'),
    extensions: fileNames(given.extensions, 'options.extensions', []).map((name) => name.replace(/^\.?/, '.')),
    cacheControl: `public, max-age=${String(maxAge)}${immutable ? ', immutable' : ''}`,
    etag: optionalBoolean(given.etag, 'options.etag', true),
    lastModified: optionalBoolean(given.lastModified, 'options.lastModified', true),
    acceptRanges: optionalBoolean(given.acceptRanges, 'options.acceptRanges', true),
    precompressed: readEncodings(given.precompressed),
    setHeaders: optionalFunction(given.setHeaders, 'options.setHeaders'),
    fallthrough: optionalBoolean(given.fallthrough, 'options.fallthrough', true),
    redirect: optionalBoolean(given.redirect, 'options.redirect', true),
    symlinks: oneOf(given.symlinks, 'options.symlinks', SYMLINKS, 'within'),
    maxOpenFiles: optionalWholeNumber(given.maxOpenFiles, 'options.maxOpenFiles', MAX_OPEN_FILES),
    revalidate: optionalWholeNumber(given.revalidate, 'options.revalidate', REVALIDATE_MS),
  };
}

function fileNames(value: unknown, name: string, fallback: readonly string[]): readonly string[] {
  if (value === undefined) return fallback;
  if (value === false) return [];
  const names: unknown[] = Array.isArray(value) ? value : [value];
  return names.map((text) => {
    if (typeof text !== 'string') throw invalidArgType(name, 'of type string, an array of strings, or false', text);
    // Each belongs to the file's own directory.
    if (text === '' || text === '..' || /[/\\\0]/.test(text)) throw invalidArgValue(name, text, 'must be a name, without a slash');
    return text;
  });
}

function readEncodings(value: unknown): readonly Encoding[] {
  if (value === undefined || value === false) return [];
  if (!Array.isArray(value)) throw invalidArgType('options.precompressed', 'false or an array', value);
  const known = Object.keys(ENCODINGS) as Encoding[];
  return value.map((encoding: unknown) => oneOf(encoding, 'options.precompressed', known));
}

/** A year, as RFC 2616 had it for what never changes. */
const LONGEST_AGE = 365 * 24 * 60 * 60;
const UNITS: Readonly<Record<string, number>> = {
  ms: 1 / 1000, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800, y: 31_557_600,
};
const AGE = /^(\d+(?:\.\d+)?) *(?:(ms|milliseconds?)|(s|secs?|seconds?)|(m|mins?|minutes?)|(h|hrs?|hours?)|(d|days?)|(w|weeks?)|(y|yrs?|years?))?$/i;

/** Seconds. */
function readMaxAge(value: unknown): number {
  if (value === undefined) return 0;
  if (typeof value === 'number') {
    if (!(value >= 0)) throw outOfRange('options.maxAge', 'a number of milliseconds >= 0', value);
    return Math.floor(Math.min(value / 1000, LONGEST_AGE));
  }
  if (typeof value !== 'string') throw invalidArgType('options.maxAge', 'of type number or string', value);
  const [, amount, ...units] = (AGE.exec(value) ?? []) as (string | undefined)[];
  if (amount === undefined) throw invalidArgValue('options.maxAge', value, "must be milliseconds, or a number and one of ms s m h d w y, as in '1d'");
  const unit = Object.keys(UNITS)[units.findIndex((found) => found !== undefined)] ?? 'ms';
  return Math.floor(Math.min(Number(amount) * (UNITS[unit] ?? 0), LONGEST_AGE));
}
