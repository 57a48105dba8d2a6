// Token revocation (RFC 7009): either token of a pair ends the whole grant, at once, with every stream it has open.
import type { RevocationReason } from '../session/store/grants.ts'
import type { ClientAuthentication, PresentedClient } from './client-auth/client-authentication.ts'
import type { Envelopes } from './tokens/signed-tokens.ts'

export interface RevocationServices {
  readonly clients: ClientAuthentication
  readonly envelopes: Envelopes
  readonly session: (sub: string) => { revokeGrant(grantId: string, why: RevocationReason): Promise<boolean> }
}

/**
 * Returns when the streams are closed. An unknown token, or one of another client, is no error and changes nothing
 * (RFC 7009 section 2.2): the answer must not tell whether a token exists.
 */
export async function revokeToken(client: PresentedClient, token: string | null, services: RevocationServices): Promise<void> {
  if (token === null) return
  const { envelopes, clients } = services
  const presented = (await envelopes.verifyRefreshToken(token)) ?? (await envelopes.verifyAccessToken(token, undefined))
  if (presented?.clientId !== client.clientId) return
  await clients.confirm(client, presented)
  await services.session(presented.sub).revokeGrant(presented.grantId, 'client_revoked')
}
