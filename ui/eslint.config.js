import { readdirSync } from 'node:fs';
import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

const shared = ['bridge', 'i18n', 'shell'];
const domains = readdirSync(new URL('src/lib/', import.meta.url)).filter((name) => !shared.includes(name));

export default ts.config(
  { ignores: ['dist/', 'src/paraglide/', 'src/lib/bridge/bindings.ts', 'test-results/'] },
  js.configs.recommended,
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  { languageOptions: { globals: { ...globals.browser, ...globals.node } } },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, svelteConfig } },
  },
  {
    rules: {
      // The compiler knows the types; the rule does not know the browser's.
      'no-undef': 'off',
      'svelte/no-navigation-without-resolve': 'off',
      // Maps that nothing is drawn from: places of lists, timers, last answers.
      'svelte/prefer-svelte-reactivity': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-restricted-imports': [
        'error',
        {
          patterns: [{ group: ['@tauri-apps/*'], message: 'Only lib/bridge/tauri.ts talks to the window.' }],
        },
      ],
    },
  },
  { files: ['src/lib/bridge/tauri.ts'], rules: { 'no-restricted-imports': 'off' } },
  // A domain knows the shell, the bridge and the words; routes put domains together.
  ...domains.map((domain) => ({
    files: [`src/lib/${domain}/**`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { group: ['@tauri-apps/*'], message: 'Only lib/bridge/tauri.ts talks to the window.' },
            {
              group: domains
                .filter((other) => other !== domain)
                .flatMap((other) => [`$lib/${other}/*`, `../${other}/*`]),
              message: 'Domains do not import each other; routes compose them.',
            },
          ],
        },
      ],
    },
  })),
);
