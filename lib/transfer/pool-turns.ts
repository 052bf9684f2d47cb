/**
 * Places on libuv's thread pool. Long work of this package takes it turn by turn, and at most so many turns at once:
 * of the four threads that a process has by default, two stay for files, names and whatever else waits there.
 */
const PLACES = 2;

let free = PLACES;
const waiting: (() => void)[] = [];

/** Runs `turn` when there is a place, first come, first served. */
export async function inPoolTurn<T>(turn: () => Promise<T>): Promise<T> {
  if (free > 0) free--;
  else await new Promise<void>((resolve) => { waiting.push(resolve); });
  try {
    return await turn();
  } finally {
    const next = waiting.shift();
    if (next === undefined) free++;
    else next(); // has this place now
  }
}
