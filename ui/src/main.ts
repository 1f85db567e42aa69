import '@fontsource-variable/inter/index.css';
import './styles/tokens.css';
import './styles/base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { open } from '$lib/bridge';
import { followPreferences } from '$lib/shell/preferences.svelte';

open();
void followPreferences().then(() => mount(App, { target: document.getElementById('app') as HTMLElement }));
