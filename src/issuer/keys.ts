// Every key of the broker, derived from ENCRYPTION_KEY: one per purpose, the previous secret's keys kept for verification.
import { calculateJwkThumbprint, exportJWK, importPKCS8, type JWK } from 'jose'
import { derive, fromHex, hmacKey, toHex } from '../platform/crypto.ts'

export interface IdentityKey {
  readonly kid: string
  readonly alg: 'ES256' | 'RS256'
  readonly privateKey: CryptoKey
  /** What `/.well-known/jwks.json` publishes. */
  readonly publicJwk: JWK
}

export interface Keys {
  /** Signs codes, access and refresh tokens (HS256). */
  readonly signing: CryptoKey
  /** Seals cookies (A256GCM, `dir`). */
  readonly cookie: Uint8Array<ArrayBuffer>
  /** Seals the identity provider's tokens at rest. */
  readonly vault: CryptoKey
  /** Authenticates client ids and derives client secrets. */
  readonly client: CryptoKey
  /** Makes what transmitters of security events show when they come here. */
  readonly streams: CryptoKey
}

export interface KeyRing {
  readonly current: Keys
  readonly previous?: Keys
  readonly identity: { readonly active: IdentityKey; readonly published: readonly IdentityKey[] }
}

export interface KeySources {
  readonly secret: Uint8Array<ArrayBuffer>
  readonly previousSecret?: Uint8Array<ArrayBuffer> | undefined
  /** PKCS#8 PEM of an RSA or P-256 key that replaces the derived identity key. */
  readonly identityPem?: string | undefined
  readonly previousIdentityPem?: string | undefined
}

export async function keyRing(sources: KeySources): Promise<KeyRing> {
  const active = await identityKey(sources.secret, sources.identityPem)
  const published = [active]
  if (sources.previousIdentityPem) published.push(await importedIdentityKey(sources.previousIdentityPem))
  if (sources.previousSecret && !sources.identityPem) published.push(await derivedIdentityKey(sources.previousSecret))
  return {
    current: await keys(sources.secret),
    ...(sources.previousSecret && { previous: await keys(sources.previousSecret) }),
    identity: { active, published },
  }
}

async function keys(secret: Uint8Array<ArrayBuffer>): Promise<Keys> {
  const vault = await derive(secret, 'idp tokens at rest', 32)
  return {
    signing: await hmacKey(await derive(secret, 'envelope signing', 32)),
    cookie: await derive(secret, 'cookie sealing', 32),
    vault: await crypto.subtle.importKey('raw', vault, 'AES-GCM', false, ['encrypt', 'decrypt']),
    client: await hmacKey(await derive(secret, 'client registration', 32)),
    streams: await hmacKey(await derive(secret, 'security event streams', 32)),
  }
}

function identityKey(secret: Uint8Array<ArrayBuffer>, pem: string | undefined): Promise<IdentityKey> {
  return pem ? importedIdentityKey(pem) : derivedIdentityKey(secret)
}

const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

// SEC 1 inside PKCS#8, private scalar only (RFC 5915 makes the public key optional): the runtime computes the point.
const PKCS8_P256_PREFIX = fromHex('3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420')

async function derivedIdentityKey(secret: Uint8Array<ArrayBuffer>): Promise<IdentityKey> {
  // 128 surplus bits make the bias of the reduction negligible (FIPS 186-5, A.2.1).
  const wide = await derive(secret, 'identity signing', 48)
  const scalar = (BigInt(`0x${toHex(wide)}`) % (P256_ORDER - 1n)) + 1n
  const scalarBytes = fromHex(scalar.toString(16).padStart(64, '0'))
  const pkcs8 = new Uint8Array([...PKCS8_P256_PREFIX, ...scalarBytes])
  const key = await crypto.subtle.importKey('pkcs8', pkcs8, { name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign'])
  return described(key, 'ES256')
}

async function importedIdentityKey(pem: string): Promise<IdentityKey> {
  // The PEM does not say its algorithm in words; trying both is simpler than reading the ASN.1 object identifier.
  try {
    return await described(await importPKCS8(pem, 'ES256', { extractable: true }), 'ES256')
  } catch {
    return described(await importPKCS8(pem, 'RS256', { extractable: true }), 'RS256')
  }
}

async function described(privateKey: CryptoKey, alg: 'ES256' | 'RS256'): Promise<IdentityKey> {
  const { kty, crv, x, y, n, e } = await exportJWK(privateKey)
  const publicPart: JWK =
    kty === 'EC' ? { kty: 'EC', crv: crv ?? '', x: x ?? '', y: y ?? '' } : { kty: 'RSA', n: n ?? '', e: e ?? '' }
  const kid = await calculateJwkThumbprint(publicPart)
  return { kid, alg, privateKey, publicJwk: { ...publicPart, kid, alg, use: 'sig' } }
}
