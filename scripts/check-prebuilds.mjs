// The gate of every binary in prebuilds/ (or the folder given): format, processor, libraries, glibc floor, exports and
// hardening, read from the file itself, so that any machine can check all of them.
//
//   node scripts/check-prebuilds.mjs [FOLDER]       a line for each; status 1 if one fails
//
// Sources: elf(5); Mach-O: <mach-o/loader.h>; PE: Microsoft's "PE Format".
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const GLIBC_FLOOR = [2, 28];
const MACOS_FLOOR = 11;
const EXPORTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];

const LIBRARIES = {
  glibc: /^(lib(c|pthread|dl)\.so\.\d|ld-linux-[\w-]+\.so\.\d)$/,
  musl: /^libc(\.musl-\w+)?\.so(\.1)?$/,
  darwin: /^\/usr\/lib\/libSystem\.B\.dylib$/,
  win32: /^(kernel32|ntdll|msvcrt)\.dll$/i,
};

function text(bytes, offset) {
  return bytes.toString('latin1', offset, bytes.indexOf(0, offset));
}

const DYNAMIC = 6, DYNAMIC_SYMBOLS = 11, VERSIONS_NEEDED = 0x6ffffffe;
const NEEDED = 1n, TEXT_RELOCATIONS = 22n;
const LOAD = 1, STACK = 0x6474e551, RELRO = 0x6474e552;

/** What the checks want to know of an ELF file of 64 bits, little-endian. */
function readElf(bytes) {
  const u64 = (offset) => Number(bytes.readBigUInt64LE(offset));
  const sections = Array.from({ length: bytes.readUInt16LE(60) }, (_, i) => {
    const at = u64(40) + i * 64;
    const [type, link, info] = [4, 40, 44].map((field) => bytes.readUInt32LE(at + field));
    return { type, link, info, offset: u64(at + 24), size: u64(at + 32) };
  });
  const segments = Array.from({ length: bytes.readUInt16LE(56) }, (_, i) => {
    const at = u64(32) + i * 56;
    return { type: bytes.readUInt32LE(at), executable: (bytes.readUInt32LE(at + 4) & 1) === 1, align: u64(at + 48) };
  });
  const sectionOf = (type) => sections.find((section) => section.type === type);
  const stringsOf = (section) => sections[section.link].offset;

  const dynamic = sectionOf(DYNAMIC);
  const entries = [];
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16) {
    entries.push([bytes.readBigInt64LE(at), u64(at + 8)]);
  }
  const symbols = sectionOf(DYNAMIC_SYMBOLS);
  const names = { defined: [], undefined: [] };
  for (let at = symbols.offset + 24; at < symbols.offset + symbols.size; at += 24) {
    const isDefined = bytes.readUInt16LE(at + 6) !== 0;
    names[isDefined ? 'defined' : 'undefined'].push(text(bytes, stringsOf(symbols) + bytes.readUInt32LE(at)));
  }
  return {
    processor: { 62: 'x64', 183: 'arm64' }[bytes.readUInt16LE(18)],
    libraries: entries.filter(([tag]) => tag === NEEDED).map(([, offset]) => text(bytes, stringsOf(dynamic) + offset)),
    versions: versionsNeeded(bytes, sectionOf(VERSIONS_NEEDED), stringsOf),
    exports: names.defined,
    imports: names.undefined,
    relro: segments.some(({ type }) => type === RELRO),
    executableStack: segments.some(({ type, executable }) => type === STACK && executable),
    textRelocations: entries.some(([tag]) => tag === TEXT_RELOCATIONS),
    alignment: Math.max(...segments.filter(({ type }) => type === LOAD).map(({ align }) => align)),
  };
}

