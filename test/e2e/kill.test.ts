// What goes on when something dies: the runtime without warning, the identity provider for a while, the MCP server behind the broker.
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Browser } from '../world/browser.ts'
import { BrokerClient, callTool, errorOf, statusWith, tokensOf } from '../world/broker-client.ts'
import { fixture, perTest } from '../world/fixture.ts'
import { close, listen } from '../world/listening.ts'
import { startWorld } from '../world/world.ts'

const GRACE = 3

const the = fixture(async (closing) => {
  const world = await closing(startWorld({ overrides: { IDP_OUTAGE_GRACE: String(GRACE) } }))
  const client = await BrokerClient.register(world.brokerUrl)
  return { world, client }
})
const tokens = perTest(() => the.client.signIn('alice'))
describe('a runtime that is killed', () => {
  test('keeps people signed in: access tokens, refresh tokens and codes are worth what they were', async () => {
    const code = await the.client.code('alice')
    const rotated = tokensOf(await the.client.refresh(tokens.refreshToken))
    await the.world.restartRuntime()
    expect(await statusWith(the.world.mcpUrl, rotated.accessToken)).toBe(200)
    // The answer to this one was lost when the machine went: the client sends its old token again.
    expect(tokensOf(await the.client.refresh(tokens.refreshToken))).toEqual(rotated)
    expect((await the.client.refresh(rotated.refreshToken)).status).toBe(200)
    expect((await the.client.redeem(code)).status).toBe(200)
  })

  test('brings nothing back that was revoked in the moment before', async () => {
    for (let round = 0; round < 3; round += 1) {
      const { accessToken, refreshToken } = await the.client.signIn('alice')
      expect((await the.client.revoke(refreshToken)).status).toBe(200)
      await the.world.restartRuntime()
      expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(401)
      expect((await the.client.refresh(refreshToken)).status).toBe(400)
    }
  })

  test('in the middle of a sign-in and of a refresh leaves both to be done again', async () => {
    const browser = new Browser()
    const { url, verifier } = the.client.authorizeUrl()
    const [consent] = (await browser.get(url)).forms
    await the.world.restartRuntime()
    const [signIn] = (await browser.submit(consent ?? never(), { decision: 'allow' })).forms
    const callback = await browser.submit(signIn ?? never(), { person: 'alice' }, { stopAt: `${the.world.brokerUrl}/callback` })

    const hold = the.world.idp.control.hold('token', 'answer')
    const refreshing = the.client.refresh(tokens.refreshToken).catch(() => undefined)
    await hold.arrived
    await the.world.killRuntime()
    hold.release()
    await refreshing
    await the.world.restartRuntime()

    const done = await browser.get(callback.url, { stopAt: the.client.redirectUri })
    const code = new URL(done.url).searchParams.get('code') ?? ''
    expect((await the.client.redeem({ code, verifier })).status).toBe(200)
  })
})

describe('an identity provider that is down', () => {
  test('is not missed by calls, nor by refreshes for as long as the grace lasts', async () => {
    the.world.idp.control.down(true)
    try {
      expect(await statusWith(the.world.mcpUrl, tokens.accessToken)).toBe(200)
      const renewed = tokensOf(await the.client.refresh(tokens.refreshToken))
      expect(await statusWith(the.world.mcpUrl, renewed.accessToken)).toBe(200)

      await sleep((GRACE + 1) * 1_000)
      const late = await the.client.refresh(renewed.refreshToken)
      expect([late.status, errorOf(late), late.headers.get('retry-after')]).toEqual([503, 'temporarily_unavailable', '30'])
      // Nobody knows any more whether the person still has access: unknown is not allowed (ARCHITECTURE.md, law 7).
      expect(await statusWith(the.world.mcpUrl, renewed.accessToken)).toBe(503)

      the.world.idp.control.down(false)
      expect((await the.client.refresh(renewed.refreshToken)).status).toBe(200)
    } finally {
      the.world.idp.control.down(false)
    }
  })

  test('is named to people who want to sign in, and when it is back they can', async () => {
    // A fresh isolate remembers nothing of the provider, so that it has to ask.
    await the.world.restartRuntime()
    the.world.idp.control.down(true)
    try {
      const browser = new Browser()
      const [consent] = (await browser.get(the.client.authorizeUrl().url)).forms
      const page = await browser.submit(consent ?? never(), { decision: 'allow' })
      expect([page.status, page.headers.get('retry-after')]).toEqual([503, '30'])
      expect(page.text).toContain('The sign-in service does not answer')
    } finally {
      the.world.idp.control.down(false)
    }
    expect(await statusWith(the.world.mcpUrl, (await the.client.signIn('alice')).accessToken)).toBe(200)
  })

  test('between consent and callback gets the same page', async () => {
    const browser = new Browser()
    const [consent] = (await browser.get(the.client.authorizeUrl().url)).forms
    const [signIn] = (await browser.submit(consent ?? never(), { decision: 'allow' })).forms
    const callback = await browser.submit(signIn ?? never(), { person: 'alice' }, { stopAt: `${the.world.brokerUrl}/callback` })
    the.world.idp.control.down(true)
    try {
      const page = await browser.get(callback.url)
      expect(page.status).toBe(503)
      expect(page.text).toContain('The sign-in service does not answer')
    } finally {
      the.world.idp.control.down(false)
    }
  })
})

describe('an MCP server that is down', () => {
  test('is a 502 in the words of JSON-RPC, for this request and nobody else', async () => {
    await the.world.downstream.close()
    const answer = await callTool(the.world.mcpUrl, tokens.accessToken)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([502, 'application/json'])
    expect(await answer.json()).toEqual({
      jsonrpc: '2.0',
      id: 1,
      error: {
        code: -32603,
        message: 'Failed to connect to downstream MCP server',
        data: { code: 'downstream_unreachable', request_id: expect.any(String) },
      },
    })
    expect((await the.client.refresh(tokens.refreshToken)).status).toBe(200)
  })

  test('is found again when it is back', async () => {
    const server = createServer((_, res) => {
      res.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc":"2.0","id":1,"result":{}}')
    })
    await listen(server, the.world.downstream.port)
    try {
      expect(await statusWith(the.world.mcpUrl, tokens.accessToken)).toBe(200)
    } finally {
      await close(server)
    }
  })
})

function never(): never {
  throw new Error('there is no such form')
}
