// Clients an operator enters in CLIENTS: what they become, and how every mistake is named.
import { describe, expect, test } from 'vitest'
import { readClients } from '../../../src/settings/clients.ts'

const REDIRECT = 'https://console.widgets.dev/cb'
const SECRET = 'a secret that an operator has made up'
const base = { BASE_URL: 'https://mcp.widgets.dev', CONSOLE_SECRET: SECRET, SHORT: 'short' }
const good = { id: 'console', name: 'Console', redirect_uris: [REDIRECT] }
const key = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
}

const read = (...clients: readonly object[]) => readClients({ ...base, CLIENTS: JSON.stringify(clients) })

test('without the setting there are none', () => {
  expect(readClients(base)).toEqual({ clients: [], problems: [] })
})

describe('a client is', () => {
  test.for<[string, object, object]>([
    ['public, when it has neither secret nor keys', {}, { record: { ...fromSettings(), authMethod: 'none' }, secret: undefined }],
    [
      'confidential, when it has a secret',
      { secret: '$CONSOLE_SECRET' },
      { record: { authMethod: 'client_secret_basic' }, secret: SECRET },
    ],
    [
      'one that signs, when it has keys',
      { jwks: { keys: [key] } },
      { record: { authMethod: 'private_key_jwt', keys: { jwks: expect.any(String) } } },
    ],
    [
      'one that signs, when it publishes keys',
      { jwks_uri: 'https://console.widgets.dev/jwks' },
      { record: { authMethod: 'private_key_jwt' } },
    ],
    ['bound to its scopes', { scopes: ['mcp'] }, { record: { scopes: ['mcp'] } }],
  ])('%s', ([, changes, expected]) => {
    const { clients, problems } = read({ ...good, ...changes })
    expect(problems).toEqual([])
    expect(clients).toMatchObject([expected])
  })

  test('never known by its secret to whoever gets its record', () => {
    const [client] = read({ ...good, secret: '$CONSOLE_SECRET' }).clients
    expect(JSON.stringify(client?.record)).not.toContain(SECRET)
  })
})

function fromSettings(): object {
  return {
    id: 'console',
    name: 'Console',
    knownBy: 'settings',
    redirectUris: [REDIRECT],
    grantTypes: ['authorization_code', 'refresh_token'],
  }
}

describe('a mistake is named, and no secret repeated, when', () => {
  test.for<[string, readonly object[], RegExp]>([
    ['an id could be a registered one', [{ ...good, id: 'pub_console' }], /^0\.id begins like/],
    ['an id is that of /.sts', [{ ...good, id: 'sts' }], /^0\.id is the id of/],
    ['an id is an address', [{ ...good, id: 'https://console.widgets.dev/c' }], /^0\.id/],
    ['an id would have to be encoded', [{ ...good, id: 'the console' }], /^0\.id has characters/],
    ['two have the same id', [good, good], /^1\.id is there twice/],
    ['one has no name', [{ ...good, name: ' ' }], /^0\.name/],
    ['one goes nowhere', [{ ...good, redirect_uris: [] }], /^0\.redirect_uris is empty/],
    ['one goes to a script', [{ ...good, redirect_uris: ['javascript:alert(1)'] }], /^0\.redirect_uris\.0 is neither/],
    ['a secret is written out', [{ ...good, secret: SECRET }], /^0\.secret is written out/],
    ['a secret is not set', [{ ...good, secret: '$OTHER' }], /^0\.secret names \$OTHER, which is not set/],
    ['a secret is short', [{ ...good, secret: '$SHORT' }], /^0\.secret is shorter than 16/],
    [
      'one has a secret and keys',
      [{ ...good, secret: '$CONSOLE_SECRET', jwks: { keys: [key] } }],
      /^0\.secret stands beside keys/,
    ],
    ['a key is private', [{ ...good, jwks: { keys: [{ ...key, d: 'x' }] } }], /^0\.jwks is not a set/],
    ['keys are inside', [{ ...good, jwks_uri: 'https://10.0.0.1/jwks' }], /^0\.jwks_uri can not be used/],
    ['a field is misspelt', [{ ...good, redirect_uri: REDIRECT }], /redirect_uri/],
  ])('%s', ([, clients, problem]) => {
    const { problems } = read(...clients)
    expect(problems).toMatchObject([{ variable: 'CLIENTS', problem: expect.stringMatching(problem), cure: expect.any(String) }])
    expect(JSON.stringify(problems)).not.toContain(SECRET)
  })

  test.for(['not json', '{}', '"x"', '[1]'])('it is %s', (written) => {
    expect(readClients({ ...base, CLIENTS: written }).problems).toMatchObject([{ variable: 'CLIENTS' }])
  })
})
