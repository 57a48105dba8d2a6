// The environment files of the systems this one succeeds start it as they are.
import { describe, expect, test } from 'vitest'
import { readSettings } from '../../../src/settings/settings.ts'

const RANDOM_HEX = '6f1d0c3b9a7e5f2418c7b6a5d4e3f2019b8a7c6d5e4f30211203f4e5d6c7b8a9'
const RANDOM_BASE64 = btoa(String.fromCodePoint(...(RANDOM_HEX.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))))

/** The names and the forms of the values stand in their documentation; the values are made up. */
const ACCESS_PROXY = {
  CF_ACCESS_TEAM_DOMAIN: 'example-team',
  CF_ACCESS_CLIENT_ID: 'c1d2e3f4a5b6',
  CF_ACCESS_CLIENT_SECRET: 'a secret Access made',
  COOKIE_ENCRYPTION_KEY: RANDOM_HEX,
  DOWNSTREAM_MCP_URL: 'https://tools.example.com/mcp',
}
const OBOT = {
  DATABASE_DSN: 'data/oauth_proxy.db',
  OAUTH_CLIENT_ID: 'an id of the provider',
  OAUTH_CLIENT_SECRET: 'a secret the provider made',
  OAUTH_AUTHORIZE_URL: 'https://accounts.google.com',
  SCOPES_SUPPORTED: 'openid,profile,email',
  MCP_SERVER_URL: 'http://localhost:3000',
  ENCRYPTION_KEY: RANDOM_BASE64,
  PORT: '8080',
  HOST: '0.0.0.0',
}

describe('the file of', () => {
  test('the OAuth proxy for Cloudflare Access', () => {
    expect(readSettings(ACCESS_PROXY)).toMatchObject({
      baseUrl: 'http://localhost:8788',
      downstreams: [{ path: '/mcp', url: 'https://tools.example.com/mcp' }],
    })
  })

  test('obot mcp-oauth-proxy, whose server without a path is asked at the path clients ask for', () => {
    expect(readSettings(OBOT)).toMatchObject({ downstreams: [{ path: '/mcp', url: 'http://localhost:3000/mcp' }] })
  })

  test('obot mcp-oauth-proxy with GitHub', () => {
    const github = { OAUTH_AUTHORIZE_URL: 'https://github.com/login/oauth', SCOPES_SUPPORTED: 'read:user,user:email' }
    expect(readSettings({ ...OBOT, ...github }).downstreams).toHaveLength(1)
  })
})
