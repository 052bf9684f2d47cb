import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { violations, type Sources } from './layers';

const root = path.resolve(__dirname, '../../..');

function sourcesOf(folders: readonly string[]): Sources {
  const files = folders.flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => path.posix.join(folder, name.replaceAll('\\', '/')))
      .filter((name) => /\.(m?ts|cc|h)$/.test(name) && !name.startsWith('src-native/build/')));
  return new Map(files.map((file) => [file, readFileSync(path.join(root, file), 'utf8')]));
}

describe('the layers', () => {
  it('are kept by every file', () => {
    const sources = sourcesOf(['lib', 'src-native', 'test', 'examples', 'bench']);
    for (const known of ['lib/index.ts', 'lib/view/memory-view.ts', 'src-native/os/memory_map_posix.cc']) {
      assert.ok(sources.has(known), `${known} was read`);
    }
    assert.deepEqual(violations(sources), []);
  });

  const allowed: [what: string, file: string, text: string][] = [
    ['an import of a lower layer', 'lib/transfer/x.ts', "import { mmap } from '../mapping/mmap';"],
    ['a type of the own layer', 'lib/view/x.ts', "import type { Owner } from './owner';"],
    ['an entry that imports all', 'lib/index.mts', "export { mmap } from './index.js';\nimport '../lib/http/server';"],
    ['a dependency of http', 'lib/http/x.ts', "import mime from 'mime-types';"],
    ['an import in a comment', 'lib/view/x.ts', "/** import fs from 'node:fs'; */\n// require('left-pad')"],
    ['a method called close', 'src-native/region/x.cc', 'void F() { file.close(); file->read(1); os::Close(1); Poller::Open(); }'],
    ['a system call in os/', 'src-native/os/x.cc', '#include <sys/mman.h>\nvoid F() { munmap(a, 1); }'],
    ['a system call in a comment and a string', 'src-native/region/x.cc', '// munmap(a)\nconst char* kName = "close(1)";'],
    ['Node-API in a binding', 'src-native/region/x_binding.cc', '#include <node_api.h>\n#include "node_values.h"'],
  ];
  for (const [what, file, text] of allowed) {
    it(`allow ${what}`, () => assert.deepEqual(violations(new Map([[file, text]])), []));
  }

  it('notice imports in a circle, of types too', () => {
    const way: [string, string][] = [
      ['lib/view/a.ts', "import { b } from './b';\nimport { d } from './d';"],
      ['lib/view/b.ts', "import { c } from './c';"],
      ['lib/view/c.ts', "import type { A } from './a';"],
      ['lib/view/d.ts', "import { c } from './c';"],
    ];
    const circle = 'imports in a circle: lib/view/a.ts -> lib/view/b.ts -> lib/view/c.ts -> lib/view/a.ts';
    assert.deepEqual(violations(new Map(way)), [circle]);
    assert.deepEqual(violations(new Map(way.filter(([file]) => file !== 'lib/view/c.ts'))), []);
  });

  const planted: [what: string, file: string, text: string, expected: RegExp][] = [
    ['an import that points up', 'lib/view/x.ts', "import { mmap } from '../mapping/mmap';", /a layer above/],
    ['a type import that points up', 'lib/mapping/x.ts', "import type { Turn } from '../transfer/turn';", /a layer above/],
    ['a dynamic import that points up', 'lib/errors.ts', "const x = await import('./view/form');", /a layer above/],
    ['a require that points up', 'lib/transfer/x.ts', "const x = require('../http/server');", /a layer above/],
    ['a re-export that points up', 'lib/view/x.ts', "export {\n  a,\n  b,\n} from '../index';", /a layer above/],
    ['an import of a layer beside', 'lib/formats/x.ts', "import { sendfile } from '../transfer/sendfile';", /a layer beside/],
    ['a pure file that reads files', 'lib/view/x.ts', "import { readFileSync } from 'node:fs';", /pure and imports node:fs/],
    ['a pure file that reads files by promise', 'lib/validate.ts', "import { open } from 'node:fs/promises';", /pure/],
    ['a pure file with the addon', 'lib/view/x.ts', "import { native } from '../native';", /imports the addon/],
    ['a dependency', 'lib/mapping/x.ts', "import pad from 'left-pad';", /no such dependency/],
    ['a dependency of http in a lower layer', 'lib/transfer/x.ts', "import mime from 'mime-types';", /no such dependency/],
    ['a dependency that http has not', 'lib/http/x.ts', "import pad from 'left-pad';", /no such dependency/],
    ['a plan that looks at files', 'lib/http/plan.ts', "import fs from 'node:fs';", /pure/],
    ['a file outside the layers', 'lib/extra/x.ts', '', /no layer/],
    ['a folder for everything', 'lib/view/utils/x.ts', '', /nothing in particular/],
    ['a folder for everything in test', 'test/helpers/x.ts', '', /nothing in particular/],
    ['an include that points up', 'src-native/os/x.cc', '#include "region/region.h"', /a layer above/],
    ['region on transfer', 'src-native/region/x_binding.cc', '#include "transfer/pump.h"', /a layer above/],
    ['Node-API in os/', 'src-native/os/x.cc', '#include <node_api.h>', /no \*_binding/],
    ['Node-API in the core of region/', 'src-native/region/x.h', '#  include "node_api.h"', /no \*_binding/],
    ['libuv in transfer/', 'src-native/transfer/x.cc', '#include <uv.h>', /no \*_binding/],
    ['Node-API by another header', 'src-native/region/x.h', '#include "node_values.h"', /speaks Node-API/],
    ['a system header outside os/', 'src-native/region/x.cc', '#include <sys/mman.h>', /outside os/],
    ['a choice of system outside os/', 'src-native/region/x.cc', '#ifdef __linux__\n#endif', /chooses a system/],
  ];
  for (const call of ['mmap(0, 1)', 'munmap(a, b)', '::open("x")', 'close (fd)', 'read(1)', 'pwrite(1)', 'sendfile(1)',
    'epoll_wait(1)', 'ioctl(1)', 'fcntl(1)', 'x = dup2(1)', 'if (!fstat(1))', 'pthread_create(1)', 'dlsym(1)']) {
    planted.push([`the call ${call} outside os/`, 'src-native/transfer/x.cc', `void F() { ${call}; }`, /outside os/]);
  }
  for (const [what, file, text, expected] of planted) {
    it(`notice ${what}`, () => {
      const found = violations(new Map([[file, text]]));
      assert.equal(found.length, 1, found.join('\n'));
      assert.match(found[0]!, expected);
    });
  }
});
