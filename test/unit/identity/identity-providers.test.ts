// Several providers together: whoever a person came from is asked about them, and nobody else hears of their tokens.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { perTest } from '../../world/fixture.ts'
import { IdentityProviders } from '../../../src/identity/identity-providers.ts'
import { startGithub } from './dialects/github.ts'
import { settingsFor, signedIn } from './logins.ts'
import { ScriptedProvider, sign } from './scripted-provider.ts'

beforeEach(() => {
  vi.spyOn(console, 'warn').mockReturnValue()
})
const its = perTest(async (closing) => {
  const openId = await closing(ScriptedProvider.start())
  const github = await closing(startGithub('GitHub App'))
  const { issuer } = github.alice
  const providers = new IdentityProviders([
    settingsFor(openId.issuer, { name: 'company', title: 'Company' }),
    settingsFor(issuer, { kind: 'github', name: 'github', scopes: ['read:user', 'user:email', 'read:org'] }),
  ])
  return { openId, github, providers }
})
afterEach(() => void vi.restoreAllMocks())

const provider = (name: string) => its.providers.named(name) ?? expect.unreachable(name)

test('people read their names, and find each by its own', () => {
  expect([its.providers.names, its.providers.only]).toEqual(['Company or GitHub', undefined])
  expect(its.providers.named('company')?.host).toBe(new URL(its.openId.issuer).host)
  expect(its.providers.named('evil')).toBeUndefined()
})

test('a person is asked about where they signed in, and their tokens go nowhere else', async () => {
  const alice = await signedIn(provider('github'), (url) => its.github.signInAs('alice', url))
  const ada = await signedIn(provider('company'), (url) => its.openId.visit(url))
  const asked = its.openId.calls.token

  expect(await its.providers.refresh(alice.tokens, alice.identity, async () => {})).toMatchObject({ outcome: 'refreshed' })
  expect(its.openId.calls.token).toBe(asked)
  expect(await its.providers.refresh(ada.tokens, ada.identity, async () => {})).toMatchObject({ outcome: 'refreshed' })
})

test('a person whose provider was taken away is signed out, and no other provider sees their tokens', async () => {
  const { identity, tokens } = await signedIn(provider('company'), (url) => its.openId.visit(url))
  const heard = its.github.server.asked.length

  const outcome = await its.providers.refresh(tokens, { ...identity, issuer: 'https://former.example' }, async () => {})

  expect(outcome).toEqual({ outcome: 'ended', why: expect.stringContaining('https://former.example') })
  expect([its.openId.calls.token, its.github.server.asked.length]).toEqual([1, heard])
})

test('a logout token is verified by the provider it names, and believed of nobody else', async () => {
  const now = Math.floor(Date.now() / 1000)
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
  const claims = { iss: its.openId.issuer, aud: 'broker', sub: 'person-1', jti: 'one', iat: now, exp: now + 120, events }

  const signed = (change: object): Promise<string> => sign(its.openId.signingKey, { ...claims, ...change })
  expect(await its.providers.loggedOut(await signed({}))).toMatchObject({ issuer: its.openId.issuer, subject: 'person-1' })
  for (const iss of [its.github.alice.issuer, 'https://evil.example', undefined])
    await expect(its.providers.loggedOut(await signed({ iss }))).rejects.toMatchObject({ reason: 'invalid' })
})