function versionsNeeded(bytes, section, stringsOf) {
  const found = [];
  if (section === undefined) return found;
  let file = section.offset;
  for (let i = 0; i < section.info; i++) {
    let version = file + bytes.readUInt32LE(file + 8);
    for (let j = bytes.readUInt16LE(file + 2); j > 0; j--) {
      found.push(text(bytes, stringsOf(section) + bytes.readUInt32LE(version + 8)));
      version += bytes.readUInt32LE(version + 12);
    }
    file += bytes.readUInt32LE(file + 12);
  }
  return found;
}

/** Every image has one, and zig's linker does not hide it. */
const OF_LINKER = '__dso_handle';
const SYMBOLS = 2, LIBRARY = 0xc, SIGNATURE = 0x1d, BUILD_VERSION = 0x32;

/** The same of a Mach-O file of 64 bits. */
function readMachO(bytes) {
  const processor = { 0x01000007: 'x64', 0x0100000c: 'arm64' }[bytes.readUInt32LE(4)];
  const found = { processor, libraries: [], exports: [], imports: [], isSigned: false };
  let at = 32;
  for (let i = bytes.readUInt32LE(16); i > 0; i--) {
    const command = bytes.readUInt32LE(at);
    if (command === LIBRARY) found.libraries.push(text(bytes, at + bytes.readUInt32LE(at + 8)));
    if (command === BUILD_VERSION) found.system = bytes.readUInt32LE(at + 12) >> 16;
    if (command === SIGNATURE) found.isSigned = true;
    if (command === SYMBOLS) readSymbols(bytes, at, found);
    at += bytes.readUInt32LE(at + 4);
  }
  return found;
}

function readSymbols(bytes, command, found) {
  const [table, count, strings] = [8, 12, 16].map((field) => bytes.readUInt32LE(command + field));
  for (let symbol = table; symbol < table + count * 16; symbol += 16) {
    const type = bytes[symbol + 4];
    const isExternal = (type & 1) === 1 && (type & 0xf0) === 0;
    const name = text(bytes, strings + bytes.readUInt32LE(symbol)).slice(1);
    if (isExternal && name !== OF_LINKER) found[(type & 0xe) === 0 ? 'imports' : 'exports'].push(name);
  }
}

/** DllCharacteristics. */
const HARDENING = { 'random addresses': 0x40, 'random high addresses': 0x20, 'that data never runs': 0x100 };
const DLL = 0x2000, PE32_PLUS = 0x20b;
const EXPORT_TABLE = 0, IMPORT_TABLE = 1; // data directories

/** The same of a PE file of 64 bits. */
function readPe(bytes) {
  const header = bytes.readUInt32LE(0x3c) + 4; // behind "PE\0\0"
  const optional = header + 20;
  const sections = Array.from({ length: bytes.readUInt16LE(header + 2) }, (_, i) => {
    const at = optional + bytes.readUInt16LE(header + 16) + i * 40;
    const [size, address, , offset] = [8, 12, 16, 20].map((field) => bytes.readUInt32LE(at + field));
    return { size, address, offset };
  });
  const placeOf = (address) => {
    const section = sections.find((one) => address >= one.address && address < one.address + one.size);
    return address - section.address + section.offset;
  };
  const table = (index) => bytes.readUInt32LE(optional + 112 + index * 8);
  return {
    processor: { 0x8664: 'x64', 0xaa64: 'arm64' }[bytes.readUInt16LE(header)],
    isLibrary: (bytes.readUInt16LE(header + 18) & DLL) !== 0 && bytes.readUInt16LE(optional) === PE32_PLUS,
    libraries: table(IMPORT_TABLE) === 0 ? [] : importedLibraries(bytes, table(IMPORT_TABLE), placeOf),
    exports: table(EXPORT_TABLE) === 0 ? [] : exportedNames(bytes, placeOf(table(EXPORT_TABLE)), placeOf),
    imports: [],
    flags: bytes.readUInt16LE(optional + 70),
  };
}

function importedLibraries(bytes, address, placeOf) {
  const names = [];
  for (let at = placeOf(address); ; at += 20) {
    const name = bytes.readUInt32LE(at + 12);
    if (name === 0) return names;
    names.push(text(bytes, placeOf(name)));
  }
}

