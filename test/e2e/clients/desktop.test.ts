// Cursor, VS Code, Claude and others that register, as far as the wire shows them: their registration, their callback address, their tokens.
import { describe, expect, test } from 'vitest'
import { BrokerClient, callTool, errorOf, tokensOf } from '../../world/broker-client.ts'
import { Browser } from '../../world/browser.ts'
import { DESKTOP_CLIENTS, type DesktopClient } from '../../world/client-fixtures.ts'
import { fixture } from '../../world/fixture.ts'
import { messageIn, saidBy, VERIFIED_ALICE } from '../../world/spoken-result.ts'
import { startWorld } from '../../world/world.ts'

describe('a desktop client', () => {
  const world = fixture((closing) => closing(startWorld()))

  test.for(DESKTOP_CLIENTS.map((client) => [client.name, client] as const))(
    '%s registers, is called back, and uses the server as Alice',
    async ([, desktop]) => {
      const client = await register(desktop)
      const { code, verifier } = await client.code('alice', { changes: asks(desktop), stopAt: desktop.redirectUri })
      const tokens = tokensOf(
        await client.redeem({ code, verifier }, { redirect_uri: desktop.redirectUri, resource: world.mcpUrl }),
      )
      const answer = await callTool(world.mcpUrl, tokens.accessToken, { tool: 'whoami', arguments: {} })
      expect(saidBy(await messageIn(answer))).toMatchObject(VERIFIED_ALICE)

      const refreshed = tokensOf(await client.refresh(tokens.refreshToken))
      expect(refreshed.accessToken).not.toBe(tokens.accessToken)
    },
  )

  test.for(DESKTOP_CLIENTS.map((client) => [client.name, client] as const))(
    'the registration of %s is answered with everything it sent, and no nulls',
    async ([, { registration }]) => {
      const answer = await fetch(`${world.brokerUrl}/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(registration),
      })
      expect(answer.status).toBe(201)
      const registered: Record<string, unknown> = await answer.json()
      expect(registered).toMatchObject({
        client_name: registration['client_name'],
        redirect_uris: registration.redirect_uris,
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'none',
      })
      expect(registered).not.toHaveProperty('client_secret')
      expect(Object.values(registered)).not.toContain(null)
    },
  )

  test.for([
    ['another path on the same loopback port', 'http://127.0.0.1:33418/elsewhere'],
    ['another name of this computer', 'http://localhost:33418/'],
    ['another computer', 'http://192.0.2.1:33418/'],
    ['a host that only starts like loopback', 'http://127.0.0.1.evil.example:33418/'],
  ])('the freedom of ports is no freedom for %s', async ([, redirectUri]) => {
    const client = await register(named('VS Code'))
    const page = await new Browser().get(client.authorizeUrl({ redirect_uri: redirectUri, resource: world.mcpUrl }).url)
    expect(page.status).toBe(400)
    expect(page.text).toContain('invalid_redirect_uri')
    expect(page.forms).toEqual([])
  })

  test('a code does not work at another port than the one it was sent to', async () => {
    const desktop = named('Claude Code')
    const client = await register(desktop)
    const code = await client.code('alice', { changes: asks(desktop), stopAt: desktop.redirectUri })
    const answer = await client.redeem(code, { redirect_uri: 'http://localhost:60322/callback' })
    expect({ status: answer.status, error: errorOf(answer) }).toEqual({ status: 400, error: 'invalid_grant' })
  })

  async function register({ registration }: DesktopClient): Promise<BrokerClient> {
    return await BrokerClient.register(world.brokerUrl, registration)
  }

  function asks({ redirectUri, authorize = {} }: DesktopClient): Readonly<Record<string, string>> {
    return { redirect_uri: redirectUri, resource: world.mcpUrl, ...authorize }
  }
})

function named(name: string): DesktopClient {
  const client = DESKTOP_CLIENTS.find((each) => each.name === name)
  if (!client) throw new Error(`there is no fixture called ${name}`)
  return client
}
