// Google: whose account it is decides the verified claim, and nothing the person or the address says.
import { describe, expect, test } from 'vitest'
import { perTest } from '../../world/fixture.ts'
import { startGoogle, type GoogleWorld } from './dialects/google.ts'
import { newLogin, signedIn } from './logins.ts'
import { quietly } from './quiet.ts'

const its = quietly()

const asAlice =
  (world: GoogleWorld) =>
  (url: URL): Promise<URL> =>
    world.signInAs('alice', url)

test('a refresh token is asked for with Google’s own parameters, and with no scope it does not know', async () => {
  const world = await its.closing(startGoogle({ scopes: ['openid', 'email', 'profile', 'offline_access'] }))

  const { searchParams } = await world.newProvider().authorizationUrl(newLogin())
  const { tokens } = await signedIn(world.newProvider(), asAlice(world))

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
  const world = await its.closing(startGoogle({ restrictedTo }))

  expect((await world.newProvider().authorizationUrl(newLogin())).searchParams.get('hd')).toBe(hd)
})

describe('an address that Google calls verified', () => {
  const here = perTest(async (closing) => ({ world: await closing(startGoogle()) }))

  test.for<[string, string | undefined, string, string | undefined]>([
    ['is the person’s in an organisation', 'example.com', 'alice@example.com', 'alice@example.com'],
    ['is the person’s in Google’s own mail', undefined, 'Alice@Gmail.com', 'Alice@Gmail.com'],
    ['is a service account’s', undefined, 'ci@acme.iam.gserviceaccount.com', 'ci@acme.iam.gserviceaccount.com'],
    ['is nobody’s elsewhere: who had it when the account was made may have left', undefined, 'alice@example.com', undefined],
    ['is nobody’s at a domain that only ends like Google’s', undefined, 'alice@notgmail.com', undefined],
    ['is nobody’s in an organisation without a name', '', 'alice@example.com', undefined],
  ])('%s', async ([, hd, address, email]) => {
    here.world.hd = hd
    here.world.changeEmail('alice', address)

    expect((await signedIn(here.world.newProvider(), asAlice(here.world))).identity).toEqual({ ...here.world.alice, email })
  })

  test('is gone with the next refresh when the account leaves its organisation', async () => {
    const provider = here.world.newProvider()
    const { identity, tokens } = await signedIn(provider, asAlice(here.world))
    here.world.hd = undefined

    expect(await provider.refresh(tokens, identity, async () => {})).toMatchObject({
      outcome: 'refreshed',
      identity: { email: undefined },
      losesEmail: true,
    })
  })
})

describe('where only example.com may sign in', () => {
  const here = perTest(async (closing) => ({ world: await closing(startGoogle({ restrictedTo: ['example.com'] })) }))

  test('an account of it may', async () => {
    await expect(signedIn(here.world.newProvider(), asAlice(here.world))).resolves.toMatchObject({ identity: here.world.alice })
  })

  test.for([
    ['of another organisation', 'evil.example'],
    ['of a domain that only ends like it', 'not-example.com'],
    ['of nobody’s organisation, whatever its address is', undefined],
  ] as const)('an account %s may not', async ([, hd]) => {
    here.world.hd = hd

    await expect(signedIn(here.world.newProvider(), asAlice(here.world))).rejects.toMatchObject({
      reason: 'denied',
      detail: expect.stringContaining('only example.com may sign in'),
    })
  })

  test('an account that leaves it is signed out by the next refresh', async () => {
    const provider = here.world.newProvider()
    const { identity, tokens } = await signedIn(provider, asAlice(here.world))
    here.world.hd = undefined

    expect(await provider.refresh(tokens, identity, async () => {})).toMatchObject({ outcome: 'ended' })
  })
})