function exportedNames(bytes, at, placeOf) {
  const names = placeOf(bytes.readUInt32LE(at + 32));
  const count = bytes.readUInt32LE(at + 24);
  return Array.from({ length: count }, (_, i) => text(bytes, placeOf(bytes.readUInt32LE(names + i * 4))));
}

function problemsOfAny(found, processor, libraries) {
  return [
    found.processor !== processor && `is for ${found.processor}`,
    found.exports.toSorted().join() !== EXPORTS.join() && `exports ${found.exports.join(', ') || 'nothing'}`,
    ...found.libraries.filter((library) => !libraries.test(library)).map((library) => `needs ${library}`),
    // C++ symbols are the C++ library's, which is not there; _Unwind_… likewise.
    ...found.imports.filter((name) => /^_?_Z|^_Unwind/.test(name)).map((name) => `needs ${name}`),
  ];
}

function problemsOfElf(found, processor, libc) {
  const floor = found.versions.map((version) => /^GLIBC_(\d+)\.(\d+)/.exec(version)).filter((match) => match !== null);
  return [
    ...problemsOfAny(found, processor, LIBRARIES[libc]),
    ...floor.filter(([, major, minor]) => major > GLIBC_FLOOR[0] || minor > GLIBC_FLOOR[1]).map(([version]) => `needs ${version}`),
    libc === 'musl' && found.versions.length > 0 && `musl has no versions, but it needs ${found.versions.join(', ')}`,
    !found.relro && 'has no relro',
    found.executableStack && 'wants an executable stack',
    found.textRelocations && 'has text relocations',
    processor === 'arm64' && found.alignment < 65536 && `aligns its segments to ${found.alignment}, kernels may have pages of 64 KiB`,
  ];
}

function problemsOfMachO(found, processor) {
  return [
    ...problemsOfAny(found, processor, LIBRARIES.darwin),
    !(found.system <= MACOS_FLOOR) && `needs macOS ${found.system}`,
    processor === 'arm64' && !found.isSigned && 'is not signed',
  ];
}

/** Node's executable is not among the libraries: it has many names (os/node_api_windows.cc). */
function problemsOfPe(found, processor) {
  return [
    ...problemsOfAny(found, processor, LIBRARIES.win32),
    !found.isLibrary && 'is no library of 64 bits',
    ...Object.entries(HARDENING).filter(([, flag]) => (found.flags & flag) === 0).map(([name]) => `does not ask for ${name}`),
  ];
}

/** What is wrong with `bytes`, said to be of `platform`-`processor`; a list of lines, empty when nothing is. */
function problems(bytes, platform, processor, libc) {
  const magic = bytes.readUInt32BE(0);
  if (platform === 'linux' && magic === 0x7f454c46) return problemsOfElf(readElf(bytes), processor, libc);
  if (platform === 'darwin' && magic === 0xcffaedfe) return problemsOfMachO(readMachO(bytes), processor);
  if (platform === 'win32' && magic >>> 16 === 0x4d5a) return problemsOfPe(readPe(bytes), processor);
  return [`is no binary of ${platform}`];
}

const folder = path.resolve(process.argv[2] ?? path.join(import.meta.dirname, '../prebuilds'));
const files = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith('.node')).sort();
if (files.length === 0) {
  console.error(`no binary in ${folder}: npm run prebuilds`);
  process.exitCode = 1;
}
for (const file of files) {
  const [platform, processor] = path.dirname(file).split('-');
  const libc = /\.(glibc|musl)\.node$/.exec(file)?.[1];
  const bytes = readFileSync(path.join(folder, file));
  const found = problems(bytes, platform, processor, libc).filter((problem) => problem !== false);
  console.log(`${found.length === 0 ? 'ok  ' : 'FAIL'} ${file}, ${bytes.length} bytes${found.map((problem) => `\n       ${problem}`).join('')}`);
  if (found.length > 0) process.exitCode = 1;
}
