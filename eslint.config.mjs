// TypeScript is linted with types, as strictly as typescript-eslint can; the rules switched off say why.
import js from '@eslint/js';
import tseslint from 'typescript-eslint';

// What cannot be broken, or reads worse when it is, may be longer.
const LINE = {
  code: 120, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true,
};

const NODE_GLOBALS = Object.fromEntries(
  ['process', 'console', 'Buffer', 'URL', 'performance', 'setTimeout', 'clearTimeout', 'setImmediate', 'fetch',
    'structuredClone', 'AbortController', 'AbortSignal', 'globalThis'].map((name) => [name, 'readonly']));

export default tseslint.config(
  { ignores: ['dist/', 'out/', 'build/', 'src-native/', 'prebuilds/', 'coverage/', 'docs/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    rules: {
      'max-len': ['error', LINE],
      'eol-last': 'error',
      'no-multiple-empty-lines': ['error', { max: 1, maxBOF: 0, maxEOF: 0 }],
      'no-trailing-spaces': 'error',
      'eqeqeq': 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-restricted-globals': ['error', { name: 'isNaN', message: 'coerces; use Number.isNaN' },
        { name: 'isFinite', message: 'coerces; use Number.isFinite' },
        { name: 'parseInt', message: 'takes what it can and drops the rest; validate instead' }],
    },
  },
  {
    files: ['**/*.{ts,mts}'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { project: ['tsconfig.json', 'tsconfig.dev.json'], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // `as T` after a check of one's own says what the value is; `!` only that it is there, and is refused.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // `void x` says that a value is looked at, or thrown away, on purpose.
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      // What `using` names may be wanted for its end alone.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreUsingDeclarations: true }],
      // A callback may come and do nothing.
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
  {
    // Bundlers find the binaries only through literal require() calls, and only this file has them.
    files: ['lib/native.ts'],
    rules: { '@typescript-eslint/no-require-imports': 'off', '@typescript-eslint/no-unsafe-return': 'off' },
  },
  {
    files: ['lib/**/*.{ts,mts}'],
    rules: {
      'no-console': 'error',
      'max-lines-per-function': ['error', { max: 60, skipComments: true, skipBlankLines: true }],
      'complexity': ['error', 20],
    },
  },
  {
    files: ['test/**/*.ts', 'examples/**/*.ts', 'bench/**/*.ts'],
    rules: {
      // Tests hand over what types forbid, on purpose, and look at what cannot be missing.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // Dropping the last reference to something is what a lifetime test does.
      'no-useless-assignment': 'off',
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/explicit-module-boundary-types': 'off',
    },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: { globals: NODE_GLOBALS },
  },
);
