/** Small pages of our own: refusals and redirects. They say what happened and name no path of this machine; pure. */
import { STATUS_CODES } from 'node:http';

export interface Page {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: string;
}

const HTML_CHARACTERS: Readonly<Record<string, string>> = {
  '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => HTML_CHARACTERS[character] ?? character);
}

export function statusText(status: number): string {
  return STATUS_CODES[status] ?? String(status);
}

export function errorPage(status: number, headers: readonly string[] = []): Page {
  return page(status, `${String(status)} ${statusText(status)}`, statusText(status), headers);
}

export function redirectPage(location: string): Page {
  return page(301, 'Moved', `Moved to ${location}`, ['Location', location]);
}

/** `text` is shown as it is. */
function page(status: number, title: string, text: string, more: readonly string[]): Page {
  const body = '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">' +
    `<title>${escapeHtml(title)}</title></head>\n<body><p>${escapeHtml(text)}</p></body>\n</html>\n`;
  const headers = [
    'Content-Type', 'text/html; charset=utf-8', 'Content-Length', String(Buffer.byteLength(body)),
    'Content-Security-Policy', "default-src 'none'", 'X-Content-Type-Options', 'nosniff', ...more,
  ];
  return { status, headers, body };
}
