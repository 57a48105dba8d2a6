// Google: whose account it is decides the verified claim, and nothing the person or the address says.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startGoogle, type GoogleWorld } from './dialects/google.ts'
import { newLogin, signedIn } from './logins.ts'

beforeEach(() => {
  vi.spyOn(console, 'info').mockReturnValue()
  vi.spyOn(console, 'warn').mockReturnValue()
})
let world: GoogleWorld
afterEach(async () => {
  vi.restoreAllMocks()
  await world.close()
})

const asAlice = (url: URL): Promise<URL> => world.signInAs('alice', url)

test('a refresh token is asked for with Google’s own parameters, and with no scope it does not know', async () => {
  world = await startGoogle({ scopes: ['openid', 'email', 'profile', 'offline_access'] })

  const { searchParams } = await world.newProvider().authorizationUrl(newLogin())
  const { tokens } = await signedIn(world.newProvider(), asAlice)

  expect(Object.fromEntries(searchParams)).toMatchObject({
    scope: 'openid email profile',
    access_type: 'offline',
    prompt: 'consent',
  })
  expect(searchParams.has('hd')).toBe(false)
  expect(tokens.refreshToken).toMatch(/^1\/\//)
})

test.for([
  [['example.com'], 'example.com'],
  [['example.com', 'example.org'], '*'],
] as const)('accounts of %j are offered first (hd=%s)', async ([restrictedTo, hd]) => {
  world = await startGoogle({ restrictedTo })

  expect((await world.newProvider().authorizationUrl(newLogin())).searchParams.get('hd')).toBe(hd)
})

describe('an address that Google calls verified', () => {
  beforeEach(async () => {
    world = await startGoogle()
  })

  test.for<[string, string | undefined, string, string | undefined]>([
    ['is the person’s in an organisation', 'example.com', 'alice@example.com', 'alice@example.com'],
    ['is the person’s in Google’s own mail', undefined, 'Alice@Gmail.com', 'Alice@Gmail.com'],
    ['is a service account’s', undefined, 'ci@acme.iam.gserviceaccount.com', 'ci@acme.iam.gserviceaccount.com'],
    ['is nobody’s elsewhere: who had it when the account was made may have left', undefined, 'alice@example.com', undefined],
    ['is nobody’s at a domain that only ends like Google’s', undefined, 'alice@notgmail.com', undefined],
    ['is nobody’s in an organisation without a name', '', 'alice@example.com', undefined],
  ])('%s', async ([, hd, address, email]) => {
    world.hd = hd
    world.changeEmail('alice', address)

    expect((await signedIn(world.newProvider(), asAlice)).identity).toEqual({ ...world.alice, email })
  })

  test('is gone with the next refresh when the account leaves its organisation', async () => {
    const provider = world.newProvider()
    const { identity, tokens } = await signedIn(provider, asAlice)
    world.hd = undefined

    expect(await provider.refresh(tokens, identity, async () => {})).toMatchObject({
      outcome: 'refreshed',
      identity: { email: undefined },
      losesEmail: true,
    })
  })
})

describe('where only example.com may sign in', () => {
  beforeEach(async () => {
    world = await startGoogle({ restrictedTo: ['example.com'] })
  })

  test('an account of it may', async () => {
    await expect(signedIn(world.newProvider(), asAlice)).resolves.toMatchObject({ identity: world.alice })
  })

  test.for([
    ['of another organisation', 'evil.example'],
    ['of a domain that only ends like it', 'not-example.com'],
    ['of nobody’s organisation, whatever its address is', undefined],
  ] as const)('an account %s may not', async ([, hd]) => {
    world.hd = hd

    await expect(signedIn(world.newProvider(), asAlice)).rejects.toMatchObject({
      reason: 'denied',
      detail: expect.stringContaining('only example.com may sign in'),
    })
  })

  test('an account that leaves it is signed out by the next refresh', async () => {
    const provider = world.newProvider()
    const { identity, tokens } = await signedIn(provider, asAlice)
    world.hd = undefined

    expect(await provider.refresh(tokens, identity, async () => {})).toMatchObject({ outcome: 'ended' })
  })
})
