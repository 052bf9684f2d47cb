/**
 * Random programs against every promise of docs/safety.md. Run as
 *
 *   node --expose-gc out/test/lifetime/random-programs.js --seed 1 --programs 100 [--verbose]
 *
 * File k holds nothing but the byte k + 1, and nothing but k + 1 is ever written to it or to a mapping of it. So every
 * byte that is read through a mapping, a view or a raw array of file k, or that arrives where one was written or sent,
 * is k + 1, or 0 once the file has been cut: anything else is memory of somebody else's. The process ends with code 1
 * and the seed of the program when it sees one, and by a signal when we broke the other promise.
 */
import { createHash, webcrypto } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import zlib from 'node:zlib';

import { type Mapping, mmap, sendfile, type MemoryView } from 'zerocopy';

import { randomNumbers } from '../support/random';

const FILES = 6;
const FILE_LENGTH = 256 * 1024;

class ForeignBytes extends Error {}

/** Errors that a program may meet: the contract's own, and Node's for what was detached under its hands. */
const EXPECTED = new Set([
  'ERR_MAPPING_CLOSED', 'ERR_MAPPING_FAULT', 'ERR_VIEW_RELEASED', 'ERR_VIEW_READONLY', 'ERR_OUT_OF_RANGE', 'ERR_SHORT_FILE',
  'ERR_INVALID_STATE', 'ERR_INVALID_ARG_VALUE', 'EFAULT', 'ERR_VIEW_LAYOUT',
]);

interface Thing<T> {
  readonly file: number;
  readonly it: T;
}

class Program {
  readonly #random: () => number;
  readonly #folder: string;
  readonly #cut: boolean[] = Array.from({ length: FILES }, () => false);
  readonly #mappings: Thing<Mapping>[] = [];
  readonly #views: Thing<MemoryView>[] = [];
  readonly #raws: Thing<Uint8Array>[] = [];
  readonly #work: Promise<unknown>[] = [];
  readonly log: string[] = [];
  #outputs = 0;

  constructor(seed: number, folder: string) {
    this.#random = randomNumbers(seed);
    this.#folder = folder;
  }

