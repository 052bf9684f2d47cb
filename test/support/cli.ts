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

/** Puts its arguments' process into a terminal of 100 columns, and what that shows on its own stdout. */
const TERMINAL = `
import os, pty, sys
status = pty.spawn(['/bin/sh', '-c', 'stty cols 100 rows 30; exec "$0" "$@"'] + sys.argv[1:])
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 99)
`;

/** The same in a terminal; what it shows, stdout and stderr together, is `stdout`, its line ends \r\n. */
export function runCliInTerminal(args: readonly string[], options: CliOptions = {}): Promise<ChildOutcome> {
  const { NO_COLOR, FORCE_COLOR, NODE_DISABLE_COLORS, CI, ...env } = process.env;
  void [NO_COLOR, FORCE_COLOR, NODE_DISABLE_COLORS, CI];
  return outcomeOf(spawn('python3', ['-c', TERMINAL, process.execPath, require.resolve('#lib/cli'), ...args], {
    cwd: options.cwd, env: { ...env, TERM: 'xterm-256color', ...options.env }, stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000, killSignal: 'SIGKILL',
  }));
}
