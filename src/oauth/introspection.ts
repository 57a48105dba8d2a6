// Token introspection (RFC 7662), for the client a token was issued to.
import type { Presented } from '../session/access/tokens.ts'
import type { ClientAuthentication } from './client-auth/client-authentication.ts'
import type { PresentedClient } from './client-auth/clients.ts'
import type { SignedTokens } from './tokens/signed-tokens.ts'

export interface IntrospectionServices {
  readonly clients: ClientAuthentication
  readonly signedTokens: SignedTokens
  readonly issuer: string
  readonly session: (sub: string) => { isActive(asked: Presented, kind: 'access' | 'refresh'): Promise<boolean> }
}

export type Introspection = Readonly<Record<string, string | number | boolean>>

/** Anything but a live token of the asking client is `{"active": false}` (RFC 7662 section 2.2), and nothing more is said. */
export async function introspected(
  client: PresentedClient,
  token: string | null,
  services: IntrospectionServices,
): Promise<Introspection> {
  const { signedTokens, issuer, clients } = services
  const { clientId } = client
  const access = await signedTokens.verifyAccessToken(token ?? '', undefined)
  if (access?.clientId === clientId) {
    await clients.confirm(client, access)
    if (!(await services.session(access.sub).isActive(access, 'access'))) return { active: false }
    const { sub, resource, scopes, expiresAt } = access
    return {
      active: true,
      token_type: 'Bearer',
      iss: issuer,
      sub,
      aud: resource,
      client_id: clientId,
      scope: scopes.join(' '),
      exp: expiresAt,
    }
  }
  const refresh = await signedTokens.verifyRefreshToken(token ?? '')
  if (refresh?.clientId !== clientId) return { active: false }
  await clients.confirm(client, refresh)
  if (!(await services.session(refresh.sub).isActive(refresh, 'refresh'))) return { active: false }
  return { active: true, iss: issuer, sub: refresh.sub, client_id: clientId, exp: refresh.expiresAt }
}
