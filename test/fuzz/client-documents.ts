// What clients say about themselves, in a registration or a document: read, or refused with a code of RFC 7591.
import * as fc from 'fast-check'
import { clientOfDocument } from '../../src/oauth/client-auth/client-document.ts'
import { readRegistration } from '../../src/oauth/client-auth/client-metadata.ts'
import { OAuthError } from '../../src/clients/oauth-error.ts'
import { STRANGERS_ONLY } from '../../src/clients/public-address.ts'
import { acceptableRedirectUri } from '../../src/clients/redirect-uri.ts'
import { fuzzTarget, hostileJson } from './target.ts'

const ID = 'https://client.example/id.json'
const MEMBERS = [
  'client_id',
  'client_name',
  'client_uri',
  'redirect_uris',
  'grant_types',
  'response_types',
  'token_endpoint_auth_method',
  'token_endpoint_auth_methods_supported',
  'jwks',
  'jwks_uri',
  'client_secret',
  'scope',
  'software_id',
  'application_type',
  '__proto__',
  'keys',
  'kty',
  'd',
  'k',
]
const TEXTS = [
  ID,
  'https://a.example/cb',
  'http://127.0.0.1/cb',
  'javascript:alert(1)',
  'none',
  'private_key_jwt',
  'RSA',
  'EC',
  'oct',
  'authorization_code',
  '<b>',
  'https://127.0.0.1/keys',
]

const lies = fc.dictionary(fc.constantFrom(...MEMBERS), hostileJson(MEMBERS, TEXTS), { maxKeys: 6 })
const HONEST = { client_id: ID, client_name: 'Client', redirect_uris: ['https://a.example/cb'] }

export const clientDocument = fuzzTarget(
  'client document',
  fc.oneof({ weight: 5, arbitrary: lies.map((lie) => ({ ...HONEST, ...lie })) }, hostileJson(MEMBERS, TEXTS)),
  (document) => {
    const described = orRefused(() => clientOfDocument(ID, document, STRANGERS_ONLY))
    if (described && described.id !== ID) throw new Error('a document described another client')
    check(described)
    const registered = orRefused(() => readRegistration(document))
    check(registered?.metadata)
  },
  [
    {
      name: 'many redirect URIs',
      prepare: (size) => registering({ redirect_uris: Array.from({ length: size / 25 }, () => 'https://a.example/cb') }),
    },
    {
      name: 'a long redirect URI',
      prepare: (size) => registering({ redirect_uris: [`https://a.example/${'%2e'.repeat(size / 3)}`] }),
    },
    { name: 'many scopes', prepare: (size) => registering({ ...HONEST, scope: 's '.repeat(size / 2) }) },
    {
      name: 'many keys',
      prepare: (size) =>
        registering({
          ...HONEST,
          token_endpoint_auth_method: 'private_key_jwt',
          jwks: { keys: Array.from({ length: size / 20 }, () => ({ kty: 'RSA', n: 'a' })) },
        }),
    },
    { name: 'a long name', prepare: (size) => registering({ ...HONEST, client_name: 'n'.repeat(size) }) },
  ],
)

interface Described {
  readonly redirectUris: readonly string[]
  readonly keys?: object | undefined
  readonly name?: string | undefined
}

function check(client: Described | undefined): void {
  if (!client) return
  for (const uri of client.redirectUris)
    if (acceptableRedirectUri(uri) === undefined) throw new Error(`${uri} would be redirected to`)
  const keys = client.keys && 'jwks' in client.keys ? String(client.keys.jwks) : ''
  if (/"(?:d|k|p|q)":/.test(keys)) throw new Error('a private key was kept')
  if ((client.name?.length ?? 0) > 200) throw new Error('a name without end was kept')
}

function orRefused<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof OAuthError && error.status < 500) return undefined
    throw error
  }
}

function registering(document: object): () => unknown {
  return () => orRefused(() => readRegistration(document))
}
