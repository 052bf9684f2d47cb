// prebuilds/<platform>-<arch>/: the addon of this machine, built and stripped, under the name that lib/native.ts looks
// for. A release wants one for each target; what is made here serves the machine it was made on.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const { header } = process.report.getReport();
const libc = process.platform !== 'linux' ? '' : header.glibcVersionRuntime === undefined ? '.musl' : '.glibc';
const target = `prebuilds/${process.platform}-${process.arch}/zerocopy${libc}.node`;

mkdirSync(path.dirname(path.join(root, target)), { recursive: true });
copyFileSync(path.join(root, 'build/Release/zerocopy.node'), path.join(root, target));
if (process.platform === 'linux') execFileSync('strip', ['--strip-unneeded', path.join(root, target)]);
console.log(`${target}: ${statSync(path.join(root, target)).size} bytes`);
