// What every identity provider promises the broker, asked of a running one.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Identity, IdpTokens } from '../../../src/caller.ts'
import type { IdentityProvider } from '../../../src/identity/provider.ts'
import { newLogin, signedIn } from './logins.ts'

export interface ProviderWorld {
  /** Who they are, in the words of this provider. */
  readonly alice: Identity
  readonly bob: Identity
  /** What an isolate makes at its start: nothing remembered. */
  newProvider(): IdentityProvider
  /** Walks through the provider's pages; answers where the browser is sent back to. */
  signInAs(person: 'alice' | 'bob', url: URL): Promise<URL>
  decline(url: URL): Promise<URL>
  changeEmail(person: 'alice' | 'bob', email: string): void
  drop(person: 'alice' | 'bob'): void
  down(isDown: boolean): void
  close(): Promise<void>
}

export interface Habits {
  /** Its endpoints have to be asked for first. */
  readonly discovery: boolean
  /** It answers with codes, as OAuth does. */
  readonly codes: boolean
  /** How it is asked again: with a refresh token, or by showing it the access token once more. */
  readonly askedWith: 'refresh token' | 'access token'
  /** It says which addresses it has verified; what any other says about them counts for nothing. */
  readonly addresses?: false
}

export const OPENID: Habits = { discovery: true, codes: true, askedWith: 'refresh token' }

