import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// The server during development: `cargo xtask serve`, or another one by VISAVIS_SERVER.
const server = process.env.VISAVIS_SERVER ?? 'http://localhost:7880';

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    // The polyfill would be the only inline script; every browser that runs the rest has the real thing.
    modulePreload: { polyfill: false },
    // A data: address is not 'self', which is all the page's security policy allows.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    // The SDK's chunk, in kB before compression; scripts/budget.mjs holds what counts.
    chunkSizeWarningLimit: 600,
  },
  server: {
    proxy: {
      '/api': server,
      '/rtc': { target: server, ws: true },
    },
  },
  test: {
    environment: 'node',
    include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
  },
});
