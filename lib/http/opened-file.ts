import fs from 'node:fs';

import { FACTS } from '../native';

const { S_IFMT, S_IFREG, S_IFDIR } = fs.constants;

/** A descriptor, which is its holder's to close, and what was known of the file when it was opened. */
export class OpenedFile {
  readonly fd: number;
  /** By FACTS. */
  readonly facts: Float64Array;
  readonly #end: (fd: number) => unknown;

  /** `end` is the close() that belongs to how it was opened. */
  constructor(fd: number, facts: Float64Array, end: (fd: number) => unknown) {
    this.fd = fd;
    this.facts = facts;
    this.#end = end;
  }

  get isRegular(): boolean {
    return this.#kind === S_IFREG;
  }

  get isDirectory(): boolean {
    return this.#kind === S_IFDIR;
  }

  /** Once. */
  close(): void {
    this.#end(this.fd);
  }

  get #kind(): number {
    return (this.facts[FACTS.mode] ?? 0) & S_IFMT;
  }
}
