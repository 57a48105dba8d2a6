// Grant type authorization_code (RFC 6749 section 4.1.3) with PKCE (RFC 7636) and resource indicators (RFC 8707).
import { sha256 } from '../../platform/crypto.ts'
import { OAuthError } from '../errors.ts'
import { canonicalResource } from '../resource.ts'
import { refused, tokenPair, type Grant } from './grant.ts'

export const code: Grant = async ({ clientId, form }, services) => {
  const envelope = await services.envelopes.verifyCode(form.get('code') ?? '')
  if (!envelope) throw refused('code_invalid')
  // A code in the hands of another client is refused before its owner's object hears of it.
  if (envelope.clientId !== clientId) throw new OAuthError('invalid_grant', 'authorization code was issued to another client')
  const verifier = form.get('code_verifier') ?? ''
  const outcome = await services.session(envelope.sub).redeem({
    jti: envelope.jti,
    grantId: envelope.grantId,
    redirectUri: form.get('redirect_uri') ?? undefined,
    codeChallenge: /^[\w.~-]{43,128}$/.test(verifier) ? await sha256(verifier) : undefined,
  })
  if (!outcome.granted) throw refused(outcome.refusal)
  const { facts } = outcome
  const resources = form.getAll('resource').filter((resource) => resource !== '')
  if (resources.length > 0 && canonicalResource(resources, services.downstreams).resource !== facts.resource) {
    throw new OAuthError('invalid_target', 'resource differs from the one of the authorization request')
  }
  return tokenPair(envelope.sub, facts, services, facts.scopes)
}
