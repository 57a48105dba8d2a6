// Who a client is: ids that prove themselves, secrets nobody stores, and the ways a client authenticates (RFC 6749 section 2.3).
//
// A client id is `pub_`, `sec_` or `key_` and 32 bytes: 16 random ones and a 16-byte MAC over them. So an id that was never issued is
// told from a real one by arithmetic: a flood of invented ids costs no storage read, and refreshing goes on while the Directory
// is unreachable. The price: dropping ENCRYPTION_KEY_PREVIOUS makes its clients unknown, and they register again.
import { base64url, decodeJwt } from 'jose'
import type { ClientAuthMethod } from '../../clients/client-record.ts'
import type { KeyRing, Keys } from '../../issuer/keys.ts'
import { hmac, sameText } from '../../platform/crypto.ts'
import { OAuthError } from '../../clients/oauth-error.ts'

/** A signing client authenticates with private_key_jwt (RFC 7523). */
export type ClientKind = 'public' | 'confidential' | 'signing'

export interface PresentedClient {
  readonly clientId: string
  readonly kind: ClientKind
  /** Of a client that signs; nobody has looked at the signature yet. */
  readonly assertion?: string
}

const RANDOM_BYTES = 16
const MAC_BYTES = 16
const CLIENT_ID = /^(pub|sec|key)_([\w-]{43})$/
const KINDS: Readonly<Record<string, ClientKind>> = { pub: 'public', sec: 'confidential', key: 'signing' }
const PREFIXES: Readonly<Record<ClientAuthMethod, string>> = {
  none: 'pub',
  client_secret_basic: 'sec',
  client_secret_post: 'sec',
  private_key_jwt: 'key',
}

export const MUST_SIGN = 'this client signs its requests (private_key_jwt)'

export function newClientId(keys: Keys, method: ClientAuthMethod): Promise<string> {
  return authenticId(keys, PREFIXES[method], crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)))
}

/** What kind of client the id was issued to; undefined when it was not issued by us. */
export async function clientIdIsOurs(ring: KeyRing, id: string): Promise<ClientKind | undefined> {
  return (await issued(ring, id))?.kind
}

/** The secret of a confidential client, the same whenever it is asked for. */
export async function clientSecretFor(keys: Keys, id: string): Promise<string> {
  return base64url.encode(await hmac(keys.client, `secret ${id}`))
}

/**
 * A client that registered itself, as far as arithmetic can tell. Basic and post are both open to every confidential client: its secret is
 * the same, and clients are known to register one and use the other.
 */
export async function authenticateClient(ring: KeyRing, presented: PresentedCredentials): Promise<PresentedClient> {
  const { id, secret, assertion } = presented
  const client = await issued(ring, id)
  if (!client) throw new OAuthError('invalid_client', 'Client not found: register again', { reason: 'client id not issued here' })
  if (client.kind === 'signing') return signing(presented)
  if (assertion !== undefined) throw failed('this client has no keys to sign with')
  if (client.kind === 'confidential') assertSecret(secret, await clientSecretFor(client.keys, id))
  else assertNoSecret(secret)
  return { clientId: id, kind: client.kind }
}

/** A client that signs has proved nothing until somebody has looked at its signature. */
export function signing({ id, assertion }: PresentedCredentials): PresentedClient {
  if (assertion === undefined) throw failed(MUST_SIGN)
  return { clientId: id, kind: 'signing', assertion }
}

/** In constant time. */
export function assertSecret(presented: string, secret: string): void {
  if (!sameText(presented, secret)) throw failed(presented === '' ? 'the client secret is missing' : 'the client secret is wrong')
}

export function assertNoSecret(presented: string): void {
  if (presented !== '') throw failed('this client has no secret')
}

export function failed(why: string, reason?: string): OAuthError {
  const detail = reason === undefined ? {} : { reason }
  return new OAuthError('invalid_client', `Client authentication failed: ${why}`, detail)
}

