import assert from 'node:assert/strict';

import { requestPath, splitTarget, withTrailingSlash } from '#lib/http/request-path';

describe('the path of a request', () => {
  const paths: readonly [target: string, path: string | 400 | 403, isDirectory?: boolean][] = [
    ['/', '', true],
    ['', '', true],
    ['/a', 'a', false],
    ['/a/', 'a', true],
    ['/a/b.html?x=1', 'a/b.html', false],
    ['/a#fragment', 'a', false],
    ['//a///b', 'a/b', false],
    ['/./a/./b', 'a/b', false],
    ['/a/.', 'a', true],
    ['/a/b/..', 'a', true],
    ['/a/../b', 'b', false],
    ['/a/%2e%2e/b', 'b', false],
    ['/..', 403],
    ['/../a', 403],
    ['/a/../../b', 403],
    ['/%2e%2e%2fetc', 403],
    ['/%2E./etc', 403],
    ['/...', '...', false],
    ['/a%2fb', 'a/b', false],
    ['/%252e%252e/a', '%2e%2e/a', false], // decoded once
    ['/%c3%a4', 'ä', false],
    ['/\u00c3\u00a4', 'ä', false], // bytes as Node gives them
    ['/a%20b', 'a b', false],
    ['/a+b', 'a+b', false],
    ['/%00', 400],
    ['/a%00.html', 400],
    ['/%', 400],
    ['/%zz', 400],
    ['/%c0%ae%c0%ae/', 400], // overlong
    ['/%ff', 400],
    ['/%ed%a0%80', 400], // a lone surrogate
    ['http://example.com/a?b', 'a', false],
    ['http://example.com', '', true],
    ['http://example.com/../a', 403],
    ['http://user@[::1]:80/a', 'a', false],
    ['*', 400],
    ['a', 400],
    ['example.com:80', 400],
    ['/a\\..\\b', 'a\\..\\b', false], // a name like any other on this system
  ];
  for (const [target, path, isDirectory] of paths) {
    it(`${JSON.stringify(target)}: ${JSON.stringify(path)}`, () => {
      const found = requestPath(splitTarget(target).pathname);
      if (typeof path === 'number') assert.equal(found, path);
      else assert.deepEqual({ ...(found as object), isHidden: 0 }, { path, isDirectory, isHidden: 0 });
    });
  }

  for (const [target, hidden] of [['/.git/config', true], ['/a/.b', true], ['/a.b', false], ['/a/./b', false], ['/.a/../b', false]] as const) {
    it(`${target} is ${hidden ? '' : 'not '}hidden`, () => {
      assert.equal((requestPath(target) as { isHidden: boolean }).isHidden, hidden);
    });
  }
});

describe('the place with a slash', () => {
  const locations: readonly [target: string, location: string][] = [
    ['/a', '/a/'],
    ['/a?x=1&y=%20', '/a/?x=1&y=%20'],
    ['/a?', '/a/?'],
    ['//evil.example', '/evil.example/'],
    ['//evil.example/%2e%2e', '/evil.example/%2e%2e/'],
    ['///evil.example', '/evil.example/'],
    ['/\\evil.example', '/evil.example/'],
    ['\\/evil.example', '/evil.example/'],
    ['http://evil.example//evil.example', '/evil.example/'],
    ['/a\\b', '/a%5Cb/'],
    ['/a"<>', '/a%22%3C%3E/'],
    ['/\u00c3\u00a4', '/%C3%A4/'],
    ['/a\r\nSet-Cookie: x', '/a%0D%0ASet-Cookie:%20x/'],
    ['/a#b', '/a/'],
  ];
  for (const [target, location] of locations) {
    it(JSON.stringify(target), () => {
      assert.equal(withTrailingSlash(target), location);
      const resolved = new URL(location, 'http://here.example/x');
      assert.equal(resolved.host, 'here.example', 'a browser stays here');
    });
  }
});
