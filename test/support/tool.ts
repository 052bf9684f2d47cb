import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/** Where system daemons are, which is not on every user's PATH. */
const MORE_FOLDERS = ['/usr/sbin', '/usr/local/sbin'];

/**
 * The path of a program that a test talks to. Throws when it is missing, and says how to get it: a test that is left
 * out would look like one that passed.
 */
export function requireTool(command: string, debianPackage = command): string {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), ...MORE_FOLDERS];
  const found = folders.map((folder) => path.join(folder, command)).find(isExecutable);
  if (found === undefined) throw new Error(`${command} is missing (Debian: apt-get install ${debianPackage})`);
  return found;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
