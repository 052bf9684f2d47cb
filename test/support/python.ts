import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** A Python that has a module: the first on PATH, or Debian's own. */
export function pythonWith(module: string, debianPackage: string): string {
  const pythons = ['python3', '/usr/bin/python3'].filter((python) => python === 'python3' || existsSync(python));
  const found = pythons.find((python) => spawnSync(python, ['-c', `import ${module}`]).status === 0);
  if (found === undefined) throw new Error(`Python's ${module} is missing (Debian: apt-get install ${debianPackage})`);
  return found;
}

/** Runs a program; what it has printed. */
export function runPython(python: string, source: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(python, ['-c', source, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${python} ended with ${String(status)}: ${stderr}`);
  return stdout;
}
