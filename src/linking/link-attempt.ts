// One attempt to connect a person to a downstream: where they are sent, and what their coming back is worth.
import * as oauth from 'oauth4webapi'
import * as z from 'zod'
import { randomId } from '../platform/crypto.ts'
import { log } from '../platform/telemetry.ts'
import type { Link } from '../session/contract/link-client.ts'
import type { Downstream } from '../settings/downstreams.ts'
import { authorizationServerOf, type AuthorizationServer } from './authorization-server.ts'
import { LinkError } from './link-error.ts'
import { describeProtection, type ProtectedResource } from './protected-resource.ts'
import { clientAgain, clientAt, forgetClient, linkCallbackPath, type Registrar } from './registration.ts'
import { asLinkError, authenticationOf, httpFor, readTokens } from './token-endpoint.ts'

/** What waits, sealed, in the person's browser while they are away. */
export const attemptSchema = z.object({
  /** Our own resource: which downstream it is. */
  server: z.string(),
  state: z.string(),
  codeVerifier: z.string(),
  issuer: z.string(),
  tokenEndpoint: z.string(),
  revocationEndpoint: z.string().exactOptional(),
  /** RFC 9207: an answer without its issuer is somebody else's. */
  namesIssuer: z.boolean(),
  clientId: z.string(),
  resource: z.string(),
  scopes: z.array(z.string()),
})
export type LinkAttempt = Readonly<z.output<typeof attemptSchema>>

/** `more` are scopes the downstream has asked for since the person was last sent. */
export async function beginLink(
  downstream: Downstream,
  more: readonly string[],
  registrar: Registrar,
): Promise<{ readonly url: URL; readonly attempt: LinkAttempt }> {
  try {
    const { resource, authorizationServer, scopes } = await describeProtection(downstream)
    const server = await authorizationServerOf(downstream.url, authorizationServer)
    assertOpensNothingHere(server, downstream, registrar)
    const client = await clientAt(server, downstream, registrar)
    const asked = scopesToAsk(downstream, { scopes }, server, more)
    const attempt: LinkAttempt = {
      server: downstream.resource,
      state: randomId(24),
      codeVerifier: randomId(32),
      issuer: server.issuer,
      tokenEndpoint: server.token_endpoint,
      ...(server.revocation_endpoint !== undefined && { revocationEndpoint: server.revocation_endpoint }),
      namesIssuer: server.authorization_response_iss_parameter_supported,
      clientId: client.id,
      resource,
      scopes: [...asked],
    }
    const redirectUri = registrar.baseUrl + linkCallbackPath(downstream)
    return { url: await addressFor(server, attempt, redirectUri, downstream.authorization?.parameters), attempt }
  } catch (error) {
    throw logged(downstream, error)
  }
}

/**
 * The server is handed what people get there. Of an issuer whose tokens are exchanged here, it could come back with them as any of them, and
 * it says by itself who its authorization server is. An operator who has entered a client there has decided that.
 */
function assertOpensNothingHere(
  { issuer }: AuthorizationServer,
  { url, oauthClient }: Downstream,
  { opensHere }: Registrar,
): void {
  if (oauthClient === undefined && opensHere(issuer))
    throw new LinkError(
      'invalid',
      `${url} names ${issuer} as its authorization server, and tokens of that one open something here`,
    )
}

export async function finishLink(
  downstream: Downstream,
  attempt: LinkAttempt,
  callback: URL,
  registrar: Registrar,
): Promise<Link> {
  const { issuer, tokenEndpoint, revocationEndpoint, clientId, resource, state } = attempt
  const server = { issuer, token_endpoint: tokenEndpoint, authorization_response_iss_parameter_supported: attempt.namesIssuer }
  try {
    // State and issuer come first: a code of another server must not travel to this one's token endpoint.
    const answered = oauth.validateAuthResponse(server, { client_id: clientId }, callback, state)
    const client = await clientAgain(issuer, clientId, downstream, registrar)
    const answer = await oauth.authorizationCodeGrantRequest(
      server,
      { client_id: clientId },
      authenticationOf(client),
      answered,
      registrar.baseUrl + linkCallbackPath(downstream),
      attempt.codeVerifier,
      { ...httpFor(tokenEndpoint), additionalParameters: { resource } },
    )
    const { scopes, ...tokens } = await readTokens(answer, registrar.now())
    return {
      issuer,
      tokenEndpoint,
      ...(revocationEndpoint !== undefined && { revocationEndpoint }),
      client,
      resource,
      scopes: [...new Set([...attempt.scopes, ...scopes])],
      ...tokens,
    }
  } catch (error) {
    const failure = logged(downstream, error)
    if (failure.code === 'invalid_client') await forgetClient(downstream, registrar)
    throw failure
  }
}

/**
 * MCP, "Scope Selection Strategy": of the challenge, else of the metadata, else none; an operator knows better than both. SEP-2207:
 * `offline_access` where the authorization server has it, because a person is not sent away again every hour.
 */
function scopesToAsk(
  { oauthClient }: Downstream,
  { scopes }: Pick<ProtectedResource, 'scopes'>,
  { scopes_supported: supported }: AuthorizationServer,
  more: readonly string[],
): ReadonlySet<string> {
  const configured = oauthClient !== undefined && oauthClient.scopes.length > 0 ? oauthClient.scopes : undefined
  const asked = new Set([...(configured ?? scopes ?? []), ...more])
  if (!configured && asked.size > 0 && supported?.includes('offline_access') === true) asked.add('offline_access')
  return asked
}

async function addressFor(
  server: AuthorizationServer,
  attempt: LinkAttempt,
  redirectUri: string,
  more: Readonly<Record<string, string>> = {},
): Promise<URL> {
  const url = new URL(server.authorization_endpoint)
  const { scopes } = attempt
  const parameters: Readonly<Record<string, string>> = {
    response_type: 'code',
    client_id: attempt.clientId,
    redirect_uri: redirectUri,
    state: attempt.state,
    code_challenge: await oauth.calculatePKCECodeChallenge(attempt.codeVerifier),
    code_challenge_method: 'S256',
    resource: attempt.resource,
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    // OpenID Connect Core section 11: without it a server ignores the wish for a refresh token.
    ...(scopes.includes('offline_access') && { prompt: 'consent' }),
    // An operator's: none of those that are ours (`settings/authorization-parameters.ts`).
    ...more,
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url
}

function logged({ name }: Downstream, thrown: unknown): LinkError {
  const error = asLinkError(thrown)
  const { reason, detail, code } = error
  log(reason === 'denied' ? 'info' : 'warn', 'link.failed', { server: name, reason, detail, code })
  return error
}
