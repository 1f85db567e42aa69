import { fileURLToPath } from 'node:url';
import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type PluginOption } from 'vite';
import { emojiList } from './build/emoji.ts';
import { fakeBackend } from './tests/fake/plugin.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export const plugins: PluginOption[] = [
  paraglideVitePlugin({
    project: './project.inlang',
    outdir: './src/paraglide',
    strategy: ['globalVariable', 'baseLocale'],
  }),
  svelte(),
  emojiList(),
];

export const alias = { $lib: at('./src/lib'), $paraglide: at('./src/paraglide') };

// A running balcao-headless, when the screens are developed against the real thing.
const backend = process.env.BALCAO_URL;

export default defineConfig(({ mode }) => ({
  plugins: mode === 'fake' ? [...plugins, fakeBackend()] : plugins,
  resolve: { alias },
  // The window's web views: WebView2, WKWebView of macOS 13, WebKitGTK 2.40.
  build: { target: ['chrome110', 'safari16.4'], assetsInlineLimit: 0, chunkSizeWarningLimit: 700 },
  server: {
    port: 1420,
    strictPort: true,
    proxy: backend ? { '/call': backend, '/events': backend } : undefined,
  },
  preview: { port: 4178, strictPort: true },
  clearScreen: false,
}));
