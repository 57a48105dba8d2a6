// Signs statements about receipts and their chain with the key of identity JWTs: no `sub`, `aud` or `exp`, and a type of their own.
import { SignJWT } from 'jose'
import type { EvidenceSigner } from '../evidence/statements.ts'
import type { IdentityKey, KeyRing } from './keys.ts'

export function evidenceSigner({ identity }: KeyRing, issuer: string, now: () => number): EvidenceSigner {
  const signing = ({ alg, kid, privateKey }: IdentityKey): EvidenceSigner['sign'] => {
    return async (typ, claims) =>
      await new SignJWT({ ...claims }).setProtectedHeader({ alg, typ, kid }).setIssuer(issuer).setIssuedAt(now()).sign(privateKey)
  }
  const { active, published } = identity
  const before = published.find(({ kid }) => kid !== active.kid)
  return {
    kid: active.kid,
    jwk: Object.fromEntries(
      Object.entries(active.publicJwk).filter((member): member is [string, string] => typeof member[1] === 'string'),
    ),
    sign: signing(active),
    ...(before && { signBefore: { kid: before.kid, sign: signing(before) } }),
  }
}
