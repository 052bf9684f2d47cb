import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';

export interface RunningServe {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly port: number;
  /** The line that says where. */
  readonly first: string;
  /** All that was printed until now. */
  printed(): string;
  /** Resolves with the exit code and all that was printed. */
  readonly ended: Promise<{ code: number | null; text: string }>;
}

/** `zerocopy serve` in a directory, ready for requests; each is ended with its test. Call inside describe(). */
export function serveCommands(): (cwd: string, ...args: string[]) => Promise<RunningServe> {
  const running: RunningServe[] = [];
  afterEach(async () => {
    for (const { child, ended } of running.splice(0)) {
      child.kill('SIGKILL');
      await ended;
    }
  });
  return async (cwd, ...args) => {
    const started = await start(cwd, args);
    running.push(started);
    return started;
  };
}

async function start(cwd: string, args: readonly string[]): Promise<RunningServe> {
  const child = spawn(process.execPath, [require.resolve('#lib/cli'), 'serve', ...args], { stdio: ['ignore', 'pipe', 'pipe'], cwd });
  let text = '';
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, text }));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const first = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const line = /^.* at .*$/m.exec(text);
      if (line !== null) resolve(line[0]);
    });
    void ended.then(() => reject(new Error(text)));
  });
  return { child, port: Number(/:(\d+)\//.exec(first)![1]), first, ended, printed: () => text };
}
