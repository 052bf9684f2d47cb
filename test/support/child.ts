import { spawn, type ChildProcess } from 'node:child_process';

export interface ChildOutcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ChildOptions {
  /** For node, before the script. --expose-gc is always there. */
  readonly nodeArguments?: readonly string[];
  /** For the script: process.argv from 1 on. */
  readonly arguments?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly timeoutMs?: number;
  /** What sh does first, as 'ulimit -l 64'. */
  readonly limits?: string;
}

/**
 * Runs CommonJS source in a Node of its own, for what may kill the process: `zerocopy` in it is this package, `native`
 * its addon. A child that does not end in time is killed, and its signal says so.
 */
export function runInChild(source: string, options: ChildOptions = {}): Promise<ChildOutcome> {
  const prelude = `'use strict'; const zerocopy = require('zerocopy'); const { native } = require('#lib/native');\n`;
  const nodeArguments = ['--expose-gc', ...(options.nodeArguments ?? []), '-e', prelude + source, '--'];
  const shell = options.limits === undefined ? [] : ['/bin/sh', '-c', `${options.limits}; exec "$0" "$@"`];
  const [command = '', ...args] = [...shell, process.execPath, ...nodeArguments, ...(options.arguments ?? [])];
  const child = spawn(command, args, {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? 60_000,
    killSignal: 'SIGKILL',
  });
  return outcomeOf(child);
}

/** How a child ends, and all that it wrote until then. */
export function outcomeOf(child: ChildProcess): Promise<ChildOutcome> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve({ code, signal, stdout, stderr });
    });
  });
}

/**
 * An environment in which a sanitizer does not look for leaks: process.exit() leaves the engine's heap behind, and
 * under strace, which uses ptrace(2) too, the search fails.
 */
export function withoutLeakCheck(): NodeJS.ProcessEnv {
  return { ...process.env, ASAN_OPTIONS: `${process.env['ASAN_OPTIONS'] ?? ''}:detect_leaks=0` };
}
