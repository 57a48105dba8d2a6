// Several providers together: whoever a person came from is asked about them, and nobody else hears of their tokens.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { IdentityProviders } from '../../../src/identity/identity-providers.ts'
import { startGithub, type GithubWorld } from './dialects/github.ts'
import { settingsFor, signedIn } from './logins.ts'
import { ScriptedProvider, sign } from './scripted-provider.ts'

let openId: ScriptedProvider
let github: GithubWorld
let providers: IdentityProviders
beforeEach(async () => {
  vi.spyOn(console, 'warn').mockReturnValue()
  openId = await ScriptedProvider.start()
  github = await startGithub('GitHub App')
  const { issuer } = github.alice
  providers = new IdentityProviders([
    settingsFor(openId.issuer, { name: 'company', title: 'Company' }),
    settingsFor(issuer, { kind: 'github', name: 'github', scopes: ['read:user', 'user:email', 'read:org'] }),
  ])
})
afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all([openId.close(), github.close()])
})

const provider = (name: string) => providers.named(name) ?? expect.unreachable(name)

test('people read their names, and find each by its own', () => {
  expect([providers.names, providers.only]).toEqual(['Company or GitHub', undefined])
  expect(providers.named('company')?.host).toBe(new URL(openId.issuer).host)
  expect(providers.named('evil')).toBeUndefined()
})

test('a person is asked about where they signed in, and their tokens go nowhere else', async () => {
  const alice = await signedIn(provider('github'), (url) => github.signInAs('alice', url))
  const ada = await signedIn(provider('company'), (url) => openId.visit(url))
  const asked = openId.calls.token

  expect(await providers.refresh(alice.tokens, alice.identity, async () => {})).toMatchObject({ outcome: 'refreshed' })
  expect(openId.calls.token).toBe(asked)
  expect(await providers.refresh(ada.tokens, ada.identity, async () => {})).toMatchObject({ outcome: 'refreshed' })
})

test('a person whose provider was taken away is signed out, and no other provider sees their tokens', async () => {
  const { identity, tokens } = await signedIn(provider('company'), (url) => openId.visit(url))
  const heard = github.server.asked.length

  const outcome = await providers.refresh(tokens, { ...identity, issuer: 'https://former.example' }, async () => {})

  expect(outcome).toEqual({ outcome: 'ended', why: expect.stringContaining('https://former.example') })
  expect([openId.calls.token, github.server.asked.length]).toEqual([1, heard])
})

test('a logout token is verified by the provider it names, and believed of nobody else', async () => {
  const now = Math.floor(Date.now() / 1000)
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
  const claims = { iss: openId.issuer, aud: 'broker', sub: 'person-1', jti: 'one', iat: now, exp: now + 120, events }

  const signed = (change: object): Promise<string> => sign(openId.signingKey, { ...claims, ...change })
  expect(await providers.loggedOut(await signed({}))).toMatchObject({ issuer: openId.issuer, subject: 'person-1' })
  for (const iss of [github.alice.issuer, 'https://evil.example', undefined])
    await expect(providers.loggedOut(await signed({ iss }))).rejects.toMatchObject({ reason: 'invalid' })
})
