// What a client finds under /.well-known: the documents as the specifications want them and as both SDK generations read them.
import { discoverOAuthServerInfo as discoverV2, isSpecType } from '@modelcontextprotocol/client'
import { discoverOAuthServerInfo as discoverV1 } from '@modelcontextprotocol/sdk/client/auth.js'
import {
  OAuthMetadataSchema,
  OAuthProtectedResourceMetadataSchema,
  OpenIdProviderDiscoveryMetadataSchema,
} from '@modelcontextprotocol/sdk/shared/auth.js'
import { createLocalJWKSet, jwtVerify, SignJWT, type JSONWebKeySet } from 'jose'
import { describe, expect, test } from 'vitest'
import { keyRing } from '../../../src/issuer/keys.ts'
import { metadataRoutes } from '../../../src/routes/metadata.ts'
import { readSettings, type Settings } from '../../../src/settings/settings.ts'

const settings = readSettings({
  BASE_URL: 'https://mcp.example.com/',
  DOWNSTREAM_MCP_URL: 'https://tools.example.com/mcp',
  OAUTH_AUTHORIZE_URL: 'https://idp.example',
  OAUTH_CLIENT_ID: 'broker',
  ENCRYPTION_KEY: '0123456789abcdef'.repeat(4),
  ENCRYPTION_KEY_PREVIOUS: 'fedcba9876543210'.repeat(4),
})
const keys = await keyRing({ secret: settings.secret, previousSecret: settings.previousSecret })
const broker = metadataRoutes({ settings, keys })

async function documentAt(path: string, app = broker): Promise<Record<string, unknown>> {
  const answer = await app.request(`https://mcp.example.com${path}`)
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('application/json')
  const document: Record<string, unknown> = JSON.parse(await answer.text())
  return document
}

const fetchFn = async (url: string | URL, init?: RequestInit) => broker.request(String(url), init)

const nullsIn = (value: unknown): boolean =>
  value === null || (typeof value === 'object' && Object.values(value).some((member) => nullsIn(member)))

const SERVER_PATHS = [
  '/.well-known/oauth-authorization-server',
  '/.well-known/oauth-authorization-server/mcp',
  '/.well-known/openid-configuration',
]
const ASYMMETRIC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
const RESOURCE_PATHS = ['/.well-known/oauth-protected-resource', '/.well-known/oauth-protected-resource/mcp']

describe('the authorization server document', () => {
  test('says what this broker does', async () => {
    expect(await documentAt('/.well-known/oauth-authorization-server')).toEqual({
      issuer: 'https://mcp.example.com',
      authorization_endpoint: 'https://mcp.example.com/authorize',
      token_endpoint: 'https://mcp.example.com/token',
      registration_endpoint: 'https://mcp.example.com/register',
      revocation_endpoint: 'https://mcp.example.com/revoke',
      introspection_endpoint: 'https://mcp.example.com/introspect',
      scopes_supported: ['mcp', 'offline_access'],
      response_types_supported: ['code'],
      response_modes_supported: ['query'],
      grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
      token_endpoint_auth_signing_alg_values_supported: ASYMMETRIC,
      revocation_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
      revocation_endpoint_auth_signing_alg_values_supported: ASYMMETRIC,
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
      introspection_endpoint_auth_signing_alg_values_supported: ASYMMETRIC,
      client_id_metadata_document_supported: true,
      authorization_response_iss_parameter_supported: true,
      jwks_uri: 'https://mcp.example.com/.well-known/jwks.json',
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    })
  })

  test.for(SERVER_PATHS)('is the same, without a null, at %s', async (path) => {
    const document = await documentAt(path)
    expect(document).toEqual(await documentAt(SERVER_PATHS[0] ?? ''))
    expect(nullsIn(document)).toBe(false)
  })

  test.for(SERVER_PATHS)('satisfies the schemas of both SDK generations at %s', async (path) => {
    const document = await documentAt(path)
    expect(OAuthMetadataSchema.safeParse(document).error).toBeUndefined()
    expect(OpenIdProviderDiscoveryMetadataSchema.safeParse(document).error).toBeUndefined()
    expect(isSpecType.OAuthMetadata(document)).toBe(true)
    expect(isSpecType.OpenIdProviderDiscoveryMetadata(document)).toBe(true)
  })
})

