// What a registration may say: payloads of real clients are taken as they come, and every refusal names the member at fault.
import { OAuthClientInformationFullSchema } from '@modelcontextprotocol/sdk/shared/auth.js'
import { isSpecType } from '@modelcontextprotocol/client'
import { describe, expect, test } from 'vitest'
import { readRegistration, registrationResponse } from '../../../../src/oauth/client-auth/client-metadata.ts'

const good = { redirect_uris: ['https://client.example/cb'], token_endpoint_auth_method: 'none' }

const cursor = {
  redirect_uris: [
    'cursor://anysphere.cursor-mcp/oauth/callback',
    'https://www.cursor.com/agents/mcp/oauth/callback',
    'http://localhost:8787/callback',
  ],
  client_name: 'Cursor',
  client_uri: 'https://cursor.com',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
  application_type: 'web',
  scope: 'mcp offline_access profile',
}

function answerTo(document: unknown, secret?: string): Record<string, unknown> {
  const { metadata, scopes } = readRegistration(document)
  const record = { ...metadata, id: 'pub_id', registeredAt: 1_800_000_000 }
  const answer: Record<string, unknown> = JSON.parse(JSON.stringify(registrationResponse(record, scopes, secret)))
  return answer
}

const long = (bytes: number): string[] =>
  Array.from({ length: 20 }, (_, n) => `https://client.example/${n}/${'a'.repeat(bytes / 20)}`)
const uris = (count: number) => Array.from({ length: count }, (_, n) => `https://client.example/${n}`)

describe('a registration is accepted from', () => {
  test('Cursor: a private scheme, https and loopback in one, called a web application', () => {
    expect(answerTo(cursor)).toMatchObject({
      redirect_uris: cursor.redirect_uris,
      application_type: 'web',
      client_name: 'Cursor',
    })
  })

  test('mcp-remote: a native application with every member', () => {
    const asked = {
      redirect_uris: ['http://localhost:3334/oauth/callback'],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      client_name: 'MCP CLI Proxy',
      client_uri: 'https://github.com/modelcontextprotocol/mcp-cli',
      software_id: '2e6dc280-f3c3-4e01-99a7-8181dbd1d23d',
      software_version: '0.15.1',
      scope: 'mcp offline_access',
      application_type: 'native',
    }
    expect(answerTo(asked)).toMatchObject(asked)
  })

  test('a client that says only where to send the person: it gets a secret, as RFC 7591 defaults to client_secret_basic', () => {
    expect(readRegistration({ redirect_uris: ['https://client.example/cb'] }).metadata.authMethod).toBe('client_secret_basic')
  })

  test('a client that does not name its grants: it may refresh too', () => {
    expect(readRegistration(good).metadata.grantTypes).toEqual(['authorization_code', 'refresh_token'])
  })

  test('a client that wants no refresh token: it gets none', () => {
    expect(readRegistration({ ...good, grant_types: ['authorization_code'] }).metadata.grantTypes).toEqual(['authorization_code'])
  })

  test('a client that also wants grants we lack: they are left out', () => {
    const { metadata } = readRegistration({ ...good, grant_types: ['implicit', 'authorization_code', 'urn:x'] })
    expect(metadata.grantTypes).toEqual(['authorization_code'])
  })

  test.for<[string, object]>([
    [
      'that is null',
      { client_name: null, client_uri: null, scope: null, grant_types: null, application_type: null, software_id: null },
    ],
    ['of the wrong type', { client_name: 7, client_uri: {}, scope: ['mcp'], application_type: true, software_version: 1.5 }],
    ['that we do not know', { logo_uri: 'x', jwks: { keys: [] }, contacts: [], 'x-y': 1, client_id: 'mine' }],
    [
      'that is too long and decides nothing',
      { software_id: 'x'.repeat(500), client_uri: `https://client.example/${'x'.repeat(3000)}` },
    ],
    ['that is a link no page should show', { client_uri: 'javascript:alert(1)' }],
    ['that asks for other response types', { response_types: ['token', 'id_token'] }],
  ])('a client with a member %s, which is ignored', ([, members]) => {
    expect(answerTo({ ...good, ...members })).toEqual(answerTo(good))
  })

  test('a client whose secret method was null', () => {
    expect(readRegistration({ ...good, token_endpoint_auth_method: null }).metadata.authMethod).toBe('client_secret_basic')
  })
})

