// Settings an operator writes as JSON: frozen settings, or a list of mistakes with a cure each; never a stack trace, never a secret.
import * as fc from 'fast-check'
import { readSettings, SettingsError } from '../../src/settings/settings.ts'
import { fuzzTarget, hostileJson, mutated } from './target.ts'

const CANARY = 'canary-5e1f'
/** More than any variable holds: Cloudflare allows 5 KB each. */
const MOST_BYTES = 20_000
const KEYS = [
  'name',
  'url',
  'auth',
  'tools',
  'allow',
  'deny',
  'groups',
  'emails',
  'scopes',
  'tool_scopes',
  'limits',
  'requests',
  'window',
  'streams',
  'headers',
  'oauth',
  'client_id',
  'client_secret',
  'id',
  'secret',
  'redirect_uris',
  'issuer',
  'type',
  'restrict_to',
  'transport',
  '__proto__',
]
const TEXTS = [
  'files',
  'https://mcp.example/mcp',
  'http://127.0.0.1/mcp',
  'oauth',
  'static',
  'none',
  'read-only',
  '$SECRET',
  '$MISSING',
  '*',
  'google',
  'entra',
  'github',
  'https://idp.example',
  'vscode://x/cb',
]

const values = hostileJson(KEYS, TEXTS)
const entry = fc.dictionary(fc.constantFrom(...KEYS), values, { maxKeys: 6 })
const honest = (base: object): fc.Arbitrary<string> =>
  fc.oneof(entry, fc.constant({})).map((lie) => JSON.stringify([{ ...base, ...lie }]))
const json = (base: object): fc.Arbitrary<string | undefined> =>
  fc.option(
    fc.oneof(
      honest(base),
      mutated(honest(base)),
      values.map((value) => JSON.stringify(value)),
    ),
    { nil: undefined },
  )

const environments = fc.record({
  DOWNSTREAMS: json({ name: 'files', url: 'https://mcp.example/mcp' }),
  IDENTITY_PROVIDERS: json({ type: 'oidc', issuer: 'https://idp.example', client_id: 'c', client_secret: '$SECRET' }),
  CLIENTS: json({ id: 'my-client', name: 'Client', redirect_uris: ['https://a.example/cb'] }),
  DOWNSTREAM_HEADERS: json({ 'x-api-key': '$SECRET' }),
  ADMIN_GROUPS: fc.constantFrom('admins', 'idp:admins', undefined),
})

const BASE = {
  BASE_URL: 'https://mcp.example.com',
  ENCRYPTION_KEY: '0123456789abcdef'.repeat(4),
  SECRET: CANARY.repeat(3),
  OAUTH_AUTHORIZE_URL: 'https://idp.example',
  OAUTH_CLIENT_ID: 'broker',
  OAUTH_CLIENT_SECRET: CANARY.repeat(2),
}

export const settingsJson = fuzzTarget(
  'settings JSON',
  environments,
  (given) => {
    try {
      readSettings({ ...BASE, ...given })
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error
      if (error.problems.length === 0) throw new Error('refused without a word', { cause: error })
      for (const { variable, problem, cure } of error.problems) {
        if (!/^[A-Z][A-Z0-9_]*$/.test(variable) || problem === '' || cure === '')
          throw new Error(`no help: ${variable} ${problem}`, { cause: error })
        if (`${problem}${cure}`.includes(CANARY)) throw new Error('a secret was shown', { cause: error })
      }
    }
  },
  [
    {
      name: 'many servers',
      prepare: (size) =>
        reading({
          DOWNSTREAMS: JSON.stringify(
            Array.from({ length: size / 50 }, (_, at) => ({ name: `s${at}`, url: 'https://mcp.example/mcp' })),
          ),
        }),
      most: MOST_BYTES,
    },
    { name: 'nesting', prepare: (size) => reading({ DOWNSTREAMS: '['.repeat(size) }), most: MOST_BYTES },
    {
      name: 'references',
      prepare: (size) => reading({ DOWNSTREAM_HEADERS: JSON.stringify({ 'x-a': '$SECRET'.repeat(size / 7) }) }),
      most: MOST_BYTES,
    },
    { name: 'words', prepare: (size) => reading({ ADMIN_GROUPS: 'a, '.repeat(size / 3) }), most: MOST_BYTES },
  ],
)

function reading(given: Readonly<Record<string, string>>): () => unknown {
  return () => {
    try {
      return readSettings({ ...BASE, ...given })
    } catch (error) {
      if (error instanceof SettingsError) return error
      throw error
    }
  }
}