  async run(steps: number): Promise<void> {
    for (let file = 0; file < FILES; file++) fs.writeFileSync(this.#path(file), Buffer.alloc(FILE_LENGTH, file + 1));
    const names = Object.keys(this.#steps);
    for (let step = 0; step < steps; step++) {
      const name = names[this.#below(names.length)] ?? '';
      this.log.push(name);
      await this.#tolerant(() => this.#steps[name]?.());
      if (this.#random() < 0.15) await turn();
    }
    await Promise.all(this.#work);
  }

  // ---- steps

  readonly #steps: Record<string, () => unknown> = {
    map: () => this.#map(),
    mapAgain: () => this.#map(),
    view: () => this.#of(this.#mappings, (mapping, file) => {
      const offset = this.#below(mapping.byteLength + 1);
      this.#keep(this.#views, file, mapping.view(offset, this.#below(mapping.byteLength - offset + 1)));
    }),
    slice: () => this.#of(this.#views, (view, file) => {
      const start = this.#below(view.length + 1);
      this.#keep(this.#views, file, view.slice(start, start + this.#below(5000), 1 + this.#below(3)));
    }),
    get: () => this.#of(this.#views, (view, file) => {
      if (view.length > 0) this.#check(file, [view.get(this.#below(view.length)) as number], 'get');
    }),
    toBytes: () => this.#of(this.#views, (view, file) => { this.#check(file, view.toBytes(), 'toBytes'); }),
    iterate: () => this.#of(this.#views, (view, file) => { this.#check(file, view.slice(0, 300) as Iterable<number>, 'iterate'); }),
    hex: () => this.#of(this.#views, (view, file) => {
      this.#check(file, Buffer.from(view.slice(0, 500).hex(), 'hex'), 'hex');
    }),
    find: () => this.#of(this.#mappings, (mapping, file) => {
      this.#checkAbsent(file, mapping.indexOf(file + 2), 'indexOf');
      this.#checkAbsent(file, mapping.lastIndexOf(Buffer.alloc(1 + this.#below(300), file + 2)), 'lastIndexOf');
    }),
    findView: () => this.#of(this.#mappings, (mapping) => this.#of(this.#views, (view) => {
      mapping.indexOf(view, this.#below(mapping.byteLength + 1)); // finds or not; either may be cut
    })),
    search: () => this.#of(this.#mappings, (mapping, file) => this.#later(this.#search(mapping, file))),
    lines: () => this.#of(this.#mappings, (mapping, file) => {
      for (const line of mapping.lines({ from: this.#below(mapping.byteLength + 1) })) {
        this.#check(file, line.slice(-300) as Iterable<number>, 'lines');
      }
    }),
    fill: () => this.#of(this.#views, (view, file) => { view.fill(file + 1); }),
    set: () => this.#of(this.#views, (view, file) => {
      if (view.length > 0) view.set(this.#below(view.length), file + 1);
    }),
    raw: () => this.#of(this.#mappings, (mapping, file) => {
      const offset = this.#below(mapping.byteLength + 1);
      this.#keep(this.#raws, file, mapping.asUint8Array(offset, this.#below(mapping.byteLength - offset + 1)));
    }),
    rawOfView: () => this.#of(this.#views, (view, file) => { this.#keep(this.#raws, file, view.asUint8Array()); }),
    readRaw: () => this.#of(this.#raws, (raw, file) => { this.#check(file, raw, 'raw'); }),
    writeRaw: () => this.#of(this.#raws, (raw, file) => { raw.fill(file + 1); }),
    hashRaw: () => this.#of(this.#raws, (raw) => { createHash('sha1').update(raw).digest(); }),
    textRaw: () => this.#of(this.#raws, (raw, file) => {
      this.#check(file, Buffer.from(Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString('latin1'), 'latin1'), 'text');
    }),
    close: () => this.#of(this.#mappings, (mapping) => { mapping.close(); }),
    detach: () => this.#of(this.#mappings, (mapping) => { mapping.close({ detach: true }); }, 0.3),
    release: () => this.#of(this.#views, (view) => { view.release(); }),
    transfer: () => this.#of(this.#raws, (raw, file) => {
      const buffer = raw.buffer as ArrayBuffer & { transfer?: () => ArrayBuffer };
      if (buffer.transfer !== undefined) this.#keep(this.#raws, file, new Uint8Array(buffer.transfer()));
    }),
    clone: () => this.#of(this.#raws, (raw, file) => { this.#check(file, structuredClone(raw.subarray(0, 100)), 'clone'); }),
    cloneTransfer: () => this.#of(this.#raws, (raw) => {
      structuredClone(raw, { transfer: [raw.buffer as ArrayBuffer] });
    }),
    cloneView: () => this.#of(this.#views, (view) => { structuredClone(view); }),
    truncate: () => {
      const file = this.#below(FILES);
      this.#cut[file] = true;
      fs.truncateSync(this.#path(file), this.#below(FILE_LENGTH));
    },
    grow: () => {
      const file = this.#below(FILES);
      fs.writeFileSync(this.#path(file), Buffer.alloc(FILE_LENGTH, file + 1), { flag: 'r+' });
    },
    gc: () => { void globalThis.gc?.(); },
    dropMappings: () => { this.#mappings.splice(this.#below(this.#mappings.length + 1)); },
    dropViews: () => { this.#views.splice(this.#below(this.#views.length + 1)); },
    dropRaws: () => { this.#raws.splice(this.#below(this.#raws.length + 1)); },
    mapAndDrop: () => {
      for (let i = 0; i < 200; i++) {
        const file = this.#below(FILES);
        const mapping = mmap(this.#path(file));
        if (mapping.byteLength > 0) this.#check(file, [mapping.view().get(0) as number], 'mapAndDrop');
        if (i % 3 === 0) mapping.close();
      }
    },
    writeFile: () => this.#of(this.#raws, (raw, file) => this.#later(this.#writeFile(raw, file))),
    readFile: () => this.#of(this.#raws, (raw, file) => this.#later(this.#readFile(raw, file))),
    deflate: () => this.#of(this.#raws, (raw, file) => this.#later(this.#deflate(raw, file))),
    digest: () => this.#of(this.#raws, (raw) => this.#later(webcrypto.subtle.digest('SHA-256', raw as Uint8Array<ArrayBuffer>))),
    flush: () => this.#of(this.#mappings, (mapping) => this.#later(mapping.flush())),
    send: () => this.#of(this.#mappings, (mapping, file) => this.#later(this.#send(mapping, file))),
    worker: () => this.#of(this.#mappings, (mapping, file) => this.#later(this.#worker(mapping, file)), 0.15),
  };

  #map(): void {
    const file = this.#below(FILES);
    const access = (['read', 'write', 'copy'] as const)[this.#below(3)] ?? 'read';
    const size = fs.statSync(this.#path(file)).size;
    const offset = this.#random() < 0.5 ? 0 : this.#below(size + 1);
    this.#keep(this.#mappings, file, mmap(this.#path(file), { access, offset }));
  }

  async #writeFile(raw: Uint8Array, file: number): Promise<void> {
    const output = path.join(this.#folder, `out-${String(this.#outputs++)}`);
    await fs.promises.writeFile(output, raw);
    this.#check(file, await fs.promises.readFile(output), 'writeFile');
  }

  async #readFile(raw: Uint8Array, file: number): Promise<void> {
    const handle = await fs.promises.open(this.#path(file));
    try {
      await handle.read(raw, 0, Math.min(raw.length, 10_000), 0);
    } finally {
      await handle.close();
    }
  }

  #deflate(raw: Uint8Array, file: number): Promise<void> {
    return new Promise((resolve, reject) => {
      zlib.deflate(raw, (error, packed) => {
        try {
          if (error) throw error;
          this.#check(file, zlib.inflateSync(packed), 'deflate');
          resolve();
        } catch (wrong) {
          reject(wrong instanceof Error ? wrong : new Error(String(wrong)));
        }
      });
    });
  }

  async #send(mapping: Mapping, file: number): Promise<void> {
    const output = path.join(this.#folder, `out-${String(this.#outputs++)}`);
    const handle = await fs.promises.open(output, 'w');
    try {
      await sendfile(handle, mapping);
    } finally {
      await handle.close();
      this.#check(file, await fs.promises.readFile(output), 'sendfile');
    }
  }

  async #search(mapping: Mapping, file: number): Promise<void> {
    this.#checkAbsent(file, await mapping.search(Buffer.alloc(1 + this.#below(300), file + 2)), 'search');
  }

  async #worker(mapping: Mapping, file: number): Promise<void> {
    const workerData = { handle: mapping.share(), byte: file + 1, cut: this.#cut[file] };
    const worker = new Worker(WORKER, { eval: true, workerData });
    const failed = new Promise<never>((_, reject) => worker.once('error', reject));
    const wait = new Promise<void>((resolve) => setTimeout(resolve, this.#below(40)));
    await Promise.race([failed, wait]);
    await worker.terminate();
  }

  // ---- checking

  #check(file: number, bytes: Iterable<number>, where: string): void {
    for (const byte of bytes) {
      if (byte === file + 1 || (byte === 0 && this.#cut[file] === true)) continue;
      throw new ForeignBytes(`${where} of file ${String(file)} gave byte ${String(byte)}`);
    }
  }

  /** A byte that the file does not have was looked for. */
  #checkAbsent(file: number, place: number, where: string): void {
    if (place !== -1) throw new ForeignBytes(`${where} in file ${String(file)} found at ${String(place)} what is not there`);
  }

  async #tolerant(step: () => unknown): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#tolerate(error);
    }
  }

  #tolerate(error: unknown): void {
    const { code, name } = error as { code?: string | number; name?: string };
    // Node's own words when what it was writing is detached under its hands.
    const detached = error instanceof Error && /detached|Invalid typed array length: -/.test(error.message);
    if (detached || name === 'DataCloneError' || EXPECTED.has(String(code))) return;
    throw error;
  }

  /** Work whose end nobody waits for until the program does. */
  #later(work: Promise<unknown>): void {
    this.#work.push(work.catch((error: unknown) => { this.#tolerate(error); }));
  }

  // ---- choosing

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #of<T>(things: Thing<T>[], use: (it: T, file: number) => unknown, chance = 1): unknown {
    const thing = things[this.#below(things.length)];
    if (thing === undefined || this.#random() >= chance) return undefined;
    return use(thing.it, thing.file);
  }

  #keep<T>(things: Thing<T>[], file: number, it: T): void {
    things.push({ file, it });
    if (things.length > 30) things.shift();
  }

  #path(file: number): string {
    return path.join(this.#folder, `file-${String(file)}`);
  }
}

const WORKER = `
  const { workerData: { handle, byte, cut } } = require('node:worker_threads');
  const { Mapping } = require('zerocopy');
  const mapping = Mapping.attach(handle);
  const raw = mapping.asUint8Array();
  for (let round = 0; ; round++) {
    for (const seen of raw) if (seen !== byte && seen !== 0) throw new Error('worker saw ' + seen + ', not ' + byte);
    raw.fill(byte);
    if (round === 3) mapping.close();
    if (round % 2 === 0) new Uint8Array(1 << 20);
  }
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      programs: { type: 'string', default: '20' },
      steps: { type: 'string', default: '120' },
      verbose: { type: 'boolean', default: false },
    },
  });
  const first = Number(values.seed);
  for (let seed = first; seed < first + Number(values.programs); seed++) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'zerocopy-random-'));
    const program = new Program(seed, folder);
    try {
      await program.run(Number(values.steps));
    } catch (error) {
      console.error(`seed ${String(seed)}, after ${program.log.slice(-12).join(', ')}`);
      throw error;
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
    if (values.verbose) console.log(`seed ${String(seed)}: ${String(program.log.length)} steps`);
  }
  console.log(`${values.programs} programs from seed ${values.seed}: no signal, no foreign byte`);
}

void main();