describe('attacks 3, 17 and 18: a registration is refused when', () => {
  test.for<[string, unknown, string, RegExp]>([
    ['it is a list', [], 'invalid_client_metadata', /not a JSON object/],
    ['it is null', null, 'invalid_client_metadata', /not a JSON object/],
    ['it is text', 'x', 'invalid_client_metadata', /not a JSON object/],
    ['it has no redirect URI', {}, 'invalid_redirect_uri', /redirect_uris is missing/],
    ['its list of redirect URIs is empty', { redirect_uris: [] }, 'invalid_redirect_uri', /redirect_uris is missing/],
    [
      'its redirect URIs are one text',
      { redirect_uris: 'https://client.example/cb' },
      'invalid_redirect_uri',
      /not a list of strings/,
    ],
    ['a redirect URI is null', { redirect_uris: [null] }, 'invalid_redirect_uri', /not a list of strings/],
    ['it has a hundred redirect URIs', { redirect_uris: uris(100) }, 'invalid_redirect_uri', /100 entries: at most 20/],
    ['it has one redirect URI too many', { redirect_uris: uris(21) }, 'invalid_redirect_uri', /21 entries: at most 20/],
    [
      'one redirect URI among good ones runs script',
      { redirect_uris: ['https://client.example/cb', 'javascript:alert(1)'] },
      'invalid_redirect_uri',
      /redirect_uris\[1\] \(javascript:alert\(1\)\)/,
    ],
    [
      'a redirect URI is plain http',
      { redirect_uris: ['http://client.example/cb'] },
      'invalid_redirect_uri',
      /redirect_uris\[0\]/,
    ],
    ['a redirect URI holds quotes and newlines', { redirect_uris: ['x:"\\\r\n'] }, 'invalid_redirect_uri', /\(x:\?\?\?\?\)/],
    [
      'it authenticates in a way we lack',
      { ...good, token_endpoint_auth_method: 'client_secret_jwt' },
      'invalid_client_metadata',
      /unsupported token_endpoint_auth_method client_secret_jwt/,
    ],
    [
      'its way to authenticate is a number',
      { ...good, token_endpoint_auth_method: 1 },
      'invalid_client_metadata',
      /token_endpoint_auth_method has/,
    ],
    ['it can not use a code', { ...good, grant_types: ['client_credentials'] }, 'invalid_client_metadata', /authorization_code/],
    [
      'its grants are one text',
      { ...good, grant_types: 'authorization_code' },
      'invalid_client_metadata',
      /grant_types has the wrong type/,
    ],
    ['its name is endless', { ...good, client_name: 'x'.repeat(201) }, 'invalid_client_metadata', /longer than 200/],
  ])('%s', ([, document, code, message]) => {
    expect(() => readRegistration(document)).toThrow(expect.objectContaining({ code, status: 400 }))
    expect(() => readRegistration(document)).toThrow(message)
  })
})

describe('the answer to a registration', () => {
  test('gives every redirect URI back unmodified, even a doubled and an oddly written one', () => {
    const redirect_uris = ['https://Client.example:443/cb?a=%7e', 'https://Client.example:443/cb?a=%7e', 'http://127.0.0.1']
    expect(answerTo({ ...good, redirect_uris })['redirect_uris']).toEqual(redirect_uris)
  })

  test('holds no null, and says when the id was issued', () => {
    const answer = answerTo(good)
    expect(Object.values(answer)).not.toContain(null)
    expect(answer).toEqual({
      client_id: 'pub_id',
      client_id_issued_at: 1_800_000_000,
      redirect_uris: good.redirect_uris,
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    })
  })

  test('says that a secret never expires', () => {
    expect(answerTo({ redirect_uris: good.redirect_uris }, 'derived')).toMatchObject({
      client_secret: 'derived',
      client_secret_expires_at: 0,
    })
  })

  test.for<[string, unknown, string | undefined]>([
    ['Cursor', cursor, undefined],
    ['a confidential client', { redirect_uris: good.redirect_uris }, 'derived'],
    ['the least there can be', good, undefined],
  ])('is understood by the SDKs of both generations: %s', ([, document, secret]) => {
    const answer = answerTo(document, secret)
    expect(OAuthClientInformationFullSchema.safeParse(answer).error).toBeUndefined()
    expect(isSpecType.OAuthClientInformationFull(answer)).toBe(true)
  })
})

test('a registration that would take more than 16 KiB to keep is refused, in whichever member they are', () => {
  expect(readRegistration({ ...good, redirect_uris: long(14_000) }).metadata.redirectUris).toHaveLength(20)
  expect(() => readRegistration({ ...good, redirect_uris: long(40_000) })).toThrow(
    expect.objectContaining({
      code: 'invalid_client_metadata',
      message: expect.stringMatching(/bytes: at most 16384 are kept$/),
    }),
  )
})
