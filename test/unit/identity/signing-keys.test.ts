// The provider's keys: fetched rarely, rotated without anybody noticing, never replaced by a guess when they can't be had.
import { randomUUID } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { OidcProvider } from '../../../src/identity/oidc.ts'
import { settingsFor, signedIn } from './logins.ts'
import { newSigningKey, sign } from './scripted-provider.ts'
import { atScriptedProvider } from './scripted-clock.ts'

const its = atScriptedProvider()

const visit = (url: URL): Promise<URL> => its.server.visit(url)
const pass = (seconds: number): void => void vi.setSystemTime(Date.now() + seconds * 1000)

test('attack 24: a flood of 1,000 unknown key ids fetches the keys once in thirty seconds', { timeout: 30_000 }, async () => {
  await signedIn(its.provider, visit)
  pass(31)
  its.server.script = { idToken: (claims) => sign({ ...its.server.signingKey, kid: randomUUID() }, claims) }

  // A hundred at once: a thousand on a busy machine take longer than an answer may.
  for (let round = 0; round < 10; round += 1) {
    const flood = await Promise.allSettled(Array.from({ length: 100 }, () => signedIn(its.provider, visit)))
    expect(flood.filter(({ status }) => status === 'fulfilled')).toEqual([])
  }
  expect(its.server.calls).toMatchObject({ token: 1001, jwks: 2 })
  pass(29)
  await expect(signedIn(its.provider, visit)).rejects.toMatchObject({ reason: 'invalid' })
  expect(its.server.calls.jwks).toBe(2)
  its.server.script = {}
  await expect(signedIn(its.provider, visit)).resolves.toBeDefined()
})

test('a hundred first sign-ins at once fetch metadata and keys once', async () => {
  await Promise.all(Array.from({ length: 100 }, () => signedIn(its.provider, visit)))

  expect(its.server.calls).toMatchObject({ discovery: 1, jwks: 1, token: 100 })
})

test('attack 25: while keys rotate with overlap every sign-in succeeds', async () => {
  const [before, after] = [its.server.signingKey, await newSigningKey()]
  await signedIn(its.provider, visit)

  its.server.published = [before, after]
  pass(15)
  await expect(signedIn(its.provider, visit)).resolves.toBeDefined()
  pass(16)
  its.server.signingKey = after
  await expect(signedIn(its.provider, visit)).resolves.toBeDefined()
  its.server.published = [after]
  await expect(signedIn(its.provider, visit)).resolves.toBeDefined()
  expect(its.server.calls.jwks).toBe(2)
})

test('attack 25: a withdrawn key counts for five more minutes at most', async () => {
  const withdrawn = its.server.signingKey
  await signedIn(its.provider, visit)
  its.server.published = [await newSigningKey()]
  its.server.script = { idToken: (claims) => sign(withdrawn, claims) }

  pass(299)
  await expect(signedIn(its.provider, visit)).resolves.toBeDefined()
  pass(2)
  await expect(signedIn(its.provider, visit)).rejects.toMatchObject({ reason: 'invalid' })
})

test.for([503, 404, 'web page'] as const)(
  'attack 25: keys that are answered with %s verify nothing, and a second later they are asked for again',
  async (failure) => {
    its.server.script = { fail: { jwks: failure } }
    await expect(signedIn(its.provider, visit)).rejects.toMatchObject({ reason: 'unreachable' })

    its.server.script = {}
    pass(1)
    await expect(signedIn(its.provider, visit)).resolves.toBeDefined()
  },
)

test('attack 25: keys are not fetched in the clear, whatever the document of a provider elsewhere says', async () => {
  const login = new OidcProvider({ ...settingsFor(its.server.issuer), url: its.server.issuer })
  its.server.script = { metadata: (honest) => ({ ...honest, jwks_uri: 'http://keys.example/jwks' }) }
  await expect(signedIn(login, visit)).rejects.toMatchObject({ reason: 'invalid', detail: expect.stringContaining('https') })
  expect(its.server.calls.jwks).toBe(0)
})

test('attack 25: keys already fetched outlast a short outage of the key endpoint', async () => {
  await signedIn(its.provider, visit)
  its.server.script = { fail: { jwks: 503 }, idToken: (claims) => sign({ ...its.server.signingKey, kid: randomUUID() }, claims) }
  pass(31)
  await expect(signedIn(its.provider, visit)).rejects.toMatchObject({ reason: 'unreachable' })

  its.server.script = { fail: { jwks: 503 } }
  await expect(signedIn(its.provider, visit)).resolves.toBeDefined()
})
