import { defineConfig } from '@playwright/test';

/**
 * Runs against a balcao-headless when BALCAO_URL (and BALCAO_TOKEN) say where it is; otherwise the built screens are
 * shown with an invented clinic.
 */
const real = process.env.BALCAO_URL;

export default defineConfig({
  testDir: 'e2e',
  // The program serves one clinic: two tests at once would change it under each other.
  workers: 1,
  fullyParallel: false,
  timeout: 30_000,
  expect: { timeout: 7_000 },
  reporter: 'list',
  outputDir: 'test-results',
  use: {
    baseURL: real ?? 'http://localhost:4178',
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
    : {
        command: 'vite preview --mode fake',
        url: 'http://localhost:4178',
        reuseExistingServer: true,
        timeout: 60_000,
      },
});
