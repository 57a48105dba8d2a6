// What “Deploy to Cloudflare” asks: every line of .dev.vars.example that is no comment, and every variable of wrangler.jsonc. All of it is
// asked as required and stored as it was left, so that an example which fits a laptop would go into production.
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { describe, expect, test } from 'vitest'
import { foundation } from '../../../src/services.ts'
import { SettingsError } from '../../../src/settings/settings.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8')

const ASKED: Readonly<Record<string, string | undefined>> = parseEnv(read('.dev.vars.example'))
const DESCRIBED: Readonly<Record<string, { readonly description: string }>> = JSON.parse(read('package.json')).cloudflare.bindings
const WRANGLER = read('wrangler.jsonc')

const ANSWERED = {
  BASE_URL: 'https://mcp-session-broker.acme.workers.dev',
  DOWNSTREAM_MCP_URL: 'https://tools.acme.example/mcp',
  ENCRYPTION_KEY: '5f1d7e0a9c3b48266bd0e1f2a3b4c5d60718293a4b5c6d7e8f90a1b2c3d4e5f6',
  OAUTH_AUTHORIZE_URL: 'https://accounts.google.com',
  OAUTH_CLIENT_ID: '1234.apps.example',
  OAUTH_CLIENT_SECRET: 'GOCSPX-not-the-example',
}

describe('the Deploy to Cloudflare button', () => {
  test('asks for these, and nothing else', () => {
    expect(Object.keys(ASKED).toSorted()).toEqual(Object.keys(ANSWERED).toSorted())
    expect(WRANGLER).not.toMatch(/"(?:vars|secrets_store_secrets|kv_namespaces|d1_databases)"/)
  })

  test('says about each what it is, and about each binding that there is nothing to choose', () => {
    const bindings = [...WRANGLER.matchAll(/"name": "([A-Z_]+)"/g)].map(([, name = '']) => name)
    expect(Object.keys(DESCRIBED).toSorted()).toEqual([...Object.keys(ASKED), ...bindings].toSorted())
    expect(Object.values(DESCRIBED).filter(({ description }) => description.length < 20)).toEqual([])
  })

  test('needs no further setting when they are answered', async () => {
    expect((await foundation(ANSWERED)).settings.baseUrl).toBe(ANSWERED.BASE_URL)
  })

  // A confidential client may do without a secret at some providers, and BASE_URL is assumed for a laptop; on the Internet both are needed.
  test.for(['DOWNSTREAM_MCP_URL', 'ENCRYPTION_KEY', 'OAUTH_AUTHORIZE_URL', 'OAUTH_CLIENT_ID'])(
    'asks for %s because the broker does not start without',
    async (variable) => {
      await expect(mistakes({ ...ANSWERED, [variable]: undefined })).resolves.toEqual([[variable, 'not configured']])
    },
  )

  test('offers no value that would do harm when it is left as it is', async () => {
    expect(
      (await mistakes(ASKED)).filter(([, problem]) => problem.includes('example value')).map(([variable]) => variable),
    ).toEqual(['ENCRYPTION_KEY', 'OAUTH_CLIENT_SECRET'])
    expect(Object.values(ASKED).filter((value) => /localhost|127\.0\.0\.1|DEMO/.test(value ?? ''))).toEqual([])
  })
})

async function mistakes(env: object): Promise<(readonly [variable: string, problem: string])[]> {
  try {
    await foundation(env)
    return []
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    return error.problems.map(({ variable, problem }) => [variable, problem] as const)
  }
}
