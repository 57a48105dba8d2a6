// Sealed values that travel through the browser: consent tickets and the login transaction, as JWEs (dir, A256GCM).
import { EncryptJWT, jwtDecrypt } from 'jose'
import type { KeyRing } from '../../issuer/keys.ts'

/** Keeps values of one kind from being accepted as another. */
export type SealedPurpose = 'consent+jwe' | 'login+jwe' | 'link+jwe' | 'pages+jwe'

const COMPACT = /^[\w.-]+$/

export async function sealed(
  ring: KeyRing,
  purpose: SealedPurpose,
  payload: Readonly<Record<string, unknown>>,
  now: number,
  ttl: number,
): Promise<string> {
  return new EncryptJWT({ ...payload })
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', typ: purpose })
    .setIssuedAt(now)
    .setExpirationTime(now + ttl)
    .encrypt(ring.current.cookie)
}

/** The payload, or undefined when it is forged, of another purpose or older than it may be. The caller parses its shape. */
export async function unsealed(ring: KeyRing, purpose: SealedPurpose, token: string, now: number): Promise<unknown> {
  // jose forgives white space in base64url, we do not.
  if (!COMPACT.test(token)) return undefined
  for (const keys of [ring.current, ring.previous]) {
    if (!keys) continue
    try {
      const { payload } = await jwtDecrypt(token, keys.cookie, {
        typ: purpose,
        currentDate: new Date(now * 1000),
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
      })
      return payload
    } catch {
      // Another key, another purpose, expired or forged: all the same to the person, who starts again.
    }
  }
  return undefined
}
