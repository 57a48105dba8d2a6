// Grant type client_credentials (RFC 6749 section 4.4): a machine credential becomes an access token, and never a refresh token.
import { sameText } from '../../platform/crypto.ts'
import type { TokenFacts } from '../../session/access/tokens.ts'
import { clientIdIsOurs, presentedCredentials } from '../client-auth/clients.ts'
import { OAuthError } from '../../clients/oauth-error.ts'
import type { KeyRing } from '../../issuer/keys.ts'
import type { MachineTokens } from '../tokens/machine-tokens.ts'
import { canonicalResource } from '../resource.ts'
import type { GrantServices, IssuedTokens } from './grant.ts'

export interface MachineServices extends Omit<GrantServices, 'session'> {
  readonly keys: KeyRing
  readonly machines: MachineTokens
  /** What the scope `admin` is for. */
  readonly adminResource: string
  readonly session: (sub: string) => { issue(grantId: string): Promise<TokenFacts | undefined> }
}

/** Client and grant are one here, so this grant type does without the rules the others share. */
export async function clientCredentials(
  authorization: string | undefined,
  form: URLSearchParams,
  services: MachineServices,
): Promise<IssuedTokens> {
  const { id, secret } = presentedCredentials(authorization, form)
  const machine = await services.machines.identify(secret)
  if (!machine || !sameText(machine.id, id)) {
    if (await clientIdIsOurs(services.keys, id))
      throw new OAuthError('unauthorized_client', 'client_credentials is for machine credentials, which an administrator creates')
    throw new OAuthError('invalid_client', 'Client authentication failed: no such machine credential')
  }
  const resource = resourceOf(form, services)
  const facts = await services.session(machine.sub).issue(await machine.grantId(resource))
  if (!facts)
    throw new OAuthError('invalid_client', 'Client authentication failed: the credential has ended, or is not for this resource')
  const { accessTokenTtl } = services.lifetimes
  return {
    access_token: await services.signedTokens.accessToken({ ...facts, sub: machine.sub }, accessTokenTtl),
    token_type: 'Bearer',
    expires_in: Math.min(accessTokenTtl, facts.endsAt - facts.issuedAt),
    scope: facts.scopes.join(' '),
  }
}

function resourceOf(form: URLSearchParams, { downstreams, adminResource }: MachineServices): string {
  const named = form.getAll('resource').filter((resource) => resource !== '')
  const scopes = (form.get('scope') ?? '').split(' ').filter((scope) => scope !== '')
  const unknown = scopes.find((scope) => scope !== 'mcp' && scope !== 'admin')
  if (unknown !== undefined) throw new OAuthError('invalid_scope', 'a machine credential has the scopes mcp and admin')
  if (!scopes.includes('admin') && !named.includes(adminResource)) return canonicalResource(named, downstreams).resource
  if (scopes.includes('mcp') || named.some((resource) => resource !== adminResource))
    throw new OAuthError(
      'invalid_scope',
      'a token with the scope admin is for the admin API alone: ask for the others separately',
    )
  return adminResource
}
