// Grant type authorization_code (RFC 6749 section 4.1.3) with PKCE (RFC 7636) and resource indicators (RFC 8707).
import { sha256 } from '../../platform/crypto.ts'
import { OAuthError } from '../../clients/oauth-error.ts'
import { tokenRefusal, resourceIn, tokenPair, type GrantType } from './grant.ts'

export const code: GrantType = async ({ clientId, form, confirm }, services) => {
  const issued = await services.signedTokens.verifyCode(form.get('code') ?? '')
  if (!issued) throw tokenRefusal('code_invalid')
  // A code in the hands of another client is refused before its owner's object hears of it.
  if (issued.clientId !== clientId) throw new OAuthError('invalid_grant', 'authorization code was issued to another client')
  const hasSigned = await confirm(issued)
  const resource = resourceIn(form, services.downstreams)
  const verifier = form.get('code_verifier') ?? ''
  const outcome = await services.session(issued.sub).redeem({
    jti: issued.jti,
    grantId: issued.grantId,
    redirectUri: form.get('redirect_uri') ?? undefined,
    codeChallenge: /^[\w.~-]{43,128}$/.test(verifier) ? await sha256(verifier) : undefined,
    ...(resource !== undefined && { resource }),
  })
  if (!outcome.granted) throw tokenRefusal(outcome.refusal)
  return tokenPair(issued.sub, outcome.facts, services, outcome.facts.scopes, hasSigned)
}
