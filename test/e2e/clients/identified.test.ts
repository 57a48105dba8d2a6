// Clients that do not register: those a document at their id describes, as their owners publish it, and those the operator has entered.
import { describe, expect, test } from 'vitest'
import { AdminProgram } from '../../world/administrator.ts'
import { BrokerClient, callTool, errorOf, tokensOf, type Changes, type Tokens } from '../../world/broker-client.ts'
import { Browser } from '../../world/browser.ts'
import { DOCUMENT_CLIENTS } from '../../world/client-documents.ts'
import { startDocumentHost } from '../../world/document-host.ts'
import { fixture } from '../../world/fixture.ts'
import { messageIn, saidBy, VERIFIED_ALICE } from '../../world/spoken-result.ts'
import { startWorld } from '../../world/world.ts'

const REDIRECT = 'https://console.widgets.dev/cb'
const SECRET = 'a secret that an operator has made up'

const the = fixture(async (closing) => {
  const host = await closing(startDocumentHost())
  const world = await closing(
    startWorld({
      overrides: {
        CONSOLE_SECRET: SECRET,
        CLIENTS: JSON.stringify([
          { id: 'console', name: 'Console', secret: '$CONSOLE_SECRET', redirect_uris: [REDIRECT] },
          { id: 'console-public', name: 'Console of everybody', redirect_uris: [REDIRECT, 'http://127.0.0.1/cb'] },
          { id: 'console-signs', name: 'Console that signs', redirect_uris: [REDIRECT], jwks_uri: host.keysAt },
          { id: 'console-narrow', name: 'Console for nothing', redirect_uris: [REDIRECT], scopes: ['elsewhere'] },
        ]),
      },
    }),
  )
  return { host, world }
})

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

async function signature(id: string): Promise<Changes> {
  return { client_assertion: await the.host.sign(id, the.world.brokerUrl), client_assertion_type: ASSERTION_TYPE }
}

/** From the link in the browser to a tool that has answered, and a refresh. */
async function use(
  client: BrokerClient,
  { asks = {}, signs = false }: { asks?: Changes; signs?: boolean } = {},
): Promise<Tokens> {
  const proof = (): Promise<Changes> => (signs ? signature(client.clientId) : Promise.resolve({}))
  const code = await client.code('alice', { changes: { resource: the.world.mcpUrl, ...asks } })
  const tokens = tokensOf(await client.redeem(code, { resource: the.world.mcpUrl, ...(await proof()) }))
  const answer = await callTool(the.world.mcpUrl, tokens.accessToken, { tool: 'whoami', arguments: {} })
  expect(saidBy(await messageIn(answer))).toMatchObject(VERIFIED_ALICE)
  return tokensOf(await client.refresh(tokens.refreshToken, await proof()))
}

describe('a client that a document describes', () => {
  test.for(DOCUMENT_CLIENTS.map((client) => [client.name, client] as const))(
    '%s is shown with its host, is called back, and uses the server as Alice',
    async ([name, described]) => {
      const { redirectUri, authorize = {}, signsWith } = described
      const client = await BrokerClient.known(the.world.brokerUrl, { id: the.host.publish(described), redirectUri })
      const page = await new Browser().get(client.authorizeUrl({ resource: the.world.mcpUrl, ...authorize }).url)
      expect(page.text).toContain(`Published by ${new URL(client.clientId).host}`)
      expect(page.text).toContain(name.replace(/[()]/g, '').split(' ')[0])
      await use(client, { asks: authorize, signs: signsWith !== undefined })
    },
  )

  test('costs no fetch when it redeems, refreshes and revokes', async () => {
    const described = DOCUMENT_CLIENTS[0]!
    const client = await BrokerClient.known(the.world.brokerUrl, {
      id: the.host.publish({ ...described, id: 'https://vscode.dev/other.json' }),
      redirectUri: described.redirectUri,
    })
    const code = await client.code('alice')
    const before = the.host.asked()
    const tokens = tokensOf(await client.redeem(code))
    const refreshed = tokensOf(await client.refresh(tokens.refreshToken))
    expect((await client.revoke(refreshed.refreshToken)).status).toBe(200)
    expect(the.host.asked()).toBe(before)
  })

  test('ends for everybody when an administrator blocks it, and can not be connected again', async () => {
    const described = DOCUMENT_CLIENTS[2]!
    const id = the.host.publish({ ...described, id: 'https://claude.ai/oauth/blocked' })
    const client = await BrokerClient.known(the.world.brokerUrl, { id, redirectUri: described.redirectUri })
    const { accessToken, refreshToken } = await use(client)
    const carol = await AdminProgram.signedIn(the.world.brokerUrl, 'carol')
    await expect.poll(async () => (await carol.see(`/clients?search=${encodeURIComponent(id)}`))['clients'][0].people).toBe(1)
    const { clients } = await carol.see(`/clients?search=${encodeURIComponent(id)}`)
    expect(clients).toMatchObject([{ id, knownBy: 'document', name: 'Claude Code', isBlocked: false }])
    const { id: receipt } = await carol.act(`/clients/${encodeURIComponent(id)}/block`, { reason: 'a test' })
    await expect.poll(async () => (await carol.receipt(receipt)).state).toBe('done')
    expect((await callTool(the.world.mcpUrl, accessToken)).status).toBe(401)
    expect(errorOf(await client.refresh(refreshToken))).toBe('invalid_grant')
    const page = await new Browser().get(client.authorizeUrl().url)
    expect([page.status, page.forms]).toEqual([403, []])
    await carol.act(`/clients/${encodeURIComponent(id)}/unblock`, { reason: 'a test' })
    expect((await new Browser().get(client.authorizeUrl().url)).forms).toMatchObject([{ id: 'consent' }])
  })
})

