// Token revocation (RFC 7009): either token of a pair ends the whole grant, at once, with every stream it has open. Tokens of no client are
// taken from whoever holds them: of `/.sts`, and those of machines.
import type { RevocationReason } from '../session/store/grants.ts'
import type { ClientAuthentication } from './client-auth/client-authentication.ts'
import type { PresentedClient } from './client-auth/clients.ts'
import { OAuthError } from '../clients/oauth-error.ts'
import { WEB_IDENTITY_CLIENT } from '../settings/clients.ts'
import { MACHINE_CLIENT, type MachineTokens } from './tokens/machine-tokens.ts'
import type { SignedTokens } from './tokens/signed-tokens.ts'

export interface RevocationServices {
  readonly clients: ClientAuthentication
  readonly signedTokens: SignedTokens
  readonly session: (sub: string) => { revokeGrant(grantId: string, why: RevocationReason): Promise<boolean> }
}

/**
 * Returns when the streams are closed. An unknown token, or one of another client, is no error and changes nothing
 * (RFC 7009 section 2.2): the answer must not tell whether a token exists.
 */
export async function revokeToken(client: PresentedClient, token: string | null, services: RevocationServices): Promise<void> {
  if (token === null) return
  const { signedTokens, clients } = services
  const presented = (await signedTokens.verifyRefreshToken(token)) ?? (await signedTokens.verifyAccessToken(token, undefined))
  if (presented?.clientId !== client.clientId) return
  await clients.confirm(client, presented)
  await services.session(presented.sub).revokeGrant(presented.grantId, 'client_revoked')
}

export interface PossessionServices extends Omit<RevocationServices, 'clients'> {
  readonly machines: MachineTokens
  /** Every server a machine can have a grant for, and the admin API. */
  readonly resources: readonly string[]
}

/**
 * A token that belongs to no client is taken from whoever holds it: they could use it as well. True when it is one. What a machine got for its
 * token is no reason to end that, and ends by itself.
 */
export async function revokePossessed(token: string | null, services: PossessionServices): Promise<boolean> {
  if (token === null) return false
  const { signedTokens, machines, resources } = services
  const machine = await machines.identify(token)
  if (machine) {
    const session = services.session(machine.sub)
    for (const resource of resources) await session.revokeGrant(await machine.grantId(resource), 'client_revoked')
    return true
  }
  const access = await signedTokens.verifyAccessToken(token, undefined)
  if (access?.clientId.startsWith(MACHINE_CLIENT))
    throw new OAuthError(
      'unsupported_token_type',
      'access tokens of a machine end by themselves: revoke its tok_… token to end all of it',
    )
  if (access?.clientId !== WEB_IDENTITY_CLIENT) return false
  await services.session(access.sub).revokeGrant(access.grantId, 'client_revoked')
  return true
}
