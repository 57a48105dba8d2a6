// Servers of plain OAuth: endpoints where they have always been, and a subject that stays the same or nobody.
import { describe, expect, test } from 'vitest'
import { startPlainOAuth } from './dialects/plain-oauth.ts'
import { newLogin, signedIn } from './logins.ts'
import { quietly } from './quiet.ts'

const its = quietly()

test('where nothing is published, people are sent to the endpoint that is always there', async () => {
  const world = await its.closing(startPlainOAuth())

  const { origin, pathname } = await world.newProvider().authorizationUrl(newLogin())

  expect(`${origin}${pathname}`).toBe(`${world.alice.issuer}/authorize`)
})

test('whoever asks for OpenID Connect gets no guess: without metadata no ID token could be verified', async () => {
  const world = await its.closing(startPlainOAuth({ scopes: ['openid', 'profile'] }))

  await expect(world.newProvider().authorizationUrl(newLogin())).rejects.toMatchObject({ reason: 'invalid' })
})

describe('userinfo', () => {
  test.for<[string, Record<string, unknown>, string]>([
    ['by sub', { sub: 'abc', id: 41 }, 'abc'],
    ['by a numeric sub', { sub: 7, id: undefined }, '7'],
    ['by id', { id: 'u-41' }, 'u-41'],
  ])('names the person %s', async ([, userInfo, subject]) => {
    const world = await its.closing(startPlainOAuth())
    world.userInfo = userInfo

    expect((await signedIn(world.newProvider(), (url) => world.signInAs('alice', url))).identity.subject).toBe(subject)
  })

  test.for<[string, Record<string, unknown>]>([
    ['only an address', { id: undefined }],
    ['an empty id', { id: '' }],
    ['a list', { id: [41] }],
    ['a fraction', { id: 41.5 }],
  ])('that gives %s names nobody', async ([, userInfo]) => {
    const world = await its.closing(startPlainOAuth())
    world.userInfo = userInfo

    await expect(signedIn(world.newProvider(), (url) => world.signInAs('alice', url))).rejects.toMatchObject({
      reason: 'invalid',
    })
  })
})

test.for([true, false, undefined])(
  'userinfo that calls an address verified (%s) gives none: it is no standard’s word',
  async (said) => {
    const world = await its.closing(startPlainOAuth())
    world.userInfo = { email: 'carol@example.com', email_verified: said, verified: said }

    expect((await signedIn(world.newProvider(), (url) => world.signInAs('alice', url))).identity.email).toBeUndefined()
  },
)

test('attack 24: an ID token that nobody asked for and nobody can verify is not even kept', async () => {
  const world = await its.closing(startPlainOAuth())
  world.tokens = { id_token: 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsInNpZCI6InMifQ.' }

  const { identity, tokens } = await signedIn(world.newProvider(), (url) => world.signInAs('alice', url))

  expect([identity.subject, tokens.idToken]).toEqual(['41', undefined])
})

test('when its access token has run out there is nothing to ask with', async () => {
  const world = await its.closing(startPlainOAuth())
  const provider = world.newProvider()
  const { identity, tokens } = await signedIn(provider, (url) => world.signInAs('alice', url))

  expect(await provider.refresh({ ...tokens, expiresAt: 1 }, identity, async () => {})).toEqual({ outcome: 'unsupported' })
})
