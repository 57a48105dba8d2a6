// Cloudflare Access in front of the broker: only what it has signed for this application signs anybody in.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { perTest } from '../../world/fixture.ts'
import { startAccessApplication } from './dialects/access-application.ts'
import { newLogin, signedIn } from './logins.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
  vi.spyOn(console, 'info').mockReturnValue()
  vi.spyOn(console, 'warn').mockReturnValue()
})
vi.useFakeTimers({ toFake: ['Date'] })
vi.spyOn(console, 'info').mockReturnValue()
vi.spyOn(console, 'warn').mockReturnValue()
const its = perTest(async (closing) => ({ world: await closing(startAccessApplication()) }))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const pass = (seconds: number): void => void vi.setSystemTime(Date.now() + seconds * 1000)

test('nobody is sent away: the way leads to our own callback, with the state and nothing else', async () => {
  const login = newLogin()

  expect((await its.world.bare().authorizationUrl(login)).href).toBe(`${login.redirectUri}?state=${login.state}`)
})

describe('attack 24: nobody is signed in by an assertion that', () => {
  test.for<[string, () => Promise<string | undefined>, string]>([
    ['is missing: the path is not guarded', async () => undefined, 'invalid'],
    ['is for another application', () => its.world.assertion('alice', { aud: ['another'] }), 'denied'],
    ['is of another team', () => its.world.assertion('alice', { iss: 'https://evil.cloudflareaccess.com' }), 'denied'],
    ['is over', () => its.world.assertion('alice', { exp: Date.now() / 1000 - 1 }), 'denied'],
    [
      'is of a service token',
      () => its.world.assertion('alice', { common_name: 'x.access', email: undefined, sub: '' }),
      'denied',
    ],
    ['names nobody', () => its.world.assertion('alice', { sub: '' }), 'denied'],
    ['was changed', async () => `${(await its.world.assertion('alice')).slice(0, -8)}AAAAAAAA`, 'denied'],
    ['is the header of somebody who types', async () => 'alice@example.com; CF_Authorization=x', 'denied'],
  ])('%s', async ([, made, reason]) => {
    const login = newLogin()
    const callback = new URL(`${login.redirectUri}?state=${login.state}`)

    await expect(its.world.bare().signIn(callback, login, await made())).rejects.toMatchObject({ reason })

    expect(its.world.server.asked).not.toContain('/cdn-cgi/access/get-identity')
  })
})

test('where Access does not say more, the person has no groups, and is not asked about until the assertion is over', async () => {
  its.world.identity = () => ({ status: 403, text: 'Forbidden' })
  const provider = its.world.newProvider()
  const { identity, tokens } = await signedIn(provider, (url) => its.world.signInAs('alice', url))

  expect(identity).toEqual({ ...its.world.alice, name: undefined, groups: [] })
  expect(await provider.refresh(tokens, identity, async () => {})).toEqual({ outcome: 'unsupported' })
  pass(86_401)
  expect(await provider.refresh(tokens, identity, async () => {})).toMatchObject({ outcome: 'ended' })
})

test('when the session at Access is over, so is what was begun with it', async () => {
  const provider = its.world.newProvider()
  const { identity, tokens } = await signedIn(provider, (url) => its.world.signInAs('alice', url))

  pass(86_000)
  expect(await provider.refresh(tokens, identity, async () => {})).toMatchObject({ outcome: 'refreshed' })
  pass(500)
  expect(await provider.refresh(tokens, identity, async () => {})).toMatchObject({ outcome: 'ended' })
})

test('it signs nobody out by a logout token', async () => {
  await expect(its.world.bare().loggedOut('x.y.z')).rejects.toMatchObject({ reason: 'invalid' })
})
