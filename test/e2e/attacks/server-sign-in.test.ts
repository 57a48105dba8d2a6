// Servers with a sign-in of their own: a malicious one that wants the code of an honest one, and one that asks for more than a cookie holds.
import { describe, expect, test } from 'vitest'
import { BrokerClient, statusWith } from '../../world/broker-client.ts'
import { Browser, signInAs, type Page } from '../../world/browser.ts'
import { fixture } from '../../world/fixture.ts'
import { ProtectedDownstream } from '../../world/protected-downstream.ts'
import { startWorld } from '../../world/world.ts'

const the = fixture(async (closing) => {
  // None of them names its issuer in an answer (RFC 9207), so that the address alone tells them apart.
  const files = {
    confidential: await closing(ProtectedDownstream.start({ namesIssuer: false })),
    public: await closing(ProtectedDownstream.start({ namesIssuer: false, publicClients: true })),
  }
  const weather = await closing(ProtectedDownstream.start({ namesIssuer: false }))
  const scopes = Array.from({ length: 200 }, (_, number) => `https://www.googleapis.com/auth/service${number}.readonly`)
  const wide = await closing(ProtectedDownstream.start({ scopes }))
  const servers = { 'files-confidential': files.confidential, 'files-public': files.public, weather, wide }
  const downstreams = Object.entries(servers).map(([name, { url }]) => ({ name, url, auth: 'oauth' }))
  const world = await closing(startWorld({ overrides: { DOWNSTREAMS: JSON.stringify(downstreams) } }))
  const client = await BrokerClient.register(world.brokerUrl)
  return { world, client, files, weather }
})

describe('64. a malicious server gets no code of another one', () => {
  test.for(['confidential', 'public'] as const)('which was made for a %s client', async (kind) => {
    const honest = the.files[kind]
    const own = `${the.world.brokerUrl}/servers/files-${kind}/mcp`
    expect(await statusWith(own, (await the.client.signIn('bob', { changes: { resource: own } })).accessToken)).toBe(200)
    // Whoever uses the broker can read how it is known there.
    const [clientId = ''] = honest.clientIds
    const redeemed = honest.redeemed.length
    const visit = async (callback: string): Promise<Page> => {
      the.weather.forwards = (asked) => {
        const there = new URL(honest.url.replace(/mcp$/, 'authorize'))
        const changes = { client_id: clientId, resource: honest.url, redirect_uri: the.world.brokerUrl + callback }
        for (const [name, value] of [...asked, ...Object.entries(changes)]) there.searchParams.set(name, value)
        return there.href
      }
      const browser = new Browser()
      const { url } = the.client.authorizeUrl({ resource: `${the.world.brokerUrl}/servers/weather/mcp` })
      const back = await signInAs('alice', url, { browser, stopAt: the.world.brokerUrl + callback })
      return await browser.get(back.href, { stopAt: the.client.redirectUri })
    }

    const page = await visit(`/link/callback/files-${kind}`)

    expect(page.status).toBe(400)
    expect(page.text).toContain('The answer came from the sign-in of another server than the one that was begun')
    await expect(visit('/link/callback/weather')).rejects.toThrow('invalid_redirect_uri')
    expect([the.weather.redeemed, honest.redeemed.length]).toEqual([[], redeemed])
  })
})

describe('a sign-in comes back, and the client gets its state, with', () => {
  test.for<[string, string, { state: number; address: number; name: string }]>([
    ['200 scopes of a server', 'wide', { state: 43, address: 60, name: 'A client' }],
    ['200 scopes of a server, and a long state', 'wide', { state: 4_000, address: 60, name: 'A client' }],
    ['the longest state, redirect URI and name', 'wide', { state: 8_192, address: 2_048, name: '客'.repeat(200) }],
    ['the same where no server asks again', 'mcp', { state: 8_192, address: 2_048, name: '客'.repeat(200) }],
  ])('%s', async ([, server, { state: length, address, name }]) => {
    const redirectUri = 'http://127.0.0.1:9/callback?'.padEnd(address, 'a')
    const longest = await BrokerClient.register(the.world.brokerUrl, { redirect_uris: [redirectUri], client_name: name })
    const state = 'Ab9-'.repeat(length / 4).padEnd(length, '~')
    const resource = server === 'mcp' ? the.world.mcpUrl : `${the.world.brokerUrl}/servers/${server}/mcp`
    const { url } = longest.authorizeUrl({ resource, state, redirect_uri: redirectUri })

    const back = await signInAs('alice', url)

    expect(back.searchParams.get('error')).toBeNull()
    expect(back.searchParams.get('code')).toMatch(/^eyJ/)
    expect(back.searchParams.get('state')).toBe(state)
  })
})

test('a state that no browser can keep is refused before anybody signs in', async () => {
  const { url } = the.client.authorizeUrl({ state: 'a'.repeat(12_000), resource: the.world.mcpUrl })
  const page = await new Browser().get(url, { stopAt: the.client.redirectUri })
  expect(page.text.includes('consent')).toBe(false)
  expect((page.text + page.url).replaceAll('+', ' ').includes('state is too long')).toBe(true)
})
