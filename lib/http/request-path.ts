/**
 * From the target of a request to a path below the document root; pure. The kernel has the last word on where a path
 * leads (document-root.ts); what is refused here is refused early, and on every system.
 */
import path from 'node:path';

/** Relative to the root, '/' between names, none of them '.', '..' or empty; '' is the root itself. */
export interface RequestPath {
  readonly path: string;
  /** It ended in a slash (or '/.'): a directory is meant. */
  readonly isDirectory: boolean;
  /** One of the names begins with a dot. */
  readonly isHidden: boolean;
}

/** The status of a refusal: 400 when it cannot be understood, 403 when it leads above the root. */
export type Refusal = 400 | 403;

const ABSOLUTE_FORM = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i;

/** The path of a request target (RFC 9112 section 3.2), percent-encoded as it came, and what stands behind it. */
export function splitTarget(target: string): { pathname: string; search: string } {
  const local = target.startsWith('/') ? target : target.replace(ABSOLUTE_FORM, '');
  const end = local.search(/[?#]/);
  const pathname = end < 0 ? local : local.slice(0, end);
  const search = end < 0 || local[end] === '#' ? '' : local.slice(end).replace(/#.*$/s, '');
  return { pathname: pathname === '' ? '/' : pathname, search };
}

/** Decodes once and resolves dot segments (RFC 3986 section 5.2.4), as nginx and send do. */
export function requestPath(pathname: string): RequestPath | Refusal {
  const decoded = decode(pathname);
  if (decoded === undefined || !decoded.startsWith('/') || decoded.includes('\0')) return 400;
  // There these separate too, and 'C:x' and 'name:stream' lead elsewhere.
  if (path.sep === '\\' && /[\\:]/.test(decoded)) return 400;
  const names: string[] = [];
  for (const name of decoded.split('/')) {
    if (name === '..' && names.pop() === undefined) return 403;
    if (name !== '' && name !== '.' && name !== '..') names.push(name);
  }
  return {
    path: names.join('/'),
    isDirectory: /(^|\/)\.{0,2}$/.test(decoded),
    isHidden: names.some((name) => name.startsWith('.')),
  };
}

/** Undefined for what is no UTF-8 or a broken escape. Node gives bytes beyond ASCII as Latin-1. */
function decode(pathname: string): string | undefined {
  try {
    return decodeURIComponent(escapeBytes(pathname));
  } catch {
    return undefined;
  }
}

function escapeBytes(text: string): string {
  return text.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`);
}

/**
 * The same place with a slash at its end, to be sent as Location: on this server whatever was asked for
 * ('//evil.example' and '/\evil.example' would name another), and nothing in it but what may stand in a URL.
 */
export function withTrailingSlash(target: string): string {
  const { pathname, search } = splitTarget(target);
  const local = `${pathname}/`.replace(/^[/\\]*/, '/');
  return `${local}${search}`.replace(/[^!#$&'()*+,\-./\w:;=?@[\]~%]/g, (character) =>
    `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}
