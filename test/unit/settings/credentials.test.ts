// What the one server at /mcp is shown: read as the servers of DOWNSTREAMS are, and every mistake by its variable.
import { describe, expect, test } from 'vitest'
import { readSettings, SettingsError } from '../../../src/settings/settings.ts'
import type { Downstream } from '../../../src/settings/downstreams.ts'
import { GOOD, ONE_SERVER } from './good.ts'

type Environment = Readonly<Record<string, string>>

const SINGLE: Environment = { ...GOOD, ...ONE_SERVER }

test.for<[string, Environment, Partial<Downstream>]>([
  [
    'fixed headers',
    { DOWNSTREAM_AUTH: 'static', DOWNSTREAM_HEADERS: '{"X-Api-Key":"$TOOLS_KEY","X-Team":"$$5"}', TOOLS_KEY: 'k3y' },
    { auth: 'static', headers: { 'x-api-key': 'k3y', 'x-team': '$5' } },
  ],
  [
    'a service token of Access, by the names of the predecessor',
    { DOWNSTREAM_AUTH: 'access-service-token', CF_ACCESS_SERVICE_CLIENT_ID: 'id.access', CF_ACCESS_SERVICE_CLIENT_SECRET: 'a$b' },
    { auth: 'access-service-token', headers: { 'cf-access-client-id': 'id.access', 'cf-access-client-secret': 'a$b' } },
  ],
  [
    'a client entered at the server',
    { DOWNSTREAM_AUTH: 'oauth', DOWNSTREAM_OAUTH_CLIENT_ID: 'broker', DOWNSTREAM_OAUTH_SCOPES: 'read, write' },
    { auth: 'oauth', oauthClient: { id: 'broker', secret: undefined, scopes: ['read', 'write'] } },
  ],
  [
    'what an operator knows better than the metadata of the server',
    {
      DOWNSTREAM_AUTH: 'oauth',
      DOWNSTREAM_OAUTH_CLIENT_AUTH: 'client_secret_post',
      DOWNSTREAM_OAUTH_AUTHORIZE_PARAMETERS: '{"audience":"https://api.example.com"}',
    },
    {
      auth: 'oauth',
      authorization: { clientAuth: 'client_secret_post', parameters: { audience: 'https://api.example.com' } },
    },
  ],
  ['a client that registers by itself', { DOWNSTREAM_AUTH: 'oauth' }, { auth: 'oauth' }],
])('%s', ([, given, expected]) => {
  expect(readSettings({ ...SINGLE, ...given }).downstreams[0]).toMatchObject(expected)
})

const fixed = (headers?: string): Environment => ({
  DOWNSTREAM_AUTH: 'static',
  ...(headers !== undefined && { DOWNSTREAM_HEADERS: headers }),
})
/** Of a sign-in of the server's own; the variables without their common beginning. */
const signIn = (variables: Environment): Environment => ({
  DOWNSTREAM_AUTH: 'oauth',
  ...Object.fromEntries(Object.entries(variables).map(([name, value]) => [`DOWNSTREAM_OAUTH_${name}`, value])),
})

describe('a mistake is named with its cure:', () => {
  test.for<[string, Environment, string]>([
    ['no headers', fixed(), 'DOWNSTREAM_HEADERS is missing'],
    ['no JSON', fixed('k3y'), 'DOWNSTREAM_HEADERS is not a JSON object'],
    [
      'a header that says who a person is',
      fixed('{"X-User-Email":"a@b.c"}'),
      'DOWNSTREAM_HEADERS names X-User-Email, which is a header that the broker sets itself',
    ],
    [
      'a value over two lines',
      fixed('{"X-Api-Key":"a\\nX-User-Email: b"}'),
      'DOWNSTREAM_HEADERS names X-Api-Key, which holds characters that no header can carry',
    ],
    [
      'a secret that is not set',
      fixed('{"X-Api-Key":"$NOT_THERE"}'),
      'DOWNSTREAM_HEADERS names X-Api-Key, which names $NOT_THERE, which is not set',
    ],
    [
      'a parameter that is ours',
      signIn({ AUTHORIZE_PARAMETERS: '{"State":"x"}' }),
      'DOWNSTREAM_OAUTH_AUTHORIZE_PARAMETERS is a parameter that the broker sets itself',
    ],
    [
      'the resource of the server',
      signIn({ AUTHORIZE_PARAMETERS: '{"resource":"x"}' }),
      'DOWNSTREAM_OAUTH_AUTHORIZE_PARAMETERS names resource, a parameter that the broker sets itself',
    ],
    [
      'a way to authenticate that is none',
      signIn({ CLIENT_AUTH: 'basic' }),
      'DOWNSTREAM_OAUTH_CLIENT_AUTH is none of client_secret_basic, client_secret_basic_raw, client_secret_post',
    ],
    [
      'half of a service token',
      { DOWNSTREAM_AUTH: 'access-service-token', DOWNSTREAM_ACCESS_CLIENT_ID: 'id' },
      'DOWNSTREAM_ACCESS_CLIENT_SECRET not configured',
    ],
    ['a secret without its client', signIn({ CLIENT_SECRET: 's3cret' }), 'DOWNSTREAM_OAUTH_CLIENT_ID not configured'],
    ['a credential nobody sends', { DOWNSTREAM_HEADERS: '{"X-Api-Key":"k3y"}' }, 'is not sent with DOWNSTREAM_AUTH=identity-jwt'],
    [
      'a secret in the open',
      { ...fixed('{"X-Api-Key":"k3y"}'), DOWNSTREAM_MCP_URL: 'http://tools.example.com/mcp' },
      'static would send a secret over plain http',
    ],
  ])('%s', ([, given, sentence]) => {
    const mistake = mistakeIn({ ...SINGLE, ...given })
    expect(mistake.message).toContain(sentence)
    expect(mistake.problems.every(({ cure }) => cure.length > 10)).toBe(true)
    expect(mistake.message).not.toMatch(/k3y|s3cret/)
  })
})

function mistakeIn(environment: Environment): SettingsError {
  try {
    readSettings(environment)
  } catch (error) {
    if (error instanceof SettingsError) return error
    throw error
  }
  throw new Error('nothing was wrong with these settings')
}
