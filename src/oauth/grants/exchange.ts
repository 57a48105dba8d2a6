// Grant type token-exchange (RFC 8693): a token of AUTH_ISSUER about a person becomes a short-lived access token for one resource.
//
// The client may be a public one, as the RFC allows: the subject token is what proves anything here, and /.sts takes it from anybody.
import { personName } from '../../caller.ts'
import type { ClientRecord } from '../../clients/client-record.ts'
import type { StatementKind } from '../../session/contract/subject-token.ts'
import type { Downstream } from '../../settings/downstreams.ts'
import { OAuthError } from '../../clients/oauth-error.ts'
import { canonicalResource, defaultScopes } from '../resource.ts'
import {
  accessFor,
  assertNeedsNoSignIn,
  lifetimeOf,
  refusedError,
  assertVerified,
  type StatedServices,
} from '../tokens/subject-token-access.ts'
import type { IssuedTokens, TokenRequest } from './grant.ts'

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'

export interface ExchangeServices extends StatedServices {
  /** Fetches what describes the client, where that is a document. */
  readonly client: (id: string) => Promise<ClientRecord | undefined>
}

const TYPE = 'urn:ietf:params:oauth:token-type:'
const KINDS: ReadonlyMap<string, StatementKind> = new Map([
  [`${TYPE}id_token`, 'id_token'],
  [`${TYPE}access_token`, 'access_token'],
  [`${TYPE}jwt`, 'jwt'],
])

export async function exchangeSubjectToken(
  { clientId, form, confirm }: TokenRequest,
  services: ExchangeServices,
): Promise<IssuedTokens> {
  const { statements, downstreams, lifetimes, longestSession, now } = services
  // Delegation: an actor that acts for the subject would have to be checked, recorded and shown. Ignoring it would be a lie in the log.
  if (form.has('actor_token') || form.has('actor_token_type'))
    throw new OAuthError('invalid_request', 'actor_token is not supported: the token that is issued is the subject’s own')
  const requested = form.get('requested_token_type') ?? ''
  if (requested !== '' && requested !== `${TYPE}access_token`)
    throw new OAuthError('invalid_request', `requested_token_type must be ${TYPE}access_token`)
  const kind = KINDS.get(form.get('subject_token_type') ?? '')
  if (!kind) throw new OAuthError('invalid_request', `subject_token_type must be one of ${[...KINDS.keys()].join(', ')}`)
  // An audience is a name of the resource here, in any spelling that names it (RFC 8693 section 2.1).
  const downstream = canonicalResource([...form.getAll('resource'), form.get('audience') ?? ''], downstreams)
  assertNeedsNoSignIn(downstream)
  const asked = scopesFor(form.get('scope'), downstream)
  const verdict = await statements.subject?.(form.get('subject_token') ?? '', kind)
  if (!verdict) throw new OAuthError('unsupported_grant_type', 'tokens are not exchanged here')
  // RFC 8693 section 2.2.2: invalid_request, for whatever reason the token is not taken.
  const statement = assertVerified(verdict, 'invalid_request', 'subject_token')
  const lifetime = lifetimeOf(statement, Math.min(lifetimes.accessTokenTtl, longestSession), now())
  if (lifetime <= 0) throw new OAuthError('invalid_request', 'subject_token has expired')
  const client = await confirmedClient(clientId, await personName(statement.identity), services, confirm)
  const scopes = permitted(asked, client)
  const access = await accessFor(statement, { client: asSubjectClient(client), downstream, scopes, lifetime }, services)
  if (!access.granted) throw refusedError(access.refusal, 'invalid_request')
  return {
    access_token: access.token,
    issued_token_type: `${TYPE}access_token`,
    token_type: 'Bearer',
    expires_in: lifetime,
    scope: scopes.join(' '),
  }
}

/** The client as it is known; one that has keys has signed, and none is blocked. */
export async function confirmedClient(
  clientId: string,
  sub: string,
  services: Pick<ExchangeServices, 'client'>,
  confirm: TokenRequest['confirm'],
): Promise<ClientRecord> {
  const client = await services.client(clientId)
  if (!client) throw new OAuthError('invalid_client', 'Client not found: register again')
  if (client.isBlocked)
    throw new OAuthError('access_denied', 'An administrator has blocked this application', { reason: clientId })
  await confirm({ sub, grantId: '', clientId, clientSigns: client.authMethod === 'private_key_jwt' })
  return client
}

export function asSubjectClient({ id, name, authMethod }: ClientRecord): { id: string; name: string; signs: boolean } {
  return { id, name: name ?? id, signs: authMethod === 'private_key_jwt' }
}

/** Nobody is asked here who could be shown what is left out: a scope that does not exist is refused, not dropped. */
export function scopesFor(asked: string | null | undefined, downstream: Downstream): readonly string[] {
  const wanted = (asked ?? '').split(' ').filter((scope) => scope !== '' && scope !== 'offline_access')
  const unknown = wanted.find((scope) => !downstream.scopes.includes(scope))
  if (unknown !== undefined)
    throw new OAuthError('invalid_scope', `the scopes of ${downstream.resource} are ${downstream.scopes.join(' ')}`)
  return wanted.length > 0 ? [...new Set(wanted)] : defaultScopes(downstream)
}

export function permitted(scopes: readonly string[], { scopes: only }: ClientRecord): readonly string[] {
  const left = scopes.filter((scope) => only === undefined || only.includes(scope))
  if (left.length === 0) throw new OAuthError('invalid_scope', 'this client may have none of these scopes')
  return left
}
