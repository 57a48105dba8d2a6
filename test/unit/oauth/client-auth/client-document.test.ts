// What the document of a client may say, and the client it makes.
import { describe, expect, test } from 'vitest'
import { clientOfDocument } from '../../../../src/oauth/client-auth/client-document.ts'
import { addressPolicy } from '../../../../src/clients/public-address.ts'
import { DOCUMENT_CLIENTS } from '../../../world/client-documents.ts'

const ID = 'https://client.dev/oauth/client.json'
const policy = addressPolicy('https://mcp.widgets.dev', [])
const good = { client_id: ID, client_name: 'Widget', redirect_uris: ['https://client.dev/cb'] }
const publicKey = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
}
const read = (changes: object) => clientOfDocument(ID, { ...good, ...changes }, policy)

describe('a document describes', () => {
  test.for(DOCUMENT_CLIENTS.map((client) => [client.name, client] as const))(
    '%s, as it is published',
    ([name, { id, document, authMethod }]) => {
      expect(clientOfDocument(id, { client_id: id, ...document }, policy)).toMatchObject({
        id,
        name,
        knownBy: 'document',
        authMethod,
      })
    },
  )

  test('a client with the least there can be: public, and allowed to refresh', () => {
    expect(read({})).toMatchObject({ name: 'Widget', authMethod: 'none', grantTypes: ['authorization_code', 'refresh_token'] })
  })

  test('a client whose other redirect URIs are of a kind nobody is sent to here', () => {
    const redirect_uris = ['javascript:alert(1)', 'http://client.dev/cb', 'https://client.dev/cb', 'strangeide://cb']
    expect(read({ redirect_uris }).redirectUris).toEqual(['https://client.dev/cb'])
  })

  test('a client whose scheme the operator has named', () => {
    const document = { ...good, redirect_uris: ['acme-agent://cb', 'other-agent://cb'] }
    expect(clientOfDocument(ID, document, policy, ['acme-agent']).redirectUris).toEqual(['acme-agent://cb'])
    expect(() => clientOfDocument(ID, document, policy)).toThrow('has no redirect URI that is allowed here')
  })

  test('a client that signs, with keys inside or at an address', () => {
    const signs = { token_endpoint_auth_method: 'private_key_jwt' }
    expect(read({ ...signs, jwks: { keys: [publicKey] } })).toMatchObject({
      authMethod: 'private_key_jwt',
      keys: { jwks: expect.any(String) },
    })
    expect(read({ ...signs, jwks_uri: 'https://client.dev/jwks' })).toMatchObject({
      keys: { jwksUri: 'https://client.dev/jwks' },
    })
  })
})

describe('attack 20: a document is refused that', () => {
  test.for<[string, unknown]>([
    ['belongs to another address', { ...good, client_id: 'https://evil.dev/oauth/client.json' }],
    ['belongs to the same address in another spelling', { ...good, client_id: 'https://CLIENT.dev/oauth/client.json' }],
    ['belongs to the same address with a slash', { ...good, client_id: `${ID}/` }],
    ['does not say whose it is', { ...good, client_id: undefined }],
    ['has no name', { ...good, client_name: undefined }],
    ['has a name of spaces', { ...good, client_name: '  ' }],
    ['has no redirect URIs', { ...good, redirect_uris: undefined }],
    ['has an empty list of redirect URIs', { ...good, redirect_uris: [] }],
    ['has only redirect URIs that are not allowed', { ...good, redirect_uris: ['javascript:alert(1)', 'http://client.dev/cb'] }],
    ['has a hundred redirect URIs', { ...good, redirect_uris: Array.from({ length: 100 }, (_, n) => `https://client.dev/${n}`) }],
    ['holds a client secret', { ...good, client_secret: 'x' }],
    ['holds an empty client secret', { ...good, client_secret: '' }],
    ['says when its secret expires', { ...good, client_secret_expires_at: 0 }],
    ['wants to use a secret in the body', { ...good, token_endpoint_auth_method: 'client_secret_post' }],
    ['wants to use a secret as Basic', { ...good, token_endpoint_auth_method: 'client_secret_basic' }],
    ['wants to sign with a secret', { ...good, token_endpoint_auth_method: 'client_secret_jwt' }],
    ['signs and has no keys', { ...good, token_endpoint_auth_method: 'private_key_jwt' }],
    ['holds a private key', { ...good, jwks: { keys: [{ ...publicKey, d: 'x' }] } }],
    ['holds a symmetric key', { ...good, jwks: { keys: [{ kty: 'oct', k: 'x' }] } }],
    ['holds no key at all', { ...good, jwks: { keys: [] } }],
    ['gives keys twice', { ...good, jwks: { keys: [publicKey] }, jwks_uri: 'https://client.dev/jwks' }],
    ['has its keys on this computer', { ...good, jwks_uri: 'http://127.0.0.1/jwks' }],
    ['has its keys in the cloud’s metadata', { ...good, jwks_uri: 'https://169.254.169.254/jwks' }],
    ['has its keys at the broker', { ...good, jwks_uri: 'https://mcp.widgets.dev/.well-known/jwks.json' }],
    ['can not use a code', { ...good, grant_types: ['client_credentials'] }],
    ['is a list', [good]],
    ['is nothing', null],
    ['is a text', 'client'],
  ])('%s', ([, document]) => {
    expect(() => clientOfDocument(ID, document, policy)).toThrow(expect.objectContaining({ code: 'invalid_client_metadata' }))
  })
})
