// The sealing key: to its public half the broker seals recorded messages. The private half is made in a browser and comes here wrapped.
//
// Two JWE (RFC 7516) hold the same private half, PBES2-HS512+A256KW (RFC 7518 section 4.8): one under a passphrase, one under the recovery
// code of the printed kit.
import { base64url, calculateJwkThumbprint } from 'jose'
import * as z from 'zod'

const coordinate = z.string().regex(/^[\w-]{43}$/)
/** Strict: with a `d` in it, it would be the private half, and is refused. */
export const sealingJwk = z.strictObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: coordinate, y: coordinate })

const wrapped = z.string().max(2_048)

/** As the page of an administrator sends it. */
export const madeSealingKey = z.strictObject({
  key: sealingJwk,
  wrapped: z.strictObject({ passphrase: wrapped, recovery: wrapped }),
  /** The fingerprint of the key it takes the place of; null where there is none yet. */
  replaces: z.string().max(43).nullable(),
})
export type MadeSealingKey = z.output<typeof madeSealingKey>

export interface SealingKey extends Pick<MadeSealingKey, 'key' | 'wrapped'> {
  /** RFC 7638: the SHA-256 thumbprint of the public half. */
  readonly fingerprint: string
  /** Unix seconds. */
  readonly createdAt: number
  /** Who made it, and what they were called. */
  readonly by: string
  readonly byName?: string | undefined
  /** Unix seconds; what was sealed to it before stays readable. */
  readonly replacedAt?: number | undefined
}

/** False where another key was put under its name by whoever can write to the storage: a fingerprint is what people compare. */
export async function isNamedRightly({ fingerprint, key }: Pick<SealingKey, 'fingerprint' | 'key'>): Promise<boolean> {
  return (await calculateJwkThumbprint(key)) === fingerprint
}

/** OWASP’s figure for PBKDF2 with the weaker SHA-256. Readers refuse less, whoever says so; more than this only keeps them busy. */
const ITERATIONS = { least: 600_000, most: 10_000_000 } as const

const wrapHeader = z.strictObject({
  alg: z.literal('PBES2-HS512+A256KW'),
  enc: z.literal('A256GCM'),
  cty: z.literal('jwk+json'),
  kid: z.string(),
  p2s: z.string().min(22),
  p2c: z.int().min(ITERATIONS.least).max(ITERATIONS.most),
})

/** The fingerprint of the key that was made, or what is wrong with it. */
export async function fingerprintOf({
  key,
  wrapped: copies,
}: MadeSealingKey): Promise<{ fingerprint: string } | { problem: string }> {
  // Only a point of the curve can be imported.
  const imported = await crypto.subtle
    .importKey('jwk', key, { name: 'ECDH', namedCurve: 'P-256' }, false, [])
    .catch(() => undefined)
  if (!imported) return { problem: 'key: is no point of the curve P-256' }
  const fingerprint = await calculateJwkThumbprint(key)
  for (const [name, copy] of Object.entries(copies)) {
    const problem = problemOf(copy, fingerprint)
    if (problem !== undefined) return { problem: `wrapped.${name}: ${problem}` }
  }
  return { fingerprint }
}

function problemOf(jwe: string, fingerprint: string): string | undefined {
  const [head = '', ...rest] = jwe.split('.')
  if (rest.length !== 4 || rest.some((part) => !/^[\w-]+$/.test(part))) return 'is no JWE in the compact form'
  const header = wrapHeader.safeParse(jsonOf(head)).data
  if (!header) return `must be PBES2-HS512+A256KW and A256GCM, with ${ITERATIONS.least} iterations or more`
  return header.kid === fingerprint ? undefined : 'names another key'
}

function jsonOf(part: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(base64url.decode(part)))
  } catch {
    return undefined
  }
}
