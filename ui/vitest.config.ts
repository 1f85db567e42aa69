import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { alias, plugins } from './vite.config.ts';

// The tests run in a real browser: lists are virtual and measure themselves, which a simulated page cannot do.
export default defineConfig({
  plugins,
  resolve: { alias },
  test: {
    include: ['tests/**/*.test.ts'],
    setupFiles: ['tests/setup.ts'],
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: {
          executablePath: process.env.BALCAO_CHROMIUM ?? '/usr/bin/chromium',
          args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
        },
      }),
      instances: [{ browser: 'chromium', viewport: { width: 1366, height: 768 } }],
    },
  },
});
