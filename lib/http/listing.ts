/** The page that shows what is in a directory. */
import fs from 'node:fs';
import path from 'node:path';

import { isOsFailure } from '../errors';
import type { DocumentRoot } from './document-root';
import { escapeHtml, type Page } from './pages';
import type { RequestPath } from './request-path';

interface Entry {
  readonly name: string;
  readonly isDirectory: boolean;
}

/**
 * The names in the directory `target`, those that begin with a dot left out; undefined when it is none that may be
 * shown. What is listed is the directory that was opened.
 */
export async function listingPage(root: DocumentRoot, target: RequestPath): Promise<Page | undefined> {
  if (!target.isDirectory || target.isHidden) return undefined;
  const opened = await root.open(target.path, performance.now());
  if (isOsFailure(opened)) return undefined;
  try {
    if (!opened.isDirectory) return undefined;
    const entries = await fs.promises.readdir(pathOf(root, target, opened.fd), { withFileTypes: true });
    return pageOf(target.path, entries.map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() })));
  } catch {
    return undefined;
  } finally {
    opened.close();
  }
}

/** Node reads directories by path. Linux has one for what is open, whatever was renamed meanwhile. */
function pathOf(root: DocumentRoot, target: RequestPath, fd: number): string {
  return process.platform === 'linux' ? `/proc/self/fd/${String(fd)}` : path.join(root.path, target.path);
}

const STYLE = 'body{font:16px/1.6 system-ui,sans-serif;margin:2em}ul{list-style:none;padding:0}a{text-decoration:none}';

function pageOf(place: string, entries: readonly Entry[]): Page {
  const shown = entries.filter(({ name }) => !name.startsWith('.')).sort(byKindAndName);
  const up = place === '' ? [] : [{ name: '..', isDirectory: true }];
  const title = `/${place}`;
  const body = `<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>${escapeHtml(title)}</title>` +
    `<meta name="viewport" content="width=device-width"><style>${STYLE}</style></head>\n` +
    `<body>\n<h1>${escapeHtml(title)}</h1>\n<ul>\n${[...up, ...shown].map(lineOf).join('')}</ul>\n</body>\n</html>\n`;
  const headers = [
    'Content-Type', 'text/html; charset=utf-8', 'Content-Length', String(Buffer.byteLength(body)),
    'Cache-Control', 'no-cache', 'X-Content-Type-Options', 'nosniff',
    'Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'",
  ];
  return { status: 200, headers, body };
}

function byKindAndName(a: Entry, b: Entry): number {
  if (a.isDirectory !== b.isDirectory) return a.isDirectory ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}

/** With './' before it: 'javascript:x' and '//host' are names like others. */
function lineOf({ name, isDirectory }: Entry): string {
  const slash = isDirectory ? '/' : '';
  // A name that is no UTF-8 reads with replacement characters, and cannot be asked for.
  return `<li><a href="./${escapeHtml(encodeURIComponent(name))}${slash}">${escapeHtml(name)}${slash}</a></li>\n`;
}