async function issued(ring: KeyRing, id: string): Promise<{ readonly kind: ClientKind; readonly keys: Keys } | undefined> {
  const [, prefix, body] = CLIENT_ID.exec(id) ?? []
  if (prefix === undefined || body === undefined) return undefined
  const random = base64url.decode(body).subarray(0, RANDOM_BYTES)
  for (const keys of [ring.current, ring.previous]) {
    // The whole id is compared, not only its MAC: base64url has four spellings of the same 32 bytes, and only one was issued.
    if (keys && sameText(id, await authenticId(keys, prefix, random))) return { kind: KINDS[prefix] ?? 'confidential', keys }
  }
  return undefined
}

async function authenticId(keys: Keys, prefix: string, random: Uint8Array): Promise<string> {
  const mac = await hmac(keys.client, `id ${prefix} ${base64url.encode(random)}`)
  return `${prefix}_${base64url.encode(new Uint8Array([...random, ...mac.subarray(0, MAC_BYTES)]))}`
}

export interface PresentedCredentials {
  readonly id: string
  /** Empty when the client sent none: RFC 6749 section 2.3.1 treats both alike. */
  readonly secret: string
  /** A signed assertion that nobody has looked at yet (RFC 7523 section 2.2). */
  readonly assertion?: string
}

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
/** An RSA signature, a few claims and a long id; anything longer is not worth reading. */
const LONGEST_ASSERTION = 8_192

export function presentedCredentials(authorization: string | null | undefined, form: URLSearchParams): PresentedCredentials {
  const id = single(form, 'client_id')
  const secret = single(form, 'client_secret')
  const assertion = statedAssertion(form)
  // Another scheme is no client authentication of ours; mcp-remote sends the header people gave it to this endpoint too.
  const basic = /^basic(?: (.*))?$/i.exec(authorization?.trim() ?? '')
  if (assertion !== undefined) {
    if (basic || secret !== '') throw twoWays()
    return signedCredentials(id, assertion)
  }
  if (!basic) {
    if (id === '') throw new OAuthError('invalid_client', 'The request does not say which client it comes from')
    return { id, secret }
  }
  const credentials = basicCredentials(basic[1]?.trimStart() ?? '')
  if (!credentials) throw new OAuthError('invalid_client', 'The Authorization header is not Basic credentials')
  if (secret !== '') throw twoWays()
  if (id !== '' && id !== credentials.id)
    throw new OAuthError('invalid_request', 'client_id is not the client of the Authorization header')
  return credentials
}

/** RFC 6749 section 2.3: one way to authenticate in each request. */
function twoWays(): OAuthError {
  return new OAuthError(
    'invalid_request',
    'The client authenticates in two ways at once: use one of header, secret and assertion',
  )
}

function statedAssertion(form: URLSearchParams): string | undefined {
  const type = single(form, 'client_assertion_type')
  const assertion = single(form, 'client_assertion')
  if (type === '' && assertion === '') return undefined
  if (type !== ASSERTION_TYPE) throw failed(`client_assertion_type is not ${ASSERTION_TYPE}`)
  if (assertion === '' || assertion.length > LONGEST_ASSERTION) throw failed('client_assertion is missing, or too long')
  return assertion
}

/** RFC 7521 section 4.2: client_id may be left out, the assertion says it; where both do, they agree. */
function signedCredentials(id: string, assertion: string): PresentedCredentials {
  const subject = subjectOf(assertion)
  if (subject === undefined) throw failed('client_assertion is not a JWT that says whose it is')
  if (id !== '' && id !== subject) throw new OAuthError('invalid_request', 'client_id is not the client of the assertion')
  return { id: subject, secret: '', assertion }
}

function subjectOf(assertion: string): string | undefined {
  try {
    return decodeJwt(assertion).sub
  } catch {
    return undefined
  }
}

function single(form: URLSearchParams, name: string): string {
  const [value = '', ...more] = form.getAll(name)
  if (more.length > 0) throw new OAuthError('invalid_request', `${name} is given more than once`)
  return value
}

function basicCredentials(encoded: string): PresentedCredentials | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      Uint8Array.from(atob(encoded), (byte) => byte.charCodeAt(0)),
    )
    const [, id, secret] = /^([^:]+):(.*)$/s.exec(text) ?? []
    // The RFC wants both parts form-encoded, SDKs send them raw. Ours hold only characters for which both are the same.
    return id === undefined || secret === undefined
      ? undefined
      : { id: decodeURIComponent(id), secret: decodeURIComponent(secret) }
  } catch {
    return undefined
  }
}
