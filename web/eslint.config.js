import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

const sdk = {
  regex: '^(livekit-client|@livekit/)',
  message: 'Only core/rtc may know the SDK.',
};
const rtc = {
  regex: '/core/rtc(/|$)',
  message: 'Components and views speak to the controllers in state/.',
};
const framework = { regex: '^svelte(/|$)', message: 'core/ is plain TypeScript.' };
const above = {
  regex: '^(\\.\\./)+(state|components|views)(/|$)',
  message: 'Imports go down only: views, components, state, core.',
};
const viewsAbove = { regex: '^(\\.\\./)+views(/|$)', message: above.message };
const uiAbove = { regex: '^(\\.\\./)+(components|views)(/|$)', message: above.message };

/** The import rules of one layer: which files, and what they may not import. */
function layer(files, ...patterns) {
  return {
    files,
    rules: {
      'no-restricted-imports': ['error', { patterns }],
      '@typescript-eslint/no-restricted-imports': 'off',
    },
  };
}

export default ts.config(
  { ignores: ['dist', 'node_modules'] },
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser } },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'max-lines': ['error', { max: 400 }],
      'max-lines-per-function': ['error', { max: 70 }],
      '@typescript-eslint/consistent-type-imports': 'error',
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, svelteConfig } },
    rules: {
      // A view's own routes have no router library behind them.
      'svelte/no-navigation-without-resolve': 'off',
    },
  },
  {
    files: ['**/*.test.ts'],
    rules: { 'max-lines-per-function': 'off' },
  },
  {
    files: ['*.js', '*.ts', 'scripts/**', 'tests/**'],
    languageOptions: { globals: { ...globals.node } },
    rules: { 'no-console': 'off' },
  },
  layer(['src/core/**'], sdk, framework, above),
  layer(['src/core/rtc/**'], framework, above),
  layer(['src/state/**'], sdk, uiAbove),
  layer(['src/components/**'], sdk, rtc, viewsAbove),
  layer(['src/components/ui/**'], sdk, rtc, viewsAbove),
  layer(['src/views/**', 'src/*.svelte', 'src/main.ts'], sdk, rtc),
);
