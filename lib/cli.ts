#!/usr/bin/env node
/**
 * The `zerocopy` command. Exit codes: 0 all went well, 1 something failed (said on stderr), 2 the command line makes no
 * sense.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { cache } from './cli/cache';
import { UsageError, type Command } from './cli/command';
import { serve } from './cli/serve';

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['cache', cache],
  ['serve', serve],
]);

function version(): string {
  const text = readFileSync(path.join(__dirname, '../package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function help(): string {
  const width = Math.max(...[...COMMANDS.keys()].map((name) => name.length));
  const lines = [...COMMANDS].map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `Usage: zerocopy COMMAND [--help]\n       zerocopy --help | --version\n\n${lines.join('\n')}\n`;
}

async function runCommand(name: string, command: Command, args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args], allowPositionals: true, options: { ...command.options, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help === true) {
    process.stdout.write(`Usage: zerocopy ${name} ${command.help}`);
    return 0;
  }
  return command.run(positionals, values);
}

async function main(first: string | undefined, rest: readonly string[]): Promise<number> {
  if (first === '--help' || first === '-h') process.stdout.write(help());
  else if (first === '--version' || first === '-v') process.stdout.write(`${version()}\n`);
  else {
    if (first === undefined) throw new UsageError('a command is missing');
    const command = COMMANDS.get(first);
    if (command === undefined) throw new UsageError(`'${first}' is no command`);
    return runCommand(first, command, rest);
  }
  return 0;
}

/** What parseArgs() throws names the option and says what to do. */
function isUsageError(error: unknown): error is Error {
  const code = (error as { code?: unknown } | null)?.code;
  return error instanceof UsageError || (typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS_'));
}

function exitCodeOf(error: unknown, command: string | undefined): number {
  if (isUsageError(error)) {
    const name = command !== undefined && COMMANDS.has(command) ? `zerocopy ${command}` : 'zerocopy';
    process.stderr.write(`${name}: ${error.message}\nTry '${name} --help'.\n`);
    return 2;
  }
  process.stderr.write(`zerocopy: ${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
}

// The reader of our output may close the pipe early: `zerocopy cache * | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const [first, ...rest] = process.argv.slice(2);
main(first, rest).then(
  (code) => { process.exitCode = code; },
  (error: unknown) => { process.exitCode = exitCodeOf(error, first); },
);
