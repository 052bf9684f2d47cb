// Plants one bug at a time in a copy of the compiled view layer and shows that the suite notices each.
// A check that cannot fail is not a check: `npm run test:mutations` fails when a bug goes unnoticed.
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync, existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');

/** [file of lib/view as compiled, what stands there, what is planted]; text that does not occur is out of date. */
const BUGS = [
  // indices and slices
  ['layout', 'fromStart >= 0 && fromStart < count', 'fromStart >= 0 && fromStart <= count'],
  ['layout', 'index < 0 ? index + count : index', 'index < 0 ? index + count - 1 : index'],
  ['layout', 'Math.floor((distance - 1) / Math.abs(by)) + 1', 'Math.floor(distance / Math.abs(by)) + 1'],
  ['layout', 'back ? [-1, count - 1] : [0, count]', 'back ? [0, count - 1] : [0, count]'],
  ['layout', 'back ? from - to : to - from', 'to - from'],
  ['layout', 'if (by === 0)', 'if (by === -0.5)'],
  ['layout', 'first: 0, count: 0, step: by', 'first: from, count: 0, step: 1'],
  ['layout', 'offset += taken.first * stride', 'offset += taken.first'],
  ['layout', 'BigInt.asIntN(64,', 'BigInt.asIntN(63,'],
  ['memory-view', 'start < stop && stop <= this.items', 'start < stop && stop <= this.items + 1'],
  ['memory-view', 'isSmall(index) && index < count', 'isSmall(index) && index <= count'],
  ['memory-view', 'iterate(this, this.items - 1, -1)', 'iterate(this, this.items - 2, -1)'],
  // shape, contiguity, order
  ['layout', "const dimension = order === 'F' ? i : shape.length - 1 - i;\n        strides[",
    "const dimension = order === 'C' ? i : shape.length - 1 - i;\n        strides["],
  ['layout', 'count !== 1 && strides[dimension] !== step', 'strides[dimension] !== step'],
  ['layout', 'shape.length > 1 && shape.includes(0)', 'shape.includes(0)'],
  ['layout', 'if (reach < 0)', 'if (reach > 0)'],
  ['layout', 'if (a[i] === 0)', 'if (a[i] === 1)'],
  ['layout', 'merged.strides[last] === stride * count', 'merged.strides[last] >= stride * count'],
  ['layout', 'if (needed !== nbytes)', 'if (needed > nbytes)'],
  ['copy', "order === 'C' ? area", "order === 'F' ? area"],
  ['parts', 'if (!format.byte && !to.byte)', 'if (!to.byte)'],
  // elements and values
  ['float16', 'rest > 0.5 || (rest === 0.5 && below % 2 === 1)', 'rest >= 0.5'],
  ['float16', 'Math.abs(value) >= 65520', 'Math.abs(value) > 65504'],
  ['float16', '(exponent + 14) << 10', '(exponent + 15) << 10'],
  ['float16', 'scratch.getUint32(0)', 'Number(value < 0) * 0x80000000 + (scratch.getUint32(0) & 0x7fffffff)'],
  ['elements', 'data.getInt16(at, little)', 'data.getInt16(at)'],
  ['elements', 'data.getUint8(at) !== 0', 'data.getUint8(at) === 1'],
  ['format', '[-0x80, 0x7f]', '[-0x7f, 0x7f]'],
  ['format', 'value < least || value > greatest', 'value < least'],
  ['format', "order === '@' ? code : text", 'text'],
  ['format', '2n ** 63n - 1n : 2n ** 64n - 1n', '2n ** 63n - 1n : 2n ** 63n - 1n'],
  ['values', 'swapped.swap32()', 'swapped.swap16()'],
  ['values', 'bytes[i] === 0 ? 0 : 1', 'bytes[i]'],
  // equality and search
  ['compare', 'format_1.KIND.F32, format_1.KIND.F64', 'format_1.KIND.F32'],
  ['compare', 'x <= y && x >= y', 'Number(x) === Number(y)'],
  ['compare', 'at += left.length', 'at += left.length + 1'],
  ['search', 'last ? numbers.lastIndexOf(sought)', 'last ? numbers.indexOf(sought)'],
  ['search', 'last ? bytes.lastIndexOf(Number(sought))', 'last ? bytes.indexOf(Number(sought))'],
  ['search', 'before -= numbers.length', 'before -= 1'],
  ['search', 'BigInt(Number(number)) !== number', 'false'],
  // copying
  ['copy', "movesUp(from, to) ? 'backwards' : 'forwards'", "'forwards'"],
  ['copy', 'else if (overlaps(from, to))', 'else if (false)'],
  ['copy', 'x.low < y.high + shift && y.low + shift < x.high', 'x.low < y.low + shift'],
  ['copy', 'filled *= 2', 'filled += filled + 1'],
  ['copy', 'to[target + 1] = from[source + 1]', 'to[target + 1] = from[source]'],
  // state and permission
  ['memory-view', '!form.readonly && isWhole(owner, at)', 'isWhole(owner, at)'],
  ['form', 'if (this.readonly)\n            return this;', 'return this;'],
  ['owner', 'owner.#end <= owner.#bytes.buffer.byteLength', 'true'],
  ['memory-view', 'if (bytesIn(owner)[at] === undefined)', 'if (false)'],
  ['raw', 'readonly && !(exporter.readonly && exporter.rawWhenReadonly)', 'false'],
  ['raw', 'exporter.readonly && exporter.rawWhenReadonly', 'exporter.rawWhenReadonly'],
  ['raw', 'byteOffset % itemsize !== 0', 'false'],
  ['raw', 'holder.exporter.expose(holder);', ''],
  ['memory-view', 'this.owner = owner_1.RELEASED;\n    }\n    [', '}\n    ['],
  // windows
  ['elements', 'absolute - found.start', 'absolute'],
  ['walk', 'spot.at + (area.offset - low)', 'spot.at'],
  ['walk', 'halves.toReversed()', 'halves'],
  ['text', 'hex.length % width', '0'],
];

