// A client proves itself by arithmetic: which ids are ours, which secrets fit, and what every failed attempt is told.
import { describe, expect, test } from 'vitest'
import { keyRing, type KeyRing } from '../../../../src/issuer/keys.ts'
import {
  authenticateClient,
  clientIdIsOurs,
  clientSecretFor,
  newClientId,
  presentedCredentials,
} from '../../../../src/oauth/client-auth/clients.ts'
import { OAuthError } from '../../../../src/clients/oauth-error.ts'

const secretOf = (byte: number) => new Uint8Array(32).fill(byte)
const ring = await keyRing({ secret: secretOf(1) })
const otherRing = await keyRing({ secret: secretOf(2) })
const rotatedRing = await keyRing({ secret: secretOf(2), previousSecret: secretOf(1) })

const publicId = await newClientId(ring.current, 'none')
const confidentialId = await newClientId(ring.current, 'client_secret_basic')
const secret = await clientSecretFor(ring.current, confidentialId)

const basic = (id: string, password: string) => `Basic ${btoa(`${id}:${password}`)}`
const form = (...members: [string, string][]) => new URLSearchParams(members)
const everyCharacterEncoded = (text: string) =>
  Array.from(text, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')

const authenticated = async (keys: KeyRing, authorization: string | undefined, body: URLSearchParams) =>
  await authenticateClient(keys, presentedCredentials(authorization, body))

function lastCharacterChanged(text: string): string {
  return text.slice(0, -1) + (text.endsWith('A') ? 'B' : 'A')
}

async function refusalOf(attempt: Promise<unknown>): Promise<OAuthError> {
  const outcome = await attempt.catch((error: unknown) => error)
  if (outcome instanceof OAuthError) return outcome
  throw new Error('the attempt was not refused')
}

const told = ({ code, status, message, reason }: OAuthError) => ({ code, status, message, reason })

describe('a client id', () => {
  test('says whether its client is public or confidential', async () => {
    expect(publicId).toMatch(/^pub_[\w-]{43}$/)
    expect(await clientIdIsOurs(ring, publicId)).toBe('public')
    expect(confidentialId).toMatch(/^sec_[\w-]{43}$/)
    expect(await clientIdIsOurs(ring, confidentialId)).toBe('confidential')
    expect(await clientIdIsOurs(ring, await newClientId(ring.current, 'client_secret_post'))).toBe('confidential')
  })

  test('is a new one each time', async () => {
    const ids = await Promise.all(Array.from({ length: 100 }, () => newClientId(ring.current, 'none')))
    expect(new Set(ids).size).toBe(100)
  })

  test.for<[string, string]>([
    ['empty', ''],
    ['invented', `pub_${'A'.repeat(43)}`],
    ['cut short', publicId.slice(0, -1)],
    ['longer', `${publicId}A`],
    ['changed in its last character', lastCharacterChanged(publicId)],
    ['changed in its first random character', `pub_${publicId[4] === 'A' ? 'B' : 'A'}${publicId.slice(5)}`],
    ['a public one renamed to confidential', publicId.replace('pub_', 'sec_')],
    ['a confidential one renamed to public', confidentialId.replace('sec_', 'pub_')],
    ['followed by a newline', `${publicId}\n`],
    ['the URL of a metadata document', 'https://client.example/metadata.json'],
  ])('that is %s was never issued', async ([, id]) => {
    expect(await clientIdIsOurs(ring, id)).toBeUndefined()
  })

  test('has one spelling: the three other base64url texts of the same bytes are unknown', async () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const last = alphabet.indexOf(publicId.at(-1) ?? '')
    const known = [0, 1, 2, 3].map((bits) => publicId.slice(0, -1) + alphabet[(last & 0b111100) | bits])
    const answers = await Promise.all(known.map((id) => clientIdIsOurs(ring, id)))
    expect(answers.filter((answer) => answer !== undefined)).toEqual(['public'])
  })

  test('lives through a rotation of the secret, and ends when the previous secret is dropped', async () => {
    expect(await clientIdIsOurs(rotatedRing, confidentialId)).toBe('confidential')
    expect(await clientIdIsOurs(otherRing, confidentialId)).toBeUndefined()
  })

  test('needs no encoding in a URL or in Basic credentials', () => {
    expect(encodeURIComponent(publicId)).toBe(publicId)
    expect(encodeURIComponent(secret)).toBe(secret)
  })
})

