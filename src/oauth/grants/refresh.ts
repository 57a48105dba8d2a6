// Grant type refresh_token (RFC 6749 section 6): idempotent for lost answers, fatal for stolen tokens.
import { OAuthError } from '../../clients/oauth-error.ts'
import { tokenRefusal, resourceIn, tokenPair, type GrantType } from './grant.ts'

export const refresh: GrantType = async ({ clientId, form, confirm }, services) => {
  const presented = await services.signedTokens.verifyRefreshToken(form.get('refresh_token') ?? '')
  if (!presented) throw tokenRefusal('refresh_invalid')
  if (presented.clientId !== clientId) throw new OAuthError('invalid_grant', 'Token does not belong to the requesting client')
  await confirm(presented)
  const resource = resourceIn(form, services.downstreams)
  const outcome = await services.session(presented.sub).refresh(presented)
  if (!outcome.granted) throw tokenRefusal(outcome.refusal, outcome.retryAfter)
  const { facts } = outcome
  // Known only now. The rotation that came first is no loss: the same token may come again until the new one is used.
  if (resource !== undefined && resource !== facts.resource) throw tokenRefusal('wrong_resource')
  return tokenPair(presented.sub, facts, services, narrowed(form.get('scope'), facts.scopes), presented.clientSigns)
}

/** Fewer scopes may be asked for, never more (RFC 6749 section 6). `offline_access` is what a refresh token already is. */
function narrowed(asked: string | null, granted: readonly string[]): readonly string[] {
  const wanted = (asked ?? '').split(' ').filter((scope) => scope !== '' && scope !== 'offline_access')
  if (wanted.length === 0) return granted
  if (wanted.some((scope) => !granted.includes(scope))) throw new OAuthError('invalid_scope', 'scope exceeds what was granted')
  return wanted
}
