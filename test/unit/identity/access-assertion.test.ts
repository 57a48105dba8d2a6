// What Cloudflare Access says about who is there counts when it is signed, for this application, fresh, and about a person.
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { AccessAssertions } from '../../../src/identity/access-assertion.ts'
import { keysPublishedAt } from '../../../src/oauth-client/published-keys.ts'

const NOW = 1_800_000_000
const ACCESS = { issuer: 'https://team.cloudflareaccess.com', audience: 'the-aud-of-the-portal' }
const key = await generateKeyPair('RS256')
const stranger = await generateKeyPair('RS256')
const published = async (kid = 'one', { publicKey } = key): Promise<object> => ({
  keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' }],
  public_certs: [{ kid, cert: 'not looked at' }],
})

const CLAIMS = {
  iss: ACCESS.issuer,
  aud: [ACCESS.audience],
  email: 'carol@example.com',
  type: 'app',
  sub: 'u',
  iat: NOW - 5,
  exp: NOW + 600,
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW * 1000 })
})
afterEach(() => {
  vi.useRealTimers()
})

async function assertion(changes: object = {}, { kid = 'one', privateKey = key.privateKey } = {}): Promise<string> {
  return await new SignJWT({ ...CLAIMS, ...changes } satisfies JWTPayload)
    .setProtectedHeader({ alg: 'RS256', kid })
    .sign(privateKey)
}

/** Counts how often the keys are fetched, and from where. */
function accessWith(answer: () => Promise<unknown>) {
  const asked: string[] = []
  const assertions = new AccessAssertions(
    ACCESS,
    () => Math.floor(Date.now() / 1000),
    async (address, issuer) => {
      asked.push(address)
      return await keysPublishedAt(address, {
        issuer,
        ask: async () => Response.json(await answer()),
        failed: (detail) => new Error(detail),
      })
    },
  )
  return { assertions, asked }
}

test('a person that Access let through is known by their e-mail address, and the keys are fetched once', async () => {
  const { assertions, asked } = accessWith(() => published())
  for (let n = 0; n < 3; n += 1) expect(await assertions.person(await assertion())).toMatchObject({ email: 'carol@example.com' })
  expect(asked).toEqual(['https://team.cloudflareaccess.com/cdn-cgi/access/certs'])
})

describe('nobody is there when the assertion', () => {
  test.for<[string, () => Promise<string>]>([
    ['is none', async () => 'not a token'],
    ['is signed by somebody else', () => assertion({}, { privateKey: stranger.privateKey })],
    ['has no signature', async () => `${btoa('{"alg":"none"}')}.${btoa(JSON.stringify(CLAIMS))}.`],
    ['is for another application', () => assertion({ aud: ['another'] })],
    ['comes from another team', () => assertion({ iss: 'https://other.cloudflareaccess.com' })],
    ['is over', () => assertion({ exp: NOW - 1 })],
    ['never ends', () => assertion({ exp: undefined })],
    ['is not valid yet', () => assertion({ nbf: NOW + 600 })],
    ['is of a service token', () => assertion({ common_name: 'abc.access', email: undefined, sub: '' })],
    ['is of a service token that calls itself a person', () => assertion({ common_name: 'abc.access' })],
    ['names nobody', () => assertion({ email: undefined })],
    ['is the one of the whole team', () => assertion({ type: 'org' })],
  ])('%s', async ([, made]) => {
    const { assertions } = accessWith(() => published())
    expect(await assertions.person(await made())).toBeUndefined()
  })
})

describe('the keys of Access', () => {
  test('are asked for again when one is missing, and not more than once in thirty seconds', async () => {
    let current = await published('one')
    const { assertions, asked } = accessWith(async () => current)
    expect(await assertions.person(await assertion())).toMatchObject({ email: 'carol@example.com' })
    current = await published('two', stranger)
    const rotated = await assertion({}, { kid: 'two', privateKey: stranger.privateKey })
    for (let n = 0; n < 20; n += 1) expect(await assertions.person(rotated)).toBeUndefined()
    expect(asked).toHaveLength(1)
    vi.setSystemTime((NOW + 31) * 1000)
    for (let n = 0; n < 20; n += 1) expect(await assertions.person(rotated)).toMatchObject({ email: 'carol@example.com' })
    expect(asked).toHaveLength(2)
  })

  test('that can not be fetched are an outage, asked after once and not once for every request', async () => {
    const { assertions, asked } = accessWith(() => Promise.reject(new Error('down')))
    for (let n = 0; n < 5; n += 1)
      await expect(assertions.person(await assertion())).rejects.toMatchObject({ reason: 'unreachable' })
    expect(asked).toHaveLength(1)
  })

  test.for([{}, { keys: 'none' }, '<html>', { keys: [{ kid: 'one' }] }])('that are %j are an outage', async (answer) => {
    const { assertions } = accessWith(async () => answer)
    await expect(assertions.person(await assertion())).rejects.toMatchObject({ reason: 'unreachable' })
  })
})
