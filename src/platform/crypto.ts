// The few cryptographic building blocks everything else is made of: WebCrypto with our conventions, nothing invented.
import { base64url } from 'jose'

const utf8 = new TextEncoder()

export async function sha256(text: string): Promise<string> {
  return base64url.encode(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8.encode(text))))
}

/** `bytes` random bytes, base64url without padding. */
export function randomId(bytes: number): string {
  return base64url.encode(crypto.getRandomValues(new Uint8Array(bytes)))
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** `hex` must hold an even number of hexadecimal digits. */
export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: hex.length / 2 }, (_, index) => Number.parseInt(hex.slice(index * 2, index * 2 + 2), 16))
}

/** HKDF-SHA-256 (RFC 5869) without salt: the input is already uniform, and `purpose` keeps the derived keys apart. */
export async function derive(secret: Uint8Array<ArrayBuffer>, purpose: string, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const key = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits'])
  const bits = await crypto.subtle.deriveBits(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: utf8.encode(`mcp-session-broker ${purpose}`) },
    key,
    bytes * 8,
  )
  return new Uint8Array(bits)
}

export function hmacKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify'])
}

export async function hmac(key: CryptoKey, text: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, utf8.encode(text)))
}

/** Compares in constant time for equal lengths; the length of what we compare is never a secret. */
export function sameText(left: string, right: string): boolean {
  const a = utf8.encode(left)
  const b = utf8.encode(right)
  if (a.length !== b.length) return false
  let difference = 0
  for (const [index, byte] of a.entries()) difference |= byte ^ (b[index] ?? 0)
  return difference === 0
}

/** Seals `text` with AES-256-GCM; `context` is authenticated too, so a sealed value can't be moved to another owner. */
export async function seal(key: CryptoKey, text: string, context: string): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(12))
  const sealed = await crypto.subtle.encrypt(
    { name: 'AES-GCM', iv, additionalData: utf8.encode(context) },
    key,
    utf8.encode(text),
  )
  return `${base64url.encode(iv)}.${base64url.encode(new Uint8Array(sealed))}`
}

/** The text that was sealed, or undefined when key or context is another one. */
export async function unseal(key: CryptoKey, sealed: string, context: string): Promise<string | undefined> {
  const [iv = '', body = ''] = sealed.split('.')
  try {
    const plain = await crypto.subtle.decrypt(
      { name: 'AES-GCM', iv: base64url.decode(iv), additionalData: utf8.encode(context) },
      key,
      base64url.decode(body),
    )
    return new TextDecoder().decode(plain)
  } catch {
    return undefined
  }
}
