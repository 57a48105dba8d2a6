// The documents under /.well-known: where this broker's authorization server is, what it can do, and its keys.
//
// There is one authorization server document, and every address clients probe for it answers with that one: the root, the copies
// under a resource path (RFC 8414 with the path of the MCP URL appended, which some clients do), and OpenID Connect discovery.
// The last is complete rather than 404, although clients get no ID tokens: downstreams that verify identity JWTs find the key
// set through their issuer's openid-configuration, and SDKs throw on a document that lacks what OpenID Connect requires.
import { Hono } from 'hono/tiny'
import type { KeyRing } from '../issuer/keys.ts'
import { ASYMMETRIC } from '../oauth-client/key-set.ts'
import { defaultScopes, supportedScopes } from '../oauth/resource.ts'
import { ID_JAG_PROFILE } from '../oauth/grants/assertion.ts'
import { grantTypesOf } from '../oauth/token-endpoint.ts'
import { REVOCATION_TYPE } from '../signals/global-token-revocation.ts'
import type { Services } from '../services.ts'
import type { Settings } from '../settings/settings.ts'
import { ssePaths, type Downstream } from '../settings/downstreams.ts'
import { REVOCATION_PATH } from './global-token-revocation.ts'
import type { Variables } from './guards.ts'

export type MetadataServices = Pick<Services, 'settings' | 'keys'>

// Verifiers of identity JWTs ask again when they meet an unknown key, so a rotation does not wait for these five minutes.
const CACHED = { 'Cache-Control': 'public, max-age=300' }

export function metadataRoutes({ settings, keys }: MetadataServices): Hono<{ Variables: Variables }> {
  const routes = new Hono<{ Variables: Variables }>()
  const documents = new Map<string, object>()
  const publish = (path: string, document: object): void => {
    documents.set(`/.well-known/${path}`, document)
    routes.get(`/.well-known/${path}`, (c) => c.json(document, 200, CACHED))
  }

  const server = authorizationServer(settings, keys)
  publish('oauth-authorization-server', server)
  publish('openid-configuration', server)
  for (const downstream of settings.downstreams) {
    publish(`oauth-authorization-server${downstream.path}`, server)
    publish(`oauth-protected-resource${downstream.path}`, protectedResource(downstream, settings))
    // Clients of HTTP+SSE compare the resource with the address they were given.
    const { stream } = ssePaths(downstream)
    publish(
      `oauth-protected-resource${stream}`,
      protectedResource({ ...downstream, resource: settings.baseUrl + stream }, settings),
    )
  }
  const [first, ...others] = settings.downstreams
  // With several downstreams the origin is no resource: a client that asks there must learn nothing rather than the wrong one.
  if (first && others.length === 0) publish('oauth-protected-resource', protectedResource(first, settings))
  // SSF section 7: of what MCP servers are told. Each is named in the settings, so there is nothing to ask for a stream at.
  publish('ssf-configuration', {
    spec_version: '1_0',
    issuer: settings.baseUrl,
    jwks_uri: `${settings.baseUrl}/.well-known/jwks.json`,
    delivery_methods_supported: ['urn:ietf:rfc:8935'],
    default_subjects: 'ALL',
  })
  publish('jwks.json', { keys: keys.identity.published.map(({ publicJwk }) => publicJwk) })

  // Clients probe many addresses and take whatever is not a 404 for an answer. Whoever was given the address of a server with a slash at its
  // end puts it behind the well-known one; the SDK of Python leaves it there.
  routes.all('/.well-known/*', (c) => {
    const document = c.req.path.endsWith('/') ? documents.get(c.req.path.slice(0, -1)) : undefined
    if (document) return c.json(document, 200, CACHED)
    return c.json(
      { error: 'not_found', error_description: 'there is no such metadata document', request_id: c.get('requestId') },
      404,
    )
  })
  return routes
}

/**
 * RFC 9728. Without offline_access, which is no right on the resource (SEP-2207), and without scopes that are added when a tool
 * needs them: clients ask for all that is listed here.
 */
function protectedResource(downstream: Downstream, settings: Settings): object {
  return {
    resource: downstream.resource,
    authorization_servers: [settings.baseUrl],
    scopes_supported: defaultScopes(downstream),
    bearer_methods_supported: ['header'],
  }
}

const CONFIDENTIAL: readonly string[] = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']

/** RFC 8414 and, with the last three members, OpenID Connect Discovery. The issuer is compared as a string: never a slash. */
function authorizationServer(settings: Settings, keys: KeyRing): object {
  const issuer = settings.baseUrl
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    registration_endpoint: `${issuer}/register`,
    revocation_endpoint: `${issuer}/revoke`,
    introspection_endpoint: `${issuer}/introspect`,
    scopes_supported: supportedScopes(settings.downstreams),
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: grantTypesOf(settings.exchange),
    // Absent where there are none: an empty list would still be read as knowing the member.
    ...(settings.exchange.assertionIssuers.length > 0 && { authorization_grant_profiles_supported: [ID_JAG_PROFILE] }),
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none', ...CONFIDENTIAL],
    token_endpoint_auth_signing_alg_values_supported: ASYMMETRIC,
    revocation_endpoint_auth_methods_supported: ['none', ...CONFIDENTIAL],
    revocation_endpoint_auth_signing_alg_values_supported: ASYMMETRIC,
    introspection_endpoint_auth_methods_supported: CONFIDENTIAL,
    introspection_endpoint_auth_signing_alg_values_supported: ASYMMETRIC,
    client_id_metadata_document_supported: true,
    // As Auth0 publishes them; where nobody may, there is nothing to find.
    ...(settings.identityProviders.some(({ signals }) => signals?.revocationIssuer !== undefined) && {
      global_token_revocation_endpoint: issuer + REVOCATION_PATH,
      global_token_revocation_endpoint_auth_methods_supported: [REVOCATION_TYPE],
    }),
    authorization_response_iss_parameter_supported: true,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set(keys.identity.published.map(({ alg }) => alg))],
  }
}
