/**
 * Keeps what is written to an output later behind what is being sent now, where no place in the queue can be had yet:
 * while a path is being opened, and while a fall-back writes piece by piece. Calls of `write` and `end` are kept and
 * made when it is over.
 */
interface Output {
  write(...args: unknown[]): boolean;
  end(...args: unknown[]): unknown;
  emit(event: 'drain'): boolean;
  readonly writableNeedDrain?: boolean;
}

/** Our own shadows that let everything pass by now, and what was there before them. */
const passed = new WeakMap<object, PropertyDescriptor | undefined>();

function withoutPassed(found: PropertyDescriptor | undefined): PropertyDescriptor | undefined {
  const method = found?.value as object | undefined;
  return method !== undefined && passed.has(method) ? withoutPassed(passed.get(method)) : found;
}

/** The newest of each output, and when it is over. */
const newest = new WeakMap<object, Promise<void>>();

export class LaterWrites {
  /** Settles when those of the same output that came before are over. */
  readonly turn: Promise<void>;
  /** The output's own `write`, for the transfer itself. */
  readonly write: Output['write'];
  readonly #output: Output;
  readonly #calls: (() => void)[] = [];
  readonly #restore: (() => void)[] = [];
  #released = false;
  #toldToWait = false;
  #endTurn: () => void = () => undefined;

  constructor(output: object) {
    this.turn = newest.get(output) ?? Promise.resolve();
    newest.set(output, new Promise((resolve) => { this.#endTurn = resolve; }));
    this.#output = output as Output;
    this.write = this.#output.write.bind(output);
    const end = this.#output.end.bind(output);
    this.#shadow('write', (...args) => {
      if (this.#released) return this.write(...args);
      this.#calls.push(() => { this.write(...args); });
      this.#toldToWait = true;
      return false;
    });
    this.#shadow('end', (...args) => {
      if (this.#released) return end(...args);
      this.#calls.push(() => { end(...args); });
      return output;
    });
  }

  /** Makes the calls that were kept, in order; later ones go straight through. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    for (const restore of this.#restore) restore();
    for (const call of this.#calls) call();
    // Those that were told to wait go on at 'drain', which the output itself has no reason to emit.
    if (this.#toldToWait && !this.#output.writableNeedDrain) this.#output.emit('drain');
    this.#endTurn();
  }

  #shadow(name: 'write' | 'end', method: (...args: unknown[]) => unknown): void {
    const before = Object.getOwnPropertyDescriptor(this.#output, name);
    Object.defineProperty(this.#output, name, { value: method, configurable: true, writable: true, enumerable: false });
    this.#restore.push(() => {
      passed.set(method, before);
      // Somebody else shadowed it since: then ours stays below theirs.
      if (Object.getOwnPropertyDescriptor(this.#output, name)?.value !== method) return;
      const rest = withoutPassed(before);
      if (rest === undefined) Reflect.deleteProperty(this.#output, name);
      else Object.defineProperty(this.#output, name, rest);
    });
  }
}
