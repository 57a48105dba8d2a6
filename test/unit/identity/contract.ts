// What every identity provider promises the broker, asked of a running one.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { IdpTokens } from '../../../src/caller.ts'
import type { IdentityProvider } from '../../../src/identity/provider.ts'
import { newLogin, signedIn } from './logins.ts'

export interface ProviderWorld {
  readonly issuer: string
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

export function keepsTheContract(name: string, start: () => Promise<ProviderWorld>): void {
  describe(`${name} keeps the contract of an identity provider`, () => {
    let world: ProviderWorld
    beforeEach(async () => {
      world = await start()
    })
    afterEach(() => world.close())

    const asAlice = (url: URL): Promise<URL> => world.signInAs('alice', url)

    test('it says who signed in and hands over the tokens', async () => {
      const { identity, tokens } = await signedIn(world.newProvider(), asAlice)

      expect(identity).toEqual({
        issuer: world.issuer,
        subject: 'person-1001',
        email: 'alice@example.com',
        name: 'Alice Archer',
        groups: ['engineering'],
      })
      expect(tokens.accessToken).not.toBe('')
      expect(tokens.expiresAt).toBeGreaterThan(Date.now() / 1000)
    })

    test('the person is sent away with state, nonce and an S256 challenge, and no secret', async () => {
      const login = newLogin()

      const url = await world.newProvider().authorizationUrl(login)

      const { state, nonce, redirectUri: redirect_uri } = login
      const sent = Object.fromEntries(url.searchParams)
      expect(sent).toMatchObject({ response_type: 'code', state, nonce, redirect_uri, code_challenge_method: 'S256' })
      expect(url.href).not.toContain(login.codeVerifier)
    })

    test('a person who gives up is told so', async () => {
      const provider = world.newProvider()

      await expect(signedIn(provider, (url) => world.decline(url))).rejects.toMatchObject({
        reason: 'denied',
        message: expect.stringContaining('did not let you in'),
      })
    })

    test('attack 23: the answer to one login does not finish another', async () => {
      const provider = world.newProvider()
      const mine = newLogin()
      const stolen = await asAlice(await provider.authorizationUrl(newLogin()))

      await expect(provider.signIn(stolen, mine)).rejects.toMatchObject({ reason: 'invalid' })
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

    test('attack 60: an e-mail address that moves to another person moves nothing else', async () => {
      const provider = world.newProvider()
      const { identity: alice } = await signedIn(provider, asAlice)
      world.changeEmail('alice', 'was.alice@example.com')
      world.changeEmail('bob', 'alice@example.com')

      const { identity: bob } = await signedIn(provider, (url) => world.signInAs('bob', url))
      const { identity: later } = await signedIn(provider, asAlice)

      expect(bob).toMatchObject({ subject: 'person-1002', email: 'alice@example.com' })
      expect(later).toMatchObject({ issuer: alice.issuer, subject: alice.subject, email: 'was.alice@example.com' })
    })

    test('a refresh hands over new tokens first and then says who the person is now', async () => {
      const provider = world.newProvider()
      const { identity, tokens } = await signedIn(provider, asAlice)
      world.changeEmail('alice', 'alice.new@example.com')
      const kept: IdpTokens[] = []

      const outcome = await provider.refresh(tokens, identity, async (fresh) => void kept.push(fresh))

      expect(outcome).toMatchObject({
        outcome: 'refreshed',
        identity: { subject: 'person-1001', email: 'alice.new@example.com' },
      })
      expect(kept).toHaveLength(1)
      expect(kept[0]?.accessToken).not.toBe(tokens.accessToken)
      expect(kept[0]?.refreshToken).toBeTypeOf('string')
    })

    test('a refresh that answers about somebody else ends the session', async () => {
      const provider = world.newProvider()
      const { identity, tokens } = await signedIn(provider, asAlice)

      const outcome = await provider.refresh(tokens, { ...identity, subject: 'person-1002' }, async () => {})

      expect(outcome).toMatchObject({ outcome: 'ended' })
    })

    test('without a refresh token there is nothing to ask', async () => {
      const provider = world.newProvider()
      const { identity, tokens } = await signedIn(provider, asAlice)

      const outcome = await provider.refresh({ ...tokens, refreshToken: undefined }, identity, async () => {})

      expect(outcome).toEqual({ outcome: 'unsupported' })
    })

    test('while the provider is down nobody is signed in and nobody is signed out', async () => {
      const warm = world.newProvider()
      const { identity, tokens } = await signedIn(warm, asAlice)
      const login = newLogin()
      const callback = await asAlice(await warm.authorizationUrl(login))
      const cold = world.newProvider()
      world.down(true)

      await expect(cold.authorizationUrl(newLogin())).rejects.toMatchObject({
        reason: 'unreachable',
        message: expect.stringContaining('try again in a moment'),
      })
      await expect(warm.signIn(callback, login)).rejects.toMatchObject({ reason: 'unreachable' })
      for (const provider of [cold, warm]) {
        expect(await provider.refresh(tokens, identity, keepsNothing)).toMatchObject({ outcome: 'unavailable' })
      }

      world.down(false)
      expect(await cold.refresh(tokens, identity, async () => {})).toMatchObject({ outcome: 'refreshed' })
    })

    test('a person the provider no longer knows is signed out by the next refresh', async () => {
      const provider = world.newProvider()
      const { identity, tokens } = await signedIn(provider, (url) => world.signInAs('bob', url))
      world.drop('bob')

      const outcome = await provider.refresh(tokens, identity, async () => {})

      expect(outcome).toMatchObject({ outcome: 'ended', why: expect.stringContaining('invalid_grant') })
    })
  })
}

async function keepsNothing(): Promise<void> {
  expect.unreachable('no answer, nothing to keep')
}
