// Whose tokens are exchanged: closed until both issuer and audience are named, and every mistake is told with its cure.
import { describe, expect, test } from 'vitest'
import { readSettings, SettingsError } from '../../../src/settings.ts'

const GIVEN = {
  BASE_URL: 'https://mcp.example.com',
  DOWNSTREAM_MCP_URL: 'https://tools.example.com/mcp',
  OAUTH_AUTHORIZE_URL: 'https://idp.example',
  OAUTH_CLIENT_ID: 'broker',
  ENCRYPTION_KEY: '0123456789abcdef'.repeat(4),
}

const exchangeWith = (given: object) => readSettings({ ...GIVEN, ...given }).exchange

test('nothing is exchanged until issuer and audience are set', () => {
  expect(exchangeWith({})).toEqual({ subjects: undefined, assertionIssuers: [], longestSession: 3_600 })
  expect(exchangeWith({ AUTH_ISSUER: 'https://issuer.example' }).subjects).toBeUndefined()
  expect(exchangeWith({ AUTH_ISSUER: 'https://issuer.example', AUTH_AUDIENCE: 'a, b' }).subjects).toEqual({
    issuer: 'https://issuer.example/',
    audiences: ['a', 'b'],
  })
})

test('the name a predecessor has for the longest session is read', () => {
  expect(exchangeWith({ STS_MAX_SESSION_DURATION_SECS: '43200' }).longestSession).toBe(43_200)
})

describe('a deployment does not start with', () => {
  test.for<[string, Record<string, string>, string, RegExp]>([
    ['an audience without an issuer', { AUTH_AUDIENCE: 'a' }, 'AUTH_ISSUER', /not configured/],
    ['an issuer whose keys come over plain http', { AUTH_ISSUER: 'http://issuer.example' }, 'AUTH_ISSUER', /plain http/],
    ['itself as an issuer', { AUTH_ISSUER: 'https://mcp.example.com/', AUTH_AUDIENCE: 'a' }, 'AUTH_ISSUER', /itself/],
    [
      'itself as an identity provider',
      { ID_JAG_ISSUERS: 'https://idp.example https://mcp.example.com' },
      'ID_JAG_ISSUERS',
      /itself/,
    ],
    ['an issuer that is none', { AUTH_ISSUER: 'issuer', AUTH_AUDIENCE: 'a' }, 'AUTH_ISSUER', /not an http/],
    ['an identity provider that is none', { ID_JAG_ISSUERS: 'idp.example' }, 'ID_JAG_ISSUERS', /no issuer/],
    ['sessions that are too short', { STS_MAX_SESSION_DURATION: '899' }, 'STS_MAX_SESSION_DURATION', /900 and 43200/],
    ['sessions that are too long', { STS_MAX_SESSION_DURATION: '43201' }, 'STS_MAX_SESSION_DURATION', /900 and 43200/],
  ])('%s', ([, given, variable, problem]) => {
    const problems = problemsWith(given)
    expect(problems).toEqual([{ variable, problem: expect.stringMatching(problem), cure: expect.any(String) }])
  })
})

function problemsWith(given: object): SettingsError['problems'] {
  try {
    exchangeWith(given)
    return []
  } catch (error) {
    if (error instanceof SettingsError) return error.problems
    throw error
  }
}
