// Grant type authorization_code (RFC 6749 section 4.1.3) with PKCE (RFC 7636) and resource indicators (RFC 8707).
import { sha256 } from '../../platform/crypto.ts'
import { OAuthError } from '../../clients/oauth-error.ts'
import { tokenRefusal, resourceIn, tokenPair, type GrantType } from './grant.ts'

export const code: GrantType = async ({ clientId, form, confirm }, services) => {
  const envelope = await services.signedTokens.verifyCode(form.get('code') ?? '')
  if (!envelope) throw tokenRefusal('code_invalid')
  // A code in the hands of another client is refused before its owner's object hears of it.
  if (envelope.clientId !== clientId) throw new OAuthError('invalid_grant', 'authorization code was issued to another client')
  const hasSigned = await confirm(envelope)
  const resource = resourceIn(form, services.downstreams)
  const verifier = form.get('code_verifier') ?? ''
  const outcome = await services.session(envelope.sub).redeem({
    jti: envelope.jti,
    grantId: envelope.grantId,
    redirectUri: form.get('redirect_uri') ?? undefined,
    codeChallenge: /^[\w.~-]{43,128}$/.test(verifier) ? await sha256(verifier) : undefined,
    ...(resource !== undefined && { resource }),
  })
  if (!outcome.granted) throw tokenRefusal(outcome.refusal)
  return tokenPair(envelope.sub, outcome.facts, services, outcome.facts.scopes, hasSigned)
}
