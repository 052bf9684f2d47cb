import { spawn } from 'node:child_process';

import { outcomeOf, type ChildOutcome } from './child';

export interface CliOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** Runs the `zerocopy` command itself, its output in pipes, until it ends. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<ChildOutcome> {
  const child = spawn(process.execPath, [require.resolve('#lib/cli'), ...args], {
    cwd: options.cwd, env: { ...process.env, ...options.env }, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  return outcomeOf(child);
}
