import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

import { native } from '#lib/native';
import { mmap, mmapAnonymous, type Advice, type Mapping } from 'zerocopy';

import { runInChild } from '../support/child';
import { evict, livesInMemory } from '../support/page-cache';
import { statusBytes } from '../support/status';
import { patternBytes, temporaryFolder } from '../support/temporary';

const PAGE = native.pageSize();
const MIB = 2 ** 20;

function python(source: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', source, ...args], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

describe('residency()', () => {
  const folder = temporaryFolder();

  it('says of every page of shared memory whether it is there', () => {
    using mapping = mmapAnonymous(100 * PAGE);
    assert.deepEqual(mapping.residency(), { pages: 100, resident: 0, pageSize: PAGE, map: new Uint8Array(100) });
    const expected = new Uint8Array(100);
    for (const page of [0, 7, 8, 63, 99]) {
      mapping.view().set(page * PAGE + page, 1);
      expected[page] = 1;
    }
    assert.deepEqual(mapping.residency(), { pages: 100, resident: 5, pageSize: PAGE, map: expected });
  });

  it('rounds a range to the pages that it touches', () => {
    using mapping = mmapAnonymous(10 * PAGE);
    for (const page of [3, 4]) mapping.view().set(page * PAGE, 1);
    const ranges: [offset: number, length: number, map: number[]][] = [
      [3 * PAGE, PAGE, [1]], [3 * PAGE, 1, [1]], [3 * PAGE - 1, 1, [0]], [3 * PAGE - 1, 2, [0, 1]],
      [3 * PAGE + 1, PAGE, [1, 1]], [2 * PAGE + 5, 3 * PAGE, [0, 1, 1, 0]], [10 * PAGE - 1, 1, [0]], [5, 0, []],
      [10 * PAGE, 0, []],
    ];
    for (const [offset, length, map] of ranges) {
      assert.deepEqual([...mapping.residency({ offset, length }).map], map, `${offset}+${length}`);
    }
  });

  it('counts from the page in which a mapping begins, wherever in the file that is', () => {
    const file = folder.file('offset.bin', patternBytes(10 * PAGE));
    for (const [offset, length, pages] of [[1, 1, 1], [PAGE - 1, 2, 2], [5, 3 * PAGE, 4], [PAGE, PAGE, 1]] as const) {
      using mapping = mmap(file, { offset, length });
      assert.equal(mapping.residency().pages, pages);
      assert.equal(mapping.residency().map.length, pages);
    }
  });

  it('has no page in an empty mapping', () => {
    using mapping = mmap(folder.file('empty', ''));
    assert.deepEqual(mapping.residency(), { pages: 0, resident: 0, pageSize: PAGE, map: new Uint8Array(0) });
    using memory = mmapAnonymous(0);
    assert.equal(memory.residency().pages, 0);
  });

  it('says of a file what mincore says to Python', () => {
    const file = folder.file('half.bin', patternBytes(4 * MIB));
    evict(file);
    using mapping = mmap(file, { advice: 'random' });
    for (const at of [0, 5 * PAGE, 3 * MIB + 17]) mapping.view().get(at);
    const expected = python(`
import ctypes, mmap, os, sys
libc = ctypes.CDLL(None, use_errno=True)
with open(sys.argv[1], 'rb') as file:
    length = os.fstat(file.fileno()).st_size
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
    address = libc.mmap(None, length, mmap.PROT_READ, mmap.MAP_SHARED, file.fileno(), 0)
    pages = (ctypes.c_ubyte * (length // mmap.PAGESIZE))()
    assert libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(length), pages) == 0
    print(''.join(str(page & 1) for page in pages))`, file);
    const { map, resident } = mapping.residency();
    assert.equal([...map].join(''), expected);
    assert.ok(resident >= 3, String(resident));
  });

  it('is not written past the end of an array that is too short for it', () => {
    using mapping = mmapAnonymous(10 * PAGE);
    const [region] = native.liveHandles().filter((handle) => handle.mapping === mapping);
    for (const length of [0, 9, 11]) {
      assert.deepEqual(native.residency(region!, 0, 10 * PAGE, new Uint8Array(length)), { errno: constants.errno.EINVAL, syscall: 'mincore' });
    }
    assert.throws(() => native.residency(region!, 0, 10 * PAGE, new Uint16Array(10) as never), { code: 'ERR_INTERNAL_MISUSE' });
    assert.equal(native.residency(region!, 0, 10 * PAGE, new Uint8Array(10)), undefined);
  });

  it('of a TiB that nobody has read is answered for any part', () => {
    const file = folder.file('tebibyte', '');
    truncateSync(file, 2 ** 40);
    using mapping = mmap(file, { advice: 'random' });
    const offset = 2 ** 39 + 12_345;
    mapping.view().get(offset);
    const { pages, resident } = mapping.residency({ offset: offset - MIB, length: 2 * MIB });
    assert.deepEqual([pages, resident], [2 * MIB / PAGE + 1, 1]);
  });
});

describe('prefetch()', () => {
  const folder = temporaryFolder();

  it('brings in the range, and no more', async () => {
    using mapping = mmapAnonymous(64 * PAGE);
    await mapping.prefetch({ offset: 8 * PAGE + 1, length: 4 * PAGE });
    const { map } = mapping.residency();
    assert.deepEqual([...map.keys()].filter((page) => map[page] === 1), [8, 9, 10, 11, 12]);
    await mapping.prefetch();
    assert.equal(mapping.residency().resident, 64);
  });

  it('brings in a file from the disk', async () => {
    const file = folder.file('disk.bin', patternBytes(20 * MIB));
    evict(file);
    using mapping = mmap(file);
    await mapping.prefetch({ offset: 1n, length: BigInt(20 * MIB - 1) });
    assert.equal(mapping.residency().resident, 20 * MIB / PAGE);
  });

  it('says how far it is, seldom, and at the end', async () => {
    using mapping = mmapAnonymous(100 * MIB);
    const told: number[] = [];
    const started = performance.now();
    await mapping.prefetch({ offset: MIB, onProgress: (bytes) => told.push(bytes) });
    const elapsed = performance.now() - started;
    assert.equal(told.at(-1), 99 * MIB);
    assert.deepEqual(told, [...new Set(told)].sort((a, b) => a - b));
    assert.ok(told.length <= elapsed / 50 + 1, `${told.length} times in ${elapsed} ms`);
  });

  it('of nothing is done, and tells nobody', async () => {
    using mapping = mmapAnonymous(PAGE);
    await mapping.prefetch({ length: 0, onProgress: () => assert.fail() });
    using empty = mmapAnonymous(0);
    await empty.prefetch({ onProgress: () => assert.fail() });
    assert.equal(mapping.residency().resident, 0);
  });

  it('stops when it is aborted', async () => {
    using mapping = mmapAnonymous(1024 * MIB);
    const reason = new Error('enough');
    const abort = new AbortController();
    const fetching = mapping.prefetch({ signal: abort.signal });
    setImmediate(() => abort.abort(reason));
    await assert.rejects(fetching, (error: Error) => {
      assert.deepEqual([error.name, (error as NodeJS.ErrnoException).code, error.cause], ['AbortError', 'ABORT_ERR', reason]);
      return true;
    });
    const { resident } = mapping.residency();
    await sleep(20);
    assert.equal(mapping.residency().resident, resident);
    assert.ok(resident * PAGE < 1024 * MIB, String(resident));
    assert.equal(mapping.holders().holds, 0);
  });

  it('does nothing when it was aborted before', async () => {
    using mapping = mmapAnonymous(PAGE);
    await assert.rejects(mapping.prefetch({ signal: AbortSignal.abort() }), { code: 'ABORT_ERR' });
    assert.equal(mapping.residency().resident, 0);
  });

  it('ends with what onProgress throws', async () => {
    using mapping = mmapAnonymous(PAGE);
    const mine = new Error('mine');
    await assert.rejects(mapping.prefetch({ onProgress: () => { throw mine; } }), mine);
  });

  it('of a mapping that is closed meanwhile ends with ERR_MAPPING_CLOSED', async () => {
    const mapping = mmapAnonymous(256 * MIB);
    const fetching = mapping.prefetch();
    mapping.close();
    assert.equal(mapping.state, 'closing');
    await assert.rejects(fetching, { code: 'ERR_MAPPING_CLOSED' });
    assert.equal(mapping.state, 'closed');
  });

  it('of a file that was cut is ERR_MAPPING_FAULT, and names the part', async () => {
    const file = folder.file('cut.bin', patternBytes(20 * MIB));
    using mapping = mmap(file);
    truncateSync(file, 9 * MIB);
    await assert.rejects(mapping.prefetch(), { code: 'ERR_MAPPING_FAULT', offset: 8 * MIB });
    await mapping.prefetch({ length: 9 * MIB });
  });
});

describe('populate', () => {
  const folder = temporaryFolder();

  for (const access of ['read', 'write', 'copy'] as const) {
    it(`brings all of a file in, access ${access}, and copies none of it`, async () => {
      const file = folder.file(`populate-${access}.bin`, Buffer.alloc(64 * MIB, 1));
      const { stdout, stderr } = await runInChild(`
        const { statusBytes } = require(${JSON.stringify(require.resolve('../support/status'))});
        const [file, access] = process.argv.slice(1); zerocopy.mmap(file, { length: 1 }); // starts what starts once
        const before = [statusBytes('RssAnon'), statusBytes('RssFile')];
        const mapping = zerocopy.mmap(file, { access, populate: true });
        const after = [statusBytes('RssAnon'), statusBytes('RssFile')];
        console.log(JSON.stringify([mapping.residency().resident, after[0] - before[0], after[1] - before[1]]));
      `, { arguments: [file, access] });
      const [resident, anonymous, mapped] = JSON.parse(stdout || `"${stderr}"`) as [number, number, number];
      assert.equal(resident, 64 * MIB / PAGE);
      assert.ok(anonymous < 16 * MIB, `${anonymous} bytes of its own`);
      assert.ok(mapped >= 64 * MIB, `${mapped} bytes of the file`);
    });
  }
});

describe('lock()', () => {
  const folder = temporaryFolder();

  it('brings pages in and keeps them; unlock() lets them go', () => {
    using mapping = mmapAnonymous(16 * PAGE);
    const before = statusBytes('VmLck');
    mapping.lock({ offset: PAGE + 1, length: PAGE });
    assert.equal(statusBytes('VmLck') - before, 2 * PAGE);
    assert.deepEqual([...mapping.residency({ length: 4 * PAGE }).map], [0, 1, 1, 0]);
    mapping.lock({ offset: 2 * PAGE, length: PAGE });
    assert.equal(statusBytes('VmLck') - before, 2 * PAGE, 'locked twice is locked once');
    mapping.unlock();
    assert.equal(statusBytes('VmLck'), before);
    mapping.unlock();
  });

  it('ends with the mapping', () => {
    const before = statusBytes('VmLck');
    const mapping = mmapAnonymous(4 * PAGE);
    mapping.lock();
    assert.equal(statusBytes('VmLck') - before, 4 * PAGE);
    mapping.close();
    assert.equal(statusBytes('VmLck'), before);
  });

  it('keeps a file in the page cache, and makes no copy of it', async () => {
    const file = folder.file('locked.bin', Buffer.alloc(32 * MIB, 1));
    const { stdout, stderr, code } = await runInChild(`
      const { statusBytes } = require(${JSON.stringify(require.resolve('../support/status'))});
      const [file] = process.argv.slice(1);
      const mapping = zerocopy.mmap(file); const before = statusBytes('RssAnon');
      try { mapping.lock(); } catch (error) { if (!/RLIMIT_MEMLOCK/.test(error.message)) throw error; mapping.lock({ length: 65536 }); }
      console.log(statusBytes('RssAnon') - before);
    `, { arguments: [file] });
    assert.equal(code, 0, stderr);
    assert.ok(Number(stdout) < 8 * MIB, `${stdout} bytes of its own`);
  });

  it('of nothing locks nothing', () => {
    const before = statusBytes('VmLck');
    using mapping = mmapAnonymous(PAGE);
    mapping.lock({ length: 0 });
    using empty = mmapAnonymous(0);
    empty.lock();
    empty.unlock();
    assert.equal(statusBytes('VmLck'), before);
  });

  it('of a file that was cut is ERR_MAPPING_FAULT, and nothing stays locked', () => {
    const file = folder.file('cut.bin', patternBytes(4 * PAGE));
    using mapping = mmap(file);
    truncateSync(file, PAGE);
    const before = statusBytes('VmLck');
    assert.throws(() => mapping.lock(), { code: 'ERR_MAPPING_FAULT' });
    assert.equal(statusBytes('VmLck'), before);
    mapping.lock({ length: PAGE });
  });

  for (const [kib, code] of [[64, 'ENOMEM'], [0, 'EPERM']] as const) {
    it(`beyond a limit of ${kib} KiB is ${code}, and says what the limit is`, async () => {
      const { stdout, stderr } = await runInChild(`
        const mapping = zerocopy.mmapAnonymous(2 ** 20);
        if (process.getuid() === 0) process.setuid(65534); // root may lock what it likes
        try { mapping.lock({ length: 32768 }); } catch (error) { console.log('32 KiB:', error.code); }
        try { mapping.lock(); } catch (error) {
          const { code, errno, syscall, message } = error; console.log(JSON.stringify({ code, errno, syscall, message })); }
        console.log(mapping.residency().resident * ${PAGE});
      `, { limits: `ulimit -l ${kib}` });
      const lines = stdout.trim().split('\n');
      if (kib === 0) assert.equal(lines.shift(), '32 KiB: EPERM');
      const { message, ...error } = JSON.parse(lines[0] ?? `"${stderr}"`) as { message: string };
      assert.deepEqual(error, { code, errno: code === 'ENOMEM' ? -12 : -1, syscall: 'mlock' });
      assert.match(message, new RegExp(`^${code}: .*, mlock: 1048576 bytes .* ${kib * 1024} bytes \\(RLIMIT_MEMLOCK\\).*ulimit -l`));
      assert.equal(lines[1], String(kib === 0 ? 0 : 32_768), 'nothing beyond the limit was brought in');
    });
  }
});

describe('advise()', () => {
  const folder = temporaryFolder();
  const ADVICE = {
    normal: 0, random: 1, sequential: 2, willneed: 3, dontneed: 4, free: 8, hugepage: 14, nohugepage: 15, cold: 20,
    pageout: 21,
  } as const satisfies Record<Advice, number>;

  /** 'ok', or the code of the error. */
  function outcome(call: () => void): string {
    try {
      call();
      return 'ok';
    } catch (error) {
      const { code, syscall } = error as NodeJS.ErrnoException;
      assert.equal(syscall, 'madvise');
      return code ?? '';
    }
  }

  it('answers as this kernel answers Python, on files and memory, whole and in part', () => {
    const file = folder.file('advised.bin', patternBytes(16 * PAGE));
    const answers = JSON.parse(python(`
import errno, json, mmap, sys
def outcome(m, advice, *range):
    try: m.madvise(advice, *range); return 'ok'
    except OSError as error: return errno.errorcode[error.errno]
kinds = {'read': mmap.ACCESS_COPY, 'write': mmap.ACCESS_WRITE, 'copy': mmap.ACCESS_COPY}
answers = {}
with open(sys.argv[1], 'r+b') as file:
    for kind, access in kinds.items():
        for name, advice in json.loads(sys.argv[2]).items():
            m = mmap.mmap(file.fileno(), 0, access=access)
            answers[kind + ' ' + name] = [outcome(m, advice), outcome(m, advice, 4 * mmap.PAGESIZE, 100)]
print(json.dumps(answers))`, file, JSON.stringify(ADVICE))) as Record<string, [string, string]>;
    const range = { offset: 4 * PAGE + 1, length: 99 };
    const seen: Record<string, [string, string]> = {};
    for (const access of ['read', 'write', 'copy'] as const) {
      for (const advice of Object.keys(ADVICE) as Advice[]) {
        using mapping = mmap(file, { access });
        using memory = mmapAnonymous(16 * PAGE);
        const [whole, part] = [outcome(() => mapping.advise(advice)), outcome(() => mapping.advise(advice, range))];
        seen[`${access} ${advice}`] = [whole, part];
        assert.equal(outcome(() => memory.advise(advice, range)), part, `memory, ${advice}`);
      }
    }
    assert.deepEqual(seen, Object.fromEntries(Object.keys(seen).map((key) => [key, answers[key]])));
    assert.deepEqual(seen['read free'], ['EINVAL', 'EINVAL'], 'no mapping of a file or memfd can be freed lazily');
    assert.deepEqual(readFileSync(file), patternBytes(16 * PAGE));
  });

  for (const advice of ['dontneed', 'pageout', 'cold'] as const) {
    it(`${advice} loses nothing of what is shared`, () => {
      const file = folder.file(`${advice}.bin`, patternBytes(8 * PAGE));
      const check = (mapping: Mapping): void => {
        mapping.view().set(PAGE + 1, 200);
        mapping.advise(advice);
        assert.equal(mapping.view().get(PAGE + 1), 200);
        assert.equal(mapping.faults, 0);
      };
      using mapping = mmap(file, { access: 'write' });
      check(mapping);
      assert.equal(readFileSync(file)[PAGE + 1], 200);
      using memory = mmapAnonymous(8 * PAGE);
      check(memory);
    });
  }

  it('dontneed throws private writes away', () => {
    const file = folder.file('private.bin', patternBytes(8 * PAGE));
    using mapping = mmap(file, { access: 'copy' });
    mapping.view().set(1, 200);
    mapping.view().set(PAGE, 200);
    mapping.advise('dontneed', { length: PAGE });
    assert.deepEqual([mapping.view().get(1), mapping.view().get(PAGE)], [patternBytes(2)[1], 200]);
  });

  it('normal, random and sequential decide what one look brings in', () => {
    const file = folder.file('readahead.bin', patternBytes(4 * MIB));
    evict(file);
    using probe = mmap(file);
    const all = livesInMemory(file);
    probe.advise('random');
    probe.view().get(2 * MIB);
    assert.equal(probe.residency().resident, all ? 4 * MIB / PAGE : 1);
    probe.advise('normal');
    probe.view().get(0);
    assert.ok(probe.residency().resident > 1);
  });
});

describe('a closed mapping, and bad arguments', () => {
  const calls: Record<string, (mapping: Mapping, range?: never) => unknown> = {
    residency: (m, range) => m.residency(range), lock: (m, range) => { m.lock(range); },
    unlock: (m, range) => { m.unlock(range); }, prefetch: (m, range) => m.prefetch(range),
  };
  /** Throws or rejects. */
  const fails = (call: () => unknown, expected: object): Promise<void> =>
    assert.rejects(async () => { await call(); }, expected);

  for (const [name, call] of Object.entries(calls)) {
    it(`${name} throws ERR_MAPPING_CLOSED`, async () => {
      const mapping = mmapAnonymous(PAGE);
      mapping.close();
      await fails(() => call(mapping), { code: 'ERR_MAPPING_CLOSED' });
    });

    it(`${name} refuses what is no range of it`, async () => {
      using mapping = mmapAnonymous(PAGE);
      const wrong: [range: unknown, code: string][] = [
        [{ offset: -1 }, 'ERR_OUT_OF_RANGE'], [{ offset: PAGE + 1 }, 'ERR_OUT_OF_RANGE'], [{ offset: 0.5 }, 'ERR_OUT_OF_RANGE'],
        [{ offset: 1, length: PAGE }, 'ERR_OUT_OF_RANGE'], [{ length: NaN }, 'ERR_OUT_OF_RANGE'], [{ length: 2n ** 64n }, 'ERR_OUT_OF_RANGE'],
        [{ offset: '5' }, 'ERR_INVALID_ARG_TYPE'], [{ length: null }, 'ERR_INVALID_ARG_TYPE'], [5, 'ERR_INVALID_ARG_TYPE'],
        [null, 'ERR_INVALID_ARG_TYPE'], [[], 'ERR_INVALID_ARG_TYPE'], [{ start: 1 }, 'ERR_INVALID_ARG_VALUE'],
      ];
      for (const [range, code] of wrong) await fails(() => call(mapping, range as never), { code });
    });
  }

  it('prefetch refuses what is no signal or no function', async () => {
    using mapping = mmapAnonymous(PAGE);
    await fails(() => mapping.prefetch({ signal: {} as never }), { code: 'ERR_INVALID_ARG_TYPE' });
    await fails(() => mapping.prefetch({ onProgress: 5 as never }), { code: 'ERR_INVALID_ARG_TYPE' });
  });
});

describe('dropFromCache', () => {
  const folder = temporaryFolder();

  it('drops dirty pages too, without losing them', () => {
    const file = folder.file('dirty.bin', '');
    writeFileSync(file, patternBytes(MIB));
    evict(file);
    assert.deepEqual(readFileSync(file), patternBytes(MIB));
  });
});
