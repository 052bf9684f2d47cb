/** An Arrow IPC file of any size, made record batch by record batch: never more than a few of them are in memory. */
import { createWriteStream, type WriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { RecordBatchFileWriter, tableFromArrays, type RecordBatch } from 'apache-arrow';

const ROW_BYTES = 20;
/** Rows of a record batch: 20 MiB. */
const BATCH_ROWS = 2 ** 20;

/** Writes `rows` rows of 20 bytes: time is the row's number, value half of it, sensor its number modulo 100. */
export async function writeArrowFile(file: string, rows: number): Promise<void> {
  const out = createWriteStream(file);
  await pipeline(Readable.from(batches(rows, out)), RecordBatchFileWriter.throughNode(), out);
}

async function* batches(rows: number, out: WriteStream): AsyncGenerator<RecordBatch> {
  for (let first = 0; first < rows; first += BATCH_ROWS) {
    const table = tableFromArrays(columns(first, Math.min(BATCH_ROWS, rows - first)));
    yield* table.batches;
    // The writer takes all that it is given, however slow the disk.
    while (first * ROW_BYTES > out.bytesWritten) await wait(1);
  }
}

function columns(first: number, length: number): Record<string, BigInt64Array | Float64Array | Int32Array> {
  const words = new Uint32Array(length * 2); // of little-endian int64s; making bigints would take most of the time
  const value = new Float64Array(length);
  const sensor = new Int32Array(length);
  for (let i = 0; i < length; i++) {
    words[2 * i] = first + i;
    value[i] = (first + i) / 2;
    sensor[i] = (first + i) % 100;
  }
  return { time: new BigInt64Array(words.buffer), value, sensor };
}
