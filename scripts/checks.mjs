// What the checks of the packed package share: programs from npm, a command that must succeed, a line for each check.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '..');
export const tools = path.join(root, 'out/tools');

/** A package from npm, also one for another libc, installed once under out/tools; its folder. */
export function tool(specifier) {
  const folder = path.join(tools, specifier.replaceAll(/[@/]/g, '_'));
  const found = path.join(folder, 'node_modules', specifier.replace(/(?<=.)@[^@]*$/, ''));
  if (!existsSync(found)) {
    mkdirSync(folder, { recursive: true });
    const flags = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--force'];
    execFileSync('npm', ['install', '--prefix', folder, ...flags, specifier], { stdio: 'ignore' });
  }
  return found;
}

/** Runs a command to its end; throws, with what it said, unless it succeeds. */
export function run(command, args, options) {
  const result = spawnSync(command, args, { encoding: 'utf8', timeout: 300_000, ...options });
  if (result.status === 0) return result;
  const ending = result.error?.message ?? result.signal ?? `status ${result.status}`;
  throw new Error(`${path.basename(command)} ${args.join(' ')}: ${ending}\n${result.stdout}${result.stderr}`);
}

const words = process.argv.slice(2);
const failures = [];

/**
 * Makes a check whose name has one of the words of the command line, or every one where there are none, and prints its
 * line. `check` answers what to say of it and how long it took; left out, nothing and all of its time.
 */
export function line(name, check) {
  if (words.length > 0 && !words.some((word) => name.includes(word))) return;
  const start = performance.now();
  try {
    const { milliseconds = performance.now() - start, said } = check() ?? {};
    const text = said === undefined ? '' : `: ${said.trim().split('\n').at(-1)}`;
    console.log(`ok     ${(milliseconds / 1000).toFixed(1).padStart(5)} s  ${name}${text}`);
  } catch (error) {
    failures.push(name);
    console.log(`FAILED          ${name}\n${error.message}`);
  }
}

/** Ends the process with status 1 where a check has failed, and says which. */
export function conclude() {
  if (failures.length > 0) console.error(`failed: ${failures.join('; ')}`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}
