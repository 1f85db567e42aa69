import { defineConfig } from '@playwright/test';

/**
 * Runs against a balcao-headless when BALCAO_URL (and BALCAO_TOKEN) say where it is; otherwise the built screens are
 * shown with an invented clinic.
 */
const real = process.env.BALCAO_URL;

/** Invented clinics, each behind a server of its own: so many tests run at once. */
const invented = [4178, 4179];

export default defineConfig({
  testDir: 'e2e',
  // The program serves one clinic: two tests at once would change it under each other.
  workers: real ? 1 : invented.length,
  fullyParallel: false,
  timeout: 30_000,
  expect: { timeout: 7_000 },
  reporter: 'list',
  outputDir: 'test-results',
  use: {
    baseURL: real,
    viewport: { width: 1366, height: 768 },
    locale: 'pt-BR',
    timezoneId: 'America/Sao_Paulo',
    trace: 'off',
    launchOptions: {
      executablePath: process.env.BALCAO_CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    },
  },
  webServer: real
    ? undefined
    : invented.map((port) => ({
        command: `vite preview --mode fake --port ${port}`,
        url: `http://localhost:${port}`,
        reuseExistingServer: true,
        timeout: 60_000,
      })),
});
