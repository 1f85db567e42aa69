import '@fontsource-variable/inter/index.css';
import '../src/styles/tokens.css';
import '../src/styles/base.css';
import { afterEach, beforeEach } from 'vitest';
import { cleanup, configure } from '@testing-library/svelte';
import { forget } from '../src/lib/bridge/live.svelte';
import { locale } from '../src/lib/i18n/locale.svelte';

// The whole page is not what someone wants to read when a word was not found.
configure({ getElementError: (message) => new Error(message ?? 'not found') });

beforeEach(() => {
  forget();
  locale.current = 'pt-BR';
  history.replaceState(null, '', '#/inbox');
  dispatchEvent(new HashChangeEvent('hashchange'));
});

afterEach(() => cleanup());
