// One world, three distances: pure code in Node, the parts inside workerd, the built Worker from outside.
import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { outside } from './test/workers/outside.ts'

const AGAINST_ATTACKS = ['test/e2e/attacks/**/*.test.ts', 'test/e2e/races.test.ts']

const END_TO_END = {
  testTimeout: 60_000,
  hookTimeout: 60_000,
  // Two worlds at a time, after everything that only computes: most of what happens in one is waiting.
  maxWorkers: 2,
  sequence: { groupOrder: 1 },
}

export default defineConfig({
  test: {
    // Istanbul counts in workerd too, where V8's own counters cannot be read.
    coverage: {
      provider: 'istanbul',
      include: ['src/**/*.{ts,tsx}'],
      reporter: ['text-summary', 'html'],
      reportsDirectory: 'test/artifacts/coverage',
    },
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.jsonc' },
            miniflare: {
              bindings: {
                BASE_URL: 'http://localhost:8788',
                DOWNSTREAM_MCP_URL: 'http://127.0.0.1:9/mcp',
                DOWNSTREAMS: JSON.stringify([
                  {
                    name: 'tickets',
                    url: 'http://127.0.0.1:9/tickets',
                    allow: { groups: ['support'], emails: ['Carol@Example.com'] },
                    limits: { requests: 20, window: 20, streams: 2 },
                  },
                  { name: 'reports', url: 'http://127.0.0.1:9/reports', tools: 'read-only', limits: { requests: 5, window: 60 } },
                  { name: 'notes', url: 'http://127.0.0.1:9/notes', auth: 'oauth' },
                ]),
                OAUTH_AUTHORIZE_URL: 'https://idp.example',
                OAUTH_CLIENT_ID: 'broker',
                OAUTH_CLIENT_SECRET: 'a secret of the tests',
                ENCRYPTION_KEY: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
                ENCRYPTION_KEY_PREVIOUS: '202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f',
              },
              outboundService: outside,
            },
          }),
        ],
        // A busy machine is slow to compile a Worker; nothing here waits for that long by itself.
        test: { name: 'workers', include: ['test/workers/**/*.test.ts'], testTimeout: 30_000 },
      },
      // What holds a promise of security is never tried again: a race that is lost once in three times is lost.
      { test: { ...END_TO_END, testTimeout: 240_000, name: 'attacks', include: AGAINST_ATTACKS } },
      // Real browsers and clients share two cores in CI: what only a busy machine brought about is tried once more, and shown as a retry.
      {
        test: {
          ...END_TO_END,
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: AGAINST_ATTACKS,
          retry: process.env['CI'] ? 2 : 0,
        },
      },
    ],
  },
})