describe('the protected resource document', () => {
  test.for(RESOURCE_PATHS)('names the resource exactly as people configure it, at %s', async (path) => {
    const document = await documentAt(path)
    expect(document).toEqual({
      resource: 'https://mcp.example.com/mcp',
      authorization_servers: ['https://mcp.example.com'],
      scopes_supported: ['mcp'],
      bearer_methods_supported: ['header'],
    })
    expect(OAuthProtectedResourceMetadataSchema.safeParse(document).error).toBeUndefined()
    expect(isSpecType.OAuthProtectedResourceMetadata(document)).toBe(true)
  })

  test('names the address of HTTP+SSE at that address: clients compare it with the one they were given', async () => {
    const document = await documentAt('/.well-known/oauth-protected-resource/sse')
    expect(document).toEqual({
      ...(await documentAt('/.well-known/oauth-protected-resource')),
      resource: 'https://mcp.example.com/sse',
    })
    expect(isSpecType.OAuthProtectedResourceMetadata(document)).toBe(true)
  })

  test('exists once per downstream, and not for the origin, when there are several', async () => {
    const [first] = settings.downstreams
    if (!first) throw new Error('the settings have no downstream')
    const wiki = {
      ...first,
      name: 'wiki',
      path: '/servers/wiki/mcp',
      resource: 'https://mcp.example.com/servers/wiki/mcp',
      scopes: ['wiki:read'],
    }
    const several: Settings = { ...settings, downstreams: [first, wiki] }
    const app = metadataRoutes({ settings: several, keys })
    expect((await documentAt('/.well-known/oauth-protected-resource/mcp', app))['resource']).toBe(first.resource)
    const ofWiki = await documentAt('/.well-known/oauth-protected-resource/servers/wiki/mcp', app)
    expect(ofWiki).toMatchObject({ resource: wiki.resource, scopes_supported: ['wiki:read'] })
    expect((await documentAt('/.well-known/oauth-authorization-server', app))['scopes_supported']).toEqual([
      'mcp',
      'wiki:read',
      'offline_access',
    ])
    for (const [path, resource] of [
      ['/sse', 'https://mcp.example.com/sse'],
      ['/servers/wiki/sse', 'https://mcp.example.com/servers/wiki/sse'],
    ] as const)
      expect((await documentAt(`/.well-known/oauth-protected-resource${path}`, app))['resource']).toBe(resource)
    for (const path of ['', '/servers/wiki', '/servers/wiki/messages', '/servers/other/mcp'])
      expect((await app.request(`https://mcp.example.com/.well-known/oauth-protected-resource${path}`)).status).toBe(404)
  })
})

describe('an SDK finds the authorization server from the MCP URL alone', () => {
  test.for<[string, typeof discoverV1 | typeof discoverV2]>([
    ['SDK v1', discoverV1],
    ['SDK v2', discoverV2],
  ])('%s', async ([, discover]) => {
    const found = await discover('https://mcp.example.com/mcp', { fetchFn })
    expect(found.authorizationServerUrl).toBe('https://mcp.example.com')
    expect(found.resourceMetadata?.resource).toBe('https://mcp.example.com/mcp')
    expect(found.authorizationServerMetadata?.registration_endpoint).toBe('https://mcp.example.com/register')
  })
})

describe('the key set', () => {
  test('holds the active and the previous identity key, public parts only, for five minutes', async () => {
    const answer = await broker.request('https://mcp.example.com/.well-known/jwks.json')
    const published: JSONWebKeySet = JSON.parse(await answer.text())
    expect(answer.headers.get('cache-control')).toBe('public, max-age=300')
    expect(published.keys.map(({ kid }) => kid)).toEqual(keys.identity.published.map(({ kid }) => kid))
    expect(published.keys).toHaveLength(2)
    for (const key of published.keys) expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
  })

  test('verifies what either key signed', async () => {
    const published: JSONWebKeySet = JSON.parse(
      await (await broker.request('https://mcp.example.com/.well-known/jwks.json')).text(),
    )
    const find = createLocalJWKSet(published)
    for (const { kid, alg, privateKey } of keys.identity.published) {
      const jwt = await new SignJWT({ sub: 'person' }).setProtectedHeader({ alg, kid }).sign(privateKey)
      expect((await jwtVerify(jwt, find)).payload.sub).toBe('person')
    }
  })
})

describe('any other address under /.well-known is a JSON 404', () => {
  test.for<[string, string]>([
    ['GET', '/.well-known/oauth-protected-resource/other'],
    ['GET', '/.well-known/oauth-protected-resource/mcp/tools'],
    ['GET', '/.well-known/oauth-authorization-server/other'],
    ['GET', '/.well-known/openid-configuration/mcp'],
    ['GET', '/.well-known/security.txt'],
    ['POST', '/.well-known/anything'],
  ])('%s %s', async ([method, path]) => {
    const answer = await broker.request(`https://mcp.example.com${path}`, { method })
    expect(answer.status).toBe(404)
    expect(await answer.json()).toMatchObject({ error: 'not_found' })
  })
})
