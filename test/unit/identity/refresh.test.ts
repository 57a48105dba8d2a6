// Asking the provider again: what ends a session, what only postpones the answer, and which tokens survive.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { IdpTokens } from '../../../src/caller.ts'
import { OidcProvider } from '../../../src/identity/oidc.ts'
import { signInAs } from '../../world/browser.ts'
import { perTest } from '../../world/fixture.ts'
import { startIdentityProvider } from '../../world/identity-provider.ts'
import { CALLBACK, settingsFor, signedIn } from './logins.ts'
import { newSigningKey, ScriptedProvider, sign, without, type Script } from './scripted-provider.ts'

beforeEach(() => {
  vi.spyOn(console, 'warn').mockReturnValue()
})
const its = perTest(async (closing) => {
  const server = await closing(ScriptedProvider.start())
  const provider = new OidcProvider(settingsFor(server.issuer))
  const { identity, tokens } = await signedIn(provider, (url) => server.visit(url))
  return { server, provider, identity, tokens }
})
afterEach(() => void vi.restoreAllMocks())

describe('attack 63: the refresh succeeded but its answer can not be verified', () => {
  test('the new pair is kept before the keys are even asked for', async () => {
    const cold = new OidcProvider(settingsFor(its.server.issuer))
    const asked = its.server.calls.jwks
    its.server.script = { fail: { jwks: 503 } }
    const kept: IdpTokens[] = []

    const outcome = await cold.refresh(its.tokens, its.identity, async (fresh) => {
      expect(its.server.calls.jwks).toBe(asked)
      kept.push(fresh)
    })

    expect(outcome).toMatchObject({ outcome: 'unavailable', why: expect.stringContaining('503') })
    expect(its.server.calls.jwks).toBe(asked + 1)
    expect(kept).toMatchObject([{ refreshToken: expect.any(String) }])
    expect(kept[0]?.refreshToken).not.toBe(its.tokens.refreshToken)
  })

  test('the retry uses the new refresh token, which a provider that punishes reuse accepts', async () => {
    const settings = settingsFor('', { scopes: ['openid', 'email', 'offline_access'] })
    const real = await startIdentityProvider({
      clientId: 'broker',
      clientSecret: settings.clientSecret ?? '',
      redirectUris: [CALLBACK],
    })
    const beforeRestart = new OidcProvider({ ...settings, url: real.issuer })
    const alice = await signedIn(beforeRestart, (url) => signInAs('alice', url.href))
    const afterRestart = new OidcProvider({ ...settings, url: real.issuer })
    let mine = alice.tokens
    const keep = async (fresh: IdpTokens): Promise<void> => void (mine = fresh)
    real.control.failNext('jwks', { status: 503 })

    const first = await afterRestart.refresh(mine, alice.identity, keep)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 1_000 })
    const second = await afterRestart.refresh(mine, alice.identity, keep)

    expect([first.outcome, second.outcome]).toEqual(['unavailable', 'refreshed'])
    const reuse = await afterRestart.refresh(alice.tokens, alice.identity, keep)
    expect(reuse).toMatchObject({ outcome: 'ended' })
    vi.useRealTimers()
    await real.close()
  })

  test.for<[string, () => Script]>([
    [
      'its signature is a stranger’s',
      () => ({ idToken: async (claims) => sign({ ...(await newSigningKey()), kid: its.server.signingKey.kid }, claims) }),
    ],
    ['it names another issuer', () => ({ claims: (honest) => ({ ...honest, iss: 'https://evil.example' }) })],
    ['it is for another audience', () => ({ claims: (honest) => ({ ...honest, aud: 'somebody-else' }) })],
    ['it expired', () => ({ claims: (honest) => ({ ...honest, exp: 1 }) })],
    ['userinfo does not answer', () => ({ fail: { userinfo: 503 }, claims: without('email') })],
    [
      'userinfo speaks of somebody else',
      () => ({ claims: without('email'), userInfo: (honest) => ({ ...honest, sub: 'person-2' }) }),
    ],
  ])('the new pair is kept although %s', async ([, script]) => {
    its.server.script = script()
    const keep = vi.fn<(fresh: IdpTokens) => Promise<void>>().mockResolvedValue()

    expect(await its.provider.refresh(its.tokens, its.identity, keep)).toMatchObject({ outcome: 'unavailable' })
    expect(keep).toHaveBeenCalledOnce()
  })
})