describe('a client is authenticated when', () => {
  test.for<[string, KeyRing, string | undefined, URLSearchParams, string]>([
    ['it is public and names itself', ring, undefined, form(['client_id', publicId]), publicId],
    ['it is public and sends an empty secret', ring, undefined, form(['client_id', publicId], ['client_secret', '']), publicId],
    ['it is public and sends Basic without a password', ring, basic(publicId, ''), form(), publicId],
    [
      'it sends its secret in the body',
      ring,
      undefined,
      form(['client_id', confidentialId], ['client_secret', secret]),
      confidentialId,
    ],
    ['it sends Basic raw, as SDK v1 does', ring, basic(confidentialId, secret), form(), confidentialId],
    [
      'it sends Basic form-encoded, as RFC 6749 says',
      ring,
      basic(everyCharacterEncoded(confidentialId), everyCharacterEncoded(secret)),
      form(),
      confidentialId,
    ],
    ['it writes the scheme in lower case', ring, basic(confidentialId, secret).replace('Basic', 'basic'), form(), confidentialId],
    ['it repeats its id beside Basic', ring, basic(confidentialId, secret), form(['client_id', confidentialId]), confidentialId],
    ['its secret was derived before a rotation', rotatedRing, basic(confidentialId, secret), form(), confidentialId],
    ['an unrelated bearer token comes along', ring, 'Bearer abc', form(['client_id', publicId]), publicId],
  ])('%s', async ([, keys, authorization, body, clientId]) => {
    expect(await authenticated(keys, authorization, body)).toMatchObject({ clientId })
  })
})

describe('a client is refused when', () => {
  test.for<[string, string | undefined, URLSearchParams, string, RegExp]>([
    ['it does not say who it is', undefined, form(), 'invalid_client', /does not say which client/],
    ['nobody registered its id', undefined, form(['client_id', 'toy-client']), 'invalid_client', /^Client not found/],
    ['nobody registered the id in its Basic header', basic('toy', 'x'), form(), 'invalid_client', /^Client not found/],
    [
      'it is public and sends a secret',
      undefined,
      form(['client_id', publicId], ['client_secret', 'x']),
      'invalid_client',
      /has no secret/,
    ],
    ['its secret is missing', undefined, form(['client_id', confidentialId]), 'invalid_client', /secret is missing/],
    ['its secret is wrong', basic(confidentialId, lastCharacterChanged(secret)), form(), 'invalid_client', /secret is wrong/],
    ['its secret is cut short', basic(confidentialId, secret.slice(0, -1)), form(), 'invalid_client', /secret is wrong/],
    ['its Basic header is empty', 'Basic', form(), 'invalid_client', /not Basic credentials/],
    ['its Basic header is not base64', 'Basic %%%', form(), 'invalid_client', /not Basic credentials/],
    ['its Basic header has no colon', `Basic ${btoa(publicId)}`, form(), 'invalid_client', /not Basic credentials/],
    ['its Basic header is not UTF-8', `Basic ${btoa('\xff\xfe:x')}`, form(), 'invalid_client', /not Basic credentials/],
    ['its Basic header is wrongly encoded', `Basic ${btoa('%zz:x')}`, form(), 'invalid_client', /not Basic credentials/],
    [
      'it authenticates in two ways at once',
      basic(confidentialId, secret),
      form(['client_secret', secret]),
      'invalid_request',
      /two ways at once/,
    ],
    [
      'header and body name two clients',
      basic(confidentialId, secret),
      form(['client_id', publicId]),
      'invalid_request',
      /not the client/,
    ],
    [
      'its id comes twice',
      undefined,
      form(['client_id', publicId], ['client_id', publicId]),
      'invalid_request',
      /client_id is given more/,
    ],
    [
      'its secret comes twice',
      undefined,
      form(['client_id', confidentialId], ['client_secret', secret], ['client_secret', secret]),
      'invalid_request',
      /client_secret is given more/,
    ],
  ])('%s', async ([, authorization, body, code, message]) => {
    const refusal = await refusalOf(authenticated(ring, authorization, body))
    expect(refusal).toMatchObject({ code, status: code === 'invalid_client' ? 401 : 400 })
    expect(refusal.message).toMatch(message)
  })

  test('it presents the secret of another client', async () => {
    const other = await newClientId(ring.current, 'client_secret_post')
    const otherSecret = await clientSecretFor(ring.current, other)
    expect(otherSecret).not.toBe(secret)
    const refusal = await refusalOf(authenticated(ring, basic(confidentialId, otherSecret), form()))
    expect(refusal.code).toBe('invalid_client')
  })

  test('it presents a secret derived from the new key for an id of the previous one', async () => {
    const forged = await clientSecretFor(rotatedRing.current, confidentialId)
    const refusal = await refusalOf(authenticated(rotatedRing, basic(confidentialId, forged), form()))
    expect(refusal.message).toMatch(/secret is wrong/)
  })
})

describe('attack 57: the comparison of a secret gives no hint', () => {
  test('a secret wrong in its first character is answered exactly like one wrong in its last', async () => {
    const early = await refusalOf(
      authenticated(ring, basic(confidentialId, `${secret.startsWith('A') ? 'B' : 'A'}${secret.slice(1)}`), form()),
    )
    const late = await refusalOf(authenticated(ring, basic(confidentialId, lastCharacterChanged(secret)), form()))
    expect(told(early)).toEqual(told(late))
  })
})
