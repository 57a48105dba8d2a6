// One world, three distances: pure code in Node, the parts inside workerd, the built Worker from outside.
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { memoryFolder } from './test/world/memory-folder.ts'
import { outside } from './test/workers/outside.ts'

// A runtime that is killed loses no more there than on a disk: what the system has been given it keeps.
const inMemory = memoryFolder()
if (inMemory !== undefined) process.env['TMPDIR'] ??= inMemory
// What a program has compiled, the next one that starts does not compile again: tests start the programs of this repository a hundred times.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/compiled')

const AGAINST_ATTACKS = ['test/e2e/attacks/**/*.test.ts', 'test/e2e/races.test.ts']

/** Files at a time, of every kind, and one more than two cores: half of what a file does is waiting. One queue, so that no core waits for the last file of one kind before it may begin with the next. */
const AT_A_TIME = Math.max(3, Math.floor(availableParallelism() / 2))

/** A process goes on with the next file: starting one and loading what it needs costs more than most files. Nothing of a file stays. */
const ONE_AFTER_THE_OTHER = {
  isolate: false,
  maxWorkers: AT_A_TIME,
  setupFiles: ['test/world/nothing-left.ts'],
  // What is waited for may be late on a busy machine; a second is the default.
  expect: { poll: { timeout: 10_000 } },
  hookTimeout: 60_000,
}

const WITH_THE_WORKER = { globalSetup: ['test/world/built.ts'] }

export default defineConfig({
  test: {
    // What a passing test logs tells nobody anything, and hides why another one failed.
    silent: 'passed-only',
    // Istanbul counts in workerd too, where V8's own counters cannot be read.
    coverage: {
      provider: 'istanbul',
      include: ['src/**/*.{ts,tsx}'],
      reporter: ['text-summary', 'html'],
      reportsDirectory: 'test/artifacts/coverage',
    },
    projects: [
      // The slowest of these start a linter; nothing here waits for that long by itself.
      { test: { ...ONE_AFTER_THE_OTHER, name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 30_000 } },
      {
        plugins: [
          cloudflareTest({
            // An exception that a test brings about on purpose is no news.
            verbose: false,
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
                  { name: 'asking', url: 'http://127.0.0.1:9/asking', auth: 'none', era: 'legacy', era_bridge: true },
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
        test: {
          ...ONE_AFTER_THE_OTHER,
          name: 'workers',
          include: ['test/workers/**/*.test.ts'],
          setupFiles: [...ONE_AFTER_THE_OTHER.setupFiles, 'test/workers/fresh-storage.ts'],
          testTimeout: 30_000,
        },
      },
      // What holds a promise of security is never tried again: a race that is lost once in three times is lost.
      { test: { ...ONE_AFTER_THE_OTHER, ...WITH_THE_WORKER, testTimeout: 240_000, name: 'attacks', include: AGAINST_ATTACKS } },
      // Real browsers and clients share two cores in CI: what only a busy machine brought about is tried up to twice more, and shown as a retry.
      {
        test: {
          ...ONE_AFTER_THE_OTHER,
          ...WITH_THE_WORKER,
          testTimeout: 60_000,
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: AGAINST_ATTACKS,
          retry: process.env['CI'] ? 2 : 0,
        },
      },
    ],
  },
})
