// Grant type jwt-bearer with an ID-JAG: the identity provider has decided that a client may act for a person here
// (draft-ietf-oauth-identity-assertion-authz-grant section 4.4; MCP extension “enterprise-managed authorization”).
//
// Only for clients that authenticate: without a secret or a key of the client, whoever gets hold of the assertion first is the client.
import { personName } from '../../caller.ts'
import { OAuthError } from '../../clients/oauth-error.ts'
import { canonicalResource } from '../resource.ts'
import { accessFor, assertNeedsNoSignIn, refusedError, assertVerified } from '../tokens/subject-token-access.ts'
import { confirmedClient, permitted, scopesFor, asSubjectClient, type ExchangeServices } from './exchange.ts'
import type { IssuedTokens, TokenRequest } from './grant.ts'

export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
/** What clients look for in `authorization_grant_profiles_supported` (section 7.2 of the draft). */
export const ID_JAG_PROFILE = 'urn:ietf:params:oauth:grant-profile:id-jag'

export async function assertion(
  { clientId, kind, form, confirm }: TokenRequest,
  services: ExchangeServices,
): Promise<IssuedTokens> {
  const { statements, downstreams, lifetimes } = services
  if (kind === 'public')
    throw new OAuthError(
      'unauthorized_client',
      'an assertion is for clients that authenticate: send the person to /authorize instead',
    )
  const verdict = await statements.assertion?.(form.get('assertion') ?? '')
  if (!verdict) throw new OAuthError('unsupported_grant_type', 'assertions are not taken here')
  const statement = assertVerified(verdict, 'invalid_grant', 'assertion')
  if (statement.clientId !== clientId) throw new OAuthError('invalid_grant', 'assertion is for another client')
  // The provider allowed what it names. Where it names no resource, it allowed the broker as a whole, and the client says which.
  const named = form.getAll('resource').filter((resource) => resource !== '')
  const downstream =
    statement.resources.length > 0
      ? said(() => canonicalResource(statement.resources, downstreams))
      : canonicalResource(named, downstreams)
  if (named.length > 0 && canonicalResource(named, downstreams) !== downstream)
    throw new OAuthError('invalid_target', 'resource differs from the one the assertion is for')
  assertNeedsNoSignIn(downstream)
  const allowed = said(() => scopesFor(statement.scope, downstream))
  const wanted = form.get('scope') === null ? allowed : scopesFor(form.get('scope'), downstream)
  const client = await confirmedClient(clientId, await personName(statement.identity), services, confirm)
  const scopes = permitted(
    wanted.filter((scope) => allowed.includes(scope)),
    client,
  )
  const use = { client: asSubjectClient(client), downstream, scopes, lifetime: lifetimes.accessTokenTtl, once: statement.jti }
  const access = await accessFor(statement, use, services)
  if (!access.granted) throw refusedError(access.refusal, 'invalid_grant')
  // No refresh token: the provider decides again, with the next assertion.
  return { access_token: access.token, token_type: 'Bearer', expires_in: lifetimes.accessTokenTtl, scope: scopes.join(' ') }
}

/** Enterprise-managed authorization section 7.6.2: a resource or scopes that are not ours make the assertion invalid. */
function said<Known>(read: () => Known): Known {
  try {
    return read()
  } catch (cause) {
    throw new OAuthError('invalid_grant', 'assertion names a resource or scopes that are not served here', { cause })
  }
}
