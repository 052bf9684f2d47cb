/** Requests of one connection, as text, and what came back, parsed strictly. */
import { parseResponses, rawExchange } from './network';

export interface Answer {
  readonly status: number;
  /** By name in lower case; what came twice is joined by ', '. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** A method and a target, 'GET /' or '/', and headers. */
export type Question = readonly [target: string, headers?: Readonly<Record<string, string>>];

function requestText([target, headers = {}]: Question, isLast: boolean): string {
  const line = target.includes(' ') ? target : `GET ${target}`;
  const lines = Object.entries({ Host: 'x', ...headers, ...(isLast ? { Connection: 'close' } : {}) });
  return `${line} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

/** Sends all at once, pipelined, on one connection; fails when there is a byte more or less than was announced. */
export async function askAll(port: number, questions: readonly Question[]): Promise<Answer[]> {
  const text = questions.map((question, i) => requestText(question, i === questions.length - 1)).join('');
  const bytes = await rawExchange(port, text);
  const methods = questions.map(([target]) => (target.startsWith('HEAD ') ? 'HEAD' : 'GET'));
  // A 304 announces no length, and has no body: parsed as none.
  const { responses, rest } = parseResponses(bytes, methods);
  if (rest.length > 0 || responses.length !== questions.length) {
    throw new Error(`${String(responses.length)} answers to ${String(questions.length)} questions, and ${String(rest.length)} bytes more`);
  }
  return responses.map(({ head, body }) => {
    const [first = '', ...lines] = head.split('\r\n');
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const at = line.indexOf(':');
      const name = line.slice(0, at).toLowerCase();
      headers[name] = name in headers ? `${headers[name]!}, ${line.slice(at + 2)}` : line.slice(at + 2);
    }
    return { status: Number(first.split(' ')[1]), headers, body };
  });
}

export async function ask(port: number, target: string, headers?: Readonly<Record<string, string>>): Promise<Answer> {
  const [answer] = await askAll(port, [headers === undefined ? [target] : [target, headers]]);
  return answer!;
}