describe('a client the operator has entered', () => {
  test.for<[string, string, string | undefined, boolean]>([
    ['with a secret', 'console', SECRET, false],
    ['without one', 'console-public', undefined, false],
    ['with keys', 'console-signs', undefined, true],
  ])('%s uses the server as Alice', async ([, id, secret, signs]) => {
    const client = await BrokerClient.known(the.world.brokerUrl, {
      id,
      redirectUri: REDIRECT,
      ...(secret !== undefined && { secret }),
    })
    const page = await new Browser().get(client.authorizeUrl().url)
    expect(page.text).toContain('Set up by your administrator')
    await use(client, { signs })
  })

  test('may send its secret as Basic', async () => {
    const client = await BrokerClient.known(the.world.brokerUrl, { id: 'console', secret: SECRET, redirectUri: REDIRECT })
    const { code, verifier } = await client.code('alice')
    const answer = await fetch(`${the.world.brokerUrl}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`console:${encodeURIComponent(SECRET)}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: REDIRECT }),
    })
    expect(answer.status).toBe(200)
  })

  test.for<[string, string, Changes]>([
    ['a wrong secret', 'console', { client_secret: `${SECRET}?` }],
    ['no secret', 'console', {}],
    ['a secret it does not have', 'console-public', { client_secret: SECRET }],
    ['no signature', 'console-signs', {}],
    ['a secret instead of a signature', 'console-signs', { client_secret: SECRET }],
  ])('gets nothing with %s', async ([, id, changes]) => {
    const client = await BrokerClient.known(the.world.brokerUrl, { id, redirectUri: REDIRECT })
    expect(errorOf(await client.token({ grant_type: 'refresh_token', refresh_token: 'x', ...changes }))).toBe('invalid_client')
  })

  test('is sent back when it may be given nothing that was asked for', async () => {
    const client = await BrokerClient.known(the.world.brokerUrl, { id: 'console-narrow', redirectUri: REDIRECT })
    const page = await new Browser().get(client.authorizeUrl().url, { stopAt: REDIRECT })
    expect(new URL(page.url).searchParams.get('error')).toBe('invalid_scope')
  })

  test('can not be shadowed, is listed, and can be blocked', async () => {
    const registered = await BrokerClient.register(the.world.brokerUrl, { client_id: 'console', client_name: 'Console' })
    expect(registered.clientId).toMatch(/^pub_/)
    const carol = await AdminProgram.signedIn(the.world.brokerUrl, 'carol')
    const { clients } = await carol.see('/clients')
    expect(clients[0]).toMatchObject({ id: 'console', name: 'Console', knownBy: 'settings' })
    expect(JSON.stringify(clients)).not.toContain(SECRET)
    await carol.act('/clients/console-public/block', { reason: 'a test' })
    const client = await BrokerClient.known(the.world.brokerUrl, { id: 'console-public', redirectUri: REDIRECT })
    expect((await new Browser().get(client.authorizeUrl().url)).status).toBe(403)
  })
})
