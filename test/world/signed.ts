// JWTs signed by Node's own cryptography, apart from the library the broker verifies with: any header, any claims, any fault.
import { createHmac, createPublicKey, generateKeyPairSync, randomUUID, sign, verify, type KeyObject } from 'node:crypto'
import { z } from 'zod'

export interface Pair {
  readonly kid: string
  readonly alg: 'RS256' | 'ES256'
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

type Members = Readonly<Record<string, unknown>>

export function newPair(alg: Pair['alg'] = 'RS256'): Pair {
  const pair =
    alg === 'RS256' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { kid: randomUUID(), alg, ...pair }
}

/** As it is in a key set (RFC 7517). */
export function publicJwk({ kid, alg, publicKey }: Pair): Members {
  return { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' }
}

export function signedJwt(pair: Pair, claims: Members, header: Members = {}): string {
  const { alg, kid, privateKey } = pair
  const input = inputOf({ alg, kid, ...header }, claims)
  const key = alg === 'ES256' ? ({ key: privateKey, dsaEncoding: 'ieee-p1363' } as const) : privateKey
  return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
}

/** HS256 with the text of a public key: what a verifier takes that lets the token choose. */
export function signedWithPublicKey(pair: Pair, claims: Members, header: Members = {}): string {
  const input = inputOf({ ...header, alg: 'HS256', kid: pair.kid }, claims)
  const secret = pair.publicKey.export({ format: 'pem', type: 'spki' })
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

export function unsignedJwt(claims: Members, header: Members = {}): string {
  return `${inputOf({ ...header, alg: 'none' }, claims)}.`
}

function inputOf(header: Members, claims: Members): string {
  return [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
}

const keySet = z.object({ keys: z.array(z.looseObject({ kty: z.string(), kid: z.string() })) })
const members = z.record(z.string(), z.unknown())

/** Header and claims of a token that one of the keys has signed; throws where none has. */
export function verifiedJwt(token: string, published: unknown): { readonly header: Members; readonly claims: Members } {
  const [head = '', body = '', signature = ''] = token.split('.')
  const header = members.parse(JSON.parse(Buffer.from(head, 'base64url').toString()))
  const jwk = keySet.parse(published).keys.find(({ kid }) => kid === header['kid'])
  if (!jwk) throw new Error('none of the keys has signed it')
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  const input = Buffer.from(`${head}.${body}`)
  const isValid = verify('sha256', input, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))
  if (!isValid) throw new Error('the signature is another’s')
  return { header, claims: members.parse(JSON.parse(Buffer.from(body, 'base64url').toString())) }
}