export function keepsTheContract(name: string, start: () => Promise<ProviderWorld>, habits: Habits = OPENID): void {
  const { discovery, codes, askedWith, addresses = true } = habits
  describe(`${name} keeps the contract of an identity provider`, () => {
    let world: ProviderWorld
    beforeEach(async () => {
      world = await start()
    })
    afterEach(() => world.close())

    const asAlice = (url: URL): Promise<URL> => world.signInAs('alice', url)

    test('it says who signed in and hands over the tokens', async () => {
      const { identity, tokens } = await signedIn(world.newProvider(), asAlice)

      expect(identity).toEqual(world.alice)
      expect(tokens.accessToken).not.toBe('')
      expect(world.newProvider().issues(identity.issuer)).toBe(true)
    })

    test('it answers for nobody of another issuer', () => {
      const provider = world.newProvider()

      for (const issuer of ['https://evil.example', `${world.alice.issuer}.evil.example`, `${world.alice.issuer}/x`, ''])
        expect(provider.issues(issuer)).toBe(false)
    })

    test('attack 23: the answer to one login does not finish another', async () => {
      const provider = world.newProvider()
      const stolen = await asAlice(await provider.authorizationUrl(newLogin()))

      await expect(provider.signIn(stolen, newLogin())).rejects.toMatchObject({ reason: 'invalid' })
    })

    test('attack 60: an e-mail address that moves to another person moves nothing else', async () => {
      const provider = world.newProvider()
      const { identity: alice } = await signedIn(provider, asAlice)
      world.changeEmail('alice', 'was.alice@example.com')
      world.changeEmail('bob', 'alice@example.com')

      const { identity: bob } = await signedIn(provider, (url) => world.signInAs('bob', url))
      const { identity: later } = await signedIn(provider, asAlice)

      const [hers, his] = addresses ? ['was.alice@example.com', 'alice@example.com'] : [undefined, undefined]
      expect(bob).toMatchObject({ subject: world.bob.subject, email: his })
      expect(later).toMatchObject({ issuer: alice.issuer, subject: alice.subject, email: hers })
    })

    test.for<[string, Partial<Identity>]>([
      ['another subject', { subject: 'somebody-else' }],
      ['another issuer', { issuer: 'https://former.example' }],
    ])('tokens of a person with %s end the session', async ([, change]) => {
      const provider = world.newProvider()
      const { identity, tokens } = await signedIn(provider, asAlice)

      const outcome = await provider.refresh(tokens, { ...identity, ...change }, async () => {})

      expect(outcome).toMatchObject({ outcome: 'ended' })
    })

    test('while the provider is down nobody is signed in and nobody is signed out', async () => {
      const warm = world.newProvider()
      const { identity, tokens } = await signedIn(warm, asAlice)
      const login = newLogin()
      const callback = await asAlice(await warm.authorizationUrl(login))
      const cold = world.newProvider()
      world.down(true)

      await expect(warm.signIn(callback, login)).rejects.toMatchObject({ reason: 'unreachable' })
      for (const provider of [cold, warm])
        expect(await provider.refresh(tokens, identity, keepsNothing)).toMatchObject({ outcome: 'unavailable' })

      world.down(false)
      const outcomes = [await warm.refresh(tokens, identity, async () => {}), await signedIn(discovery ? cold : warm, asAlice)]
      expect(outcomes).toMatchObject([{ outcome: 'refreshed' }, { identity: { subject: identity.subject } }])
    })

    test.runIf(discovery)('while the provider is down nobody is sent there who would not come back', async () => {
      world.down(true)

      await expect(world.newProvider().authorizationUrl(newLogin())).rejects.toMatchObject({
        reason: 'unreachable',
        message: expect.stringContaining('try again in a moment'),
      })
    })

    test('a person the provider no longer knows is signed out when it is asked again', async () => {
      const provider = world.newProvider()
      const { identity, tokens } = await signedIn(provider, (url) => world.signInAs('bob', url))
      world.drop('bob')

      expect(await provider.refresh(tokens, identity, async () => {})).toMatchObject({ outcome: 'ended' })
    })

    describe.runIf(codes)('with the codes of OAuth', () => {
      test('the person is sent away with state, nonce and an S256 challenge, and no secret', async () => {
        const login = newLogin()

        const url = await world.newProvider().authorizationUrl(login)

        const { state, nonce, redirectUri: redirect_uri } = login
        const sent = Object.fromEntries(url.searchParams)
        expect(sent).toMatchObject({ response_type: 'code', state, nonce, redirect_uri, code_challenge_method: 'S256' })
        expect(url.href).not.toContain(login.codeVerifier)
      })

      test('a person who gives up is told so', async () => {
        await expect(signedIn(world.newProvider(), (url) => world.decline(url))).rejects.toMatchObject({
          reason: 'denied',
          message: expect.stringContaining('did not let you in'),
        })
      })

      test('attack 23: a code that was made for another login is worth nothing', async () => {
        const provider = world.newProvider()
        const mine = newLogin()
        const stolen = await asAlice(await provider.authorizationUrl(newLogin()))
        stolen.searchParams.set('state', mine.state)

        await expect(provider.signIn(stolen, mine)).rejects.toMatchObject({ reason: 'refused' })
      })

      test('attack 23: an answer counts once', async () => {
        const provider = world.newProvider()
        const login = newLogin()
        const callback = await asAlice(await provider.authorizationUrl(login))
        await provider.signIn(callback, login)

        await expect(provider.signIn(callback, login)).rejects.toMatchObject({
          reason: 'refused',
          message: expect.stringContaining('Token exchange failed'),
        })
      })
    })

    describe.runIf(askedWith === 'refresh token')('asked again with a refresh token', () => {
      test('it hands over new tokens first and then says who the person is now', async () => {
        const provider = world.newProvider()
        const { identity, tokens } = await signedIn(provider, asAlice)
        world.changeEmail('alice', 'alice.new@example.com')
        const kept: IdpTokens[] = []

        const outcome = await provider.refresh(tokens, identity, async (fresh) => void kept.push(fresh))

        const { subject } = world.alice
        expect(outcome).toMatchObject({ outcome: 'refreshed', identity: { subject, email: 'alice.new@example.com' } })
        expect(tokens.expiresAt).toBeGreaterThan(Date.now() / 1000)
        expect(kept).toHaveLength(1)
        expect(kept[0]?.accessToken).not.toBe(tokens.accessToken)
        expect(kept[0]?.refreshToken).toBeTypeOf('string')
      })
    })

    describe.runIf(askedWith === 'access token')('asked again with the access token', () => {
      test('it says who the person is now, and no token changes', async () => {
        const provider = world.newProvider()
        const { identity, tokens } = await signedIn(provider, asAlice)

        expect([tokens.refreshToken, tokens.idToken]).toEqual([undefined, undefined])
        expect(await provider.refresh(tokens, identity, keepsNothing)).toEqual({
          outcome: 'refreshed',
          identity: world.alice,
          ...(!addresses && { losesEmail: true }),
        })
      })
    })
  })
}

async function keepsNothing(): Promise<void> {
  expect.unreachable('no answer, nothing to keep')
}