describe('nothing is known, nothing is kept and nothing is lost when the token endpoint', () => {
  test.for<[string, Script]>([
    ['answers 503', { fail: { token: 503 } }],
    ['answers 429', { fail: { token: 429 } }],
    ['answers with a web page', { fail: { token: 'web page' } }],
    ['answers 200 without a token', { tokenAnswer: () => ({ token_type: 'Bearer' }) }],
    ['does not know the broker any more', { tokenError: [401, 'invalid_client'] }],
    ['does not let the broker refresh', { tokenError: [400, 'unauthorized_client'] }],
  ])('%s', async ([, script]) => {
    its.server.script = script
    const keep = vi.fn<() => Promise<void>>()

    expect(await its.provider.refresh(its.tokens, its.identity, keep)).toMatchObject({ outcome: 'unavailable' })
    expect(keep).not.toHaveBeenCalled()
  })

  test('is gone', async () => {
    await its.server.close()

    expect(await its.provider.refresh(its.tokens, its.identity, async () => {})).toMatchObject({ outcome: 'unavailable' })
  })
})

test.for(['invalid_grant', 'access_denied', 'interaction_required'])('%s ends the session', async (error) => {
  its.server.script = { tokenError: [400, error] }

  expect(await its.provider.refresh(its.tokens, its.identity, async () => {})).toMatchObject({ outcome: 'ended' })
})

test('a provider that does not rotate leaves the refresh token as it was', async () => {
  its.server.script = { tokenAnswer: without('refresh_token') }
  const keep = vi.fn<(fresh: IdpTokens) => Promise<void>>().mockResolvedValue()

  await its.provider.refresh(its.tokens, its.identity, keep)

  expect(keep).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ refreshToken: its.tokens.refreshToken }))
})

test('without an ID token in the answer, userinfo says who the person is now', async () => {
  its.server.script = { tokenAnswer: without('id_token') }
  its.server.change({ sub: 'person-1', email: 'ada@example.com', name: 'Ada', groups: ['admins'] })

  expect(await its.provider.refresh(its.tokens, its.identity, async () => {})).toMatchObject({
    outcome: 'refreshed',
    identity: { groups: ['admins'] },
  })
})

const withoutRules = (): OidcProvider => new OidcProvider(settingsFor(its.server.issuer), {}, () => false)

describe('where userinfo gives no answer, only groups are missing, and no rule names any,', () => {
  const silent: Script = { fail: { userinfo: 500 }, claims: without('groups') }

  test('a person who has none goes on', async () => {
    its.server.script = silent
    const outcome = await withoutRules().refresh(its.tokens, { ...its.identity, groups: [] }, async () => {})

    expect(outcome).toMatchObject({ outcome: 'refreshed', identity: { email: 'ada@example.com', groups: [] } })
  })

  test('nobody loses those they have: nothing is known at the moment', async () => {
    its.server.script = silent

    expect(await withoutRules().refresh(its.tokens, its.identity, async () => {})).toMatchObject({ outcome: 'unavailable' })
  })
})

test('an address that is not verified any more is told as lost: the one before is somebody else’s by now, or nobody’s', async () => {
  its.server.change({ sub: 'person-1', email: 'new@example.com', email_verified: false, name: 'Ada', groups: [] })

  expect(await its.provider.refresh(its.tokens, its.identity, async () => {})).toMatchObject({
    outcome: 'refreshed',
    identity: { email: undefined },
    losesEmail: true,
  })
})

test('without an ID token and without userinfo the person is only known to be still there', async () => {
  const withoutUserInfo: Script = { metadata: without('userinfo_endpoint') }
  its.server.script = withoutUserInfo
  const cold = new OidcProvider(settingsFor(its.server.issuer))
  its.server.script = { ...withoutUserInfo, tokenAnswer: without('id_token') }

  expect(await cold.refresh(its.tokens, its.identity, async () => {})).toEqual({ outcome: 'refreshed' })
})

test('tokens of the provider the operator left are not sent to the new one', async () => {
  const asked = its.server.calls.token

  const outcome = await its.provider.refresh(its.tokens, { ...its.identity, issuer: 'https://former.example' }, async () => {})

  expect(outcome).toMatchObject({ outcome: 'ended' })
  expect(its.server.calls.token).toBe(asked)
})