function plant(workspace, [file, was, is]) {
  const target = path.join(workspace, 'dist/view', `${file}.js`);
  const original = readFileSync(target, 'utf8');
  if (!original.includes(was)) throw new Error(`dist/view/${file}.js no longer has: ${was}`);
  writeFileSync(target, original.replace(was, () => is));
  return () => writeFileSync(target, original);
}

function makeWorkspace() {
  const workspace = mkdtempSync(path.join(os.tmpdir(), 'zerocopy-mutations-'));
  for (const folder of ['dist', 'out/test/view', 'out/test/support', 'test/oracle']) cpSync(path.join(root, folder),
    path.join(workspace, folder), { recursive: true });
  // Module by module, for bugs to be planted in; what is published has them all in one file.
  const flags = ['--outDir', path.join(workspace, 'dist'), '--declaration', 'false', '--removeComments'];
  execFileSync(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', root, ...flags]);
  const description = readFileSync(path.join(root, 'package.json'), 'utf8').replace('./out/lib/*.js', './dist/*.js');
  writeFileSync(path.join(workspace, 'package.json'), description);
  for (const folder of ['node_modules', 'build', 'prebuilds']) if (existsSync(path.join(root,
    folder))) symlinkSync(path.join(root, folder), path.join(workspace, folder));
  return workspace;
}

/** Does the suite pass in this workspace? */
function passes(workspace) {
  const specs = ['misuse', 'views', 'model', 'oracle'].map((name) => `out/test/view/${name}.spec.js`);
  const args = [path.join(root, 'node_modules/mocha/bin/mocha.js'), '--no-config', '--bail', '--timeout', '20000',
    '--reporter', 'dot', ...specs];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: workspace, stdio: 'ignore' });
    const timer = setTimeout(() => child.kill('SIGKILL'), 120_000); // a bug that hangs is noticed
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve(code === 0);
    });
  });
}

async function main() {
  const queue = [...BUGS];
  const unnoticed = [];
  const worker = async () => {
    const workspace = makeWorkspace();
    try {
      for (let bug = queue.shift(); bug !== undefined; bug = queue.shift()) {
        const restore = plant(workspace, bug);
        if (await passes(workspace)) unnoticed.push(bug);
        restore();
      }
      if (unnoticed.length === 0 && !(await passes(workspace))) {
        throw new Error('the suite fails without any bug planted');
      }
    } finally {
      rmSync(workspace, { recursive: true });
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, os.availableParallelism()) }, worker));
  for (const [file, from, to] of unnoticed) console.error(`unnoticed: ${file}.js: ${JSON.stringify(from)} -> ${JSON.stringify(to)}`);
  console.log(`${BUGS.length - unnoticed.length} of ${BUGS.length} planted bugs noticed`);
  process.exitCode = unnoticed.length === 0 ? 0 : 1;
}

await main();
