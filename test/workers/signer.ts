// Clients that sign (private_key_jwt), as the tests make them: keys, documents, codes of people, and requests with a signature.
import { env, exports } from 'cloudflare:workers'
import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose'
import { expect } from 'vitest'
import { keyRing } from '../../src/issuer/keys.ts'
import { SignedTokens } from '../../src/oauth/tokens/signed-tokens.ts'
import { fromHex } from '../../src/platform/crypto.ts'
import { DOCUMENTS } from './documents.ts'
import { CHALLENGE, IDENTITY, REDIRECT_URI, RESOURCE } from './person.ts'

export const BROKER = 'http://localhost:8788'
const ring = await keyRing({ secret: fromHex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f') })
const seconds = () => Math.floor(Date.now() / 1000)
const signedTokens = new SignedTokens(ring, BROKER, seconds)
const VERIFIER = 'v'.repeat(43)

export interface Signer {
  readonly id: string
  readonly publicKeys: { readonly keys: readonly JWK[] }
  readonly sign: (changes?: object) => Promise<string>
}

let names = 0
export const freshAddress = () => `203.0.113.${(names += 1)}`
export const freshUrl = (what: string) => `${DOCUMENTS}/${what}-${crypto.randomUUID()}.json`

export async function signerFor(id: string, kid = 'k1'): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const claims = { iss: id, sub: id, aud: BROKER }
  return {
    id,
    publicKeys: { keys: [{ ...(await exportJWK(publicKey)), kid }] },
    sign: (changes = {}) =>
      new SignJWT({ ...claims, jti: crypto.randomUUID(), iat: seconds(), exp: seconds() + 300, ...changes })
        .setProtectedHeader({ alg: 'ES256', kid })
        .sign(privateKey),
  }
}

export async function publish(url: string, body: object, status = 200): Promise<void> {
  await fetch(url, { method: 'PUT', body: JSON.stringify({ body, status }) })
}

export async function timesAsked(url: string): Promise<number> {
  return (await fetch(`${DOCUMENTS}/-/asked${new URL(url).pathname}`)).json()
}

export interface Described extends Signer {
  readonly keysAt: string
}

/** A client whose document has been asked for, as it is when a person was asked about it. */
export async function described(changes: object = {}): Promise<Described> {
  const signer = await signerFor(freshUrl('client'))
  const keysAt = freshUrl('keys')
  await publish(keysAt, signer.publicKeys)
  const document = {
    client_id: signer.id,
    client_name: 'Signer',
    redirect_uris: [REDIRECT_URI],
    token_endpoint_auth_method: 'private_key_jwt',
  }
  await publish(signer.id, { ...document, jwks_uri: keysAt, ...changes })
  const query = new URLSearchParams({
    client_id: signer.id,
    response_type: 'code',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    resource: RESOURCE,
  })
  const headers = { 'CF-Connecting-IP': freshAddress() }
  const page = await exports.default.fetch(new Request(`${BROKER}/authorize?${query.toString()}`, { headers }))
  expect(page.status).toBe(200)
  return { ...signer, keysAt }
}

/** The code a person who signed in would come back with. */
export async function codeFor(clientId: string, clientSigns = true, sub = `signed in ${(names += 1)}`): Promise<string> {
  const issued = await env.USER_SESSION.getByName(sub).signIn({
    identity: IDENTITY,
    tokens: { accessToken: 'idp access' },
    grant: { clientId, clientName: 'Signer', resource: RESOURCE, scopes: ['mcp'] },
    redirectUri: REDIRECT_URI,
    codeChallenge: CHALLENGE,
  })
  if (typeof issued === 'string') throw new Error(`this person is ${issued}`)
  const { jti, grantId, expiresAt } = issued
  return await signedTokens.code({ sub, grantId, clientId, jti, expiresAt, clientSigns })
}

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
export const signedWith = (client_assertion: string) => ({ client_assertion, client_assertion_type: ASSERTION_TYPE })

export function post(path: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> {
  return exports.default.fetch(new Request(`${BROKER}${path}`, { method: 'POST', headers, body: new URLSearchParams(form) }))
}

export interface Told {
  readonly status: number
  readonly error?: string
  readonly error_description?: string
  readonly access_token?: string
  readonly refresh_token?: string
}

export async function told(asked: Promise<Response>): Promise<Told> {
  const answer = await asked
  const text = await answer.text()
  return { status: answer.status, ...(text !== '' && JSON.parse(text)) }
}

export const redeem = (code: string, form: Record<string, string>) =>
  told(post('/token', { grant_type: 'authorization_code', code, code_verifier: VERIFIER, redirect_uri: REDIRECT_URI, ...form }))
export const refresh = (refresh_token: string | undefined, form: Record<string, string>) =>
  told(post('/token', { grant_type: 'refresh_token', refresh_token: refresh_token ?? '', ...form }))
