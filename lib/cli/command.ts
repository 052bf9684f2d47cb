/** What a command of `zerocopy` is: a file of this folder, a line in the table of cli.ts. */
import type { ParseArgsConfig } from 'node:util';

/** Of long options, by name; a string of '--port 8080', true of '--quiet'. */
export type OptionValues = Readonly<Record<string, string | boolean | undefined>>;

export interface Command {
  /** One line, for `zerocopy --help`. */
  readonly summary: string;
  /** What `zerocopy COMMAND --help` prints: operands and options as they follow its name, then lines about them. */
  readonly help: string;
  /** As util.parseArgs() takes them; --help and -h are there already. */
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** Resolves with the exit code; 0 when all went well. */
  run(operands: readonly string[], values: OptionValues): Promise<number>;
}

/** The command line cannot be understood: a line on stderr, and exit code 2. */
export class UsageError extends Error {}
