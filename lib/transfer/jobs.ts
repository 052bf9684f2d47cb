/**
 * Jobs of the pump, and who waits for them. One pump per thread of JavaScript, made with the first job.
 */
import { valueOrThrow, type OsFailure } from '../errors';
import { native, type Outcome } from '../native';

const waiting = new Map<number, (outcome: Outcome) => void>();
let listening = false;

function deliver(): void {
  for (const outcome of native.takeFinished()) {
    const settle = waiting.get(outcome.id);
    waiting.delete(outcome.id);
    settle?.(outcome);
  }
}

/** Whether this system has a pump. */
export function hasPump(): boolean {
  return process.platform === 'linux';
}

/**
 * A job: `id` to ask for progress and to cancel, `outcome` when it has ended. Throws the system error of a start that
 * failed.
 */
export function startJob(start: () => number | OsFailure): { id: number; outcome: Promise<Outcome> } {
  if (!listening) valueOrThrow(native.onTransfersFinished(deliver));
  listening = true;
  const id = valueOrThrow(start());
  return { id, outcome: new Promise((resolve) => waiting.set(id, resolve)) };
}
