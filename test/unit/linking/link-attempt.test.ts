// The broker as a client of OAuth toward a server: what it asks for, whom it believes, and what it never sends where.
import { describe, expect, test } from 'vitest'
import { perTest } from '../../world/fixture.ts'
import { beginLink, finishLink, type LinkAttempt } from '../../../src/linking/link-attempt.ts'
import type { RemoteErrorReason } from '../../../src/oauth-client/remote-error.ts'
import type { Link } from '../../../src/session/contract/link-client.ts'
import { downstreamAt, registrar, ScriptedServer } from './scripted-server.ts'

const its = perTest(async (closing) => {
  const server = await closing(ScriptedServer.start())
  const broker = await registrar()
  return { server, broker }
})

test('a person is sent with PKCE, state, the resource as it is published, and what the server says to ask for', async () => {
  its.server.answers.set('/mcp', { status: 401, headers: { 'www-authenticate': 'Basic x="y", Bearer scope="read write"' } })
  its.server.bendMetadata({ scopes_supported: ['read', 'write', 'offline_access'] })
  const { url, attempt } = await beginLink(its.server.downstream, [], its.broker)
  expect(`${url.origin}${url.pathname}`).toBe(`${its.server.origin}/authorize`)
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    response_type: 'code',
    client_id: 'registered',
    redirect_uri: 'https://broker.example/link/callback/vault',
    state: attempt.state,
    code_challenge_method: 'S256',
    resource: `${its.server.origin}/mcp`,
    scope: 'read write offline_access',
    prompt: 'consent',
  })
  expect(url.href).not.toContain(attempt.codeVerifier)
})

describe('nobody is sent anywhere when', () => {
  test.for<[string, () => void, RemoteErrorReason]>([
    [
      'the metadata are those of another resource',
      () => its.server.bendResource({ resource: 'https://evil.example/mcp' }),
      'invalid',
    ],
    ['of a path beside it', () => its.server.bendResource({ resource: `${its.server.origin}/mc` }), 'invalid'],
    [
      'the authorization server names another issuer',
      () => its.server.bendMetadata({ issuer: 'https://evil.example' }),
      'invalid',
    ],
    ['it has no PKCE', () => its.server.bendMetadata({ code_challenge_methods_supported: undefined }), 'invalid'],
    ['it has PKCE without S256', () => its.server.bendMetadata({ code_challenge_methods_supported: ['plain'] }), 'invalid'],
    [
      'its token endpoint is in the open',
      () => its.server.bendMetadata({ token_endpoint: 'http://evil.example/token' }),
      'invalid',
    ],
    ['it sends people to a script', () => its.server.bendMetadata({ authorization_endpoint: 'javascript:alert(1)' }), 'invalid'],
    ['it lets no client register', () => its.server.bendMetadata({ registration_endpoint: undefined }), 'invalid'],
    ['the registration is refused', () => its.server.answers.set('/register', { status: 403, body: {} }), 'refused'],
    [
      'the server is down',
      () => its.server.answers.set('/.well-known/oauth-authorization-server', { status: 503 }),
      'unreachable',
    ],
    [
      'the metadata never end',
      () => its.server.answers.set('/.well-known/oauth-authorization-server', { body: `{"issuer":"${'x'.repeat(70_000)}"}` }),
      'unreachable',
    ],
    [
      'the metadata are somewhere else',
      () =>
        its.server.answers.set('/.well-known/oauth-protected-resource/mcp', { status: 302, headers: { location: '/elsewhere' } }),
      'invalid',
    ],
    [
      'the challenge leads into the machine of somebody else',
      () =>
        its.server.answers.set('/mcp', {
          status: 401,
          headers: { 'www-authenticate': 'Bearer resource_metadata="http://169.254.169.254/latest"' },
        }),
      'invalid',
    ],
  ])('%s', async ([what, bend, reason]) => {
    bend()
    // Without metadata a server counts as its own authorization server, so there the next document is missing too.
    if (what === 'the metadata are somewhere else') its.server.bendMetadata({ issuer: 'https://evil.example' })
    await expect(beginLink(its.server.downstream, [], its.broker)).rejects.toMatchObject({ name: 'LinkError', reason })
    expect(its.server.paths()).not.toContain('/elsewhere')
  })
})

test('nobody is sent to an issuer whose tokens open something here, unless an operator has entered a client there', async () => {
  const exchanging = { ...its.broker, opensHere: (issuer: string) => issuer === its.server.origin }
  await expect(beginLink(its.server.downstream, [], exchanging)).rejects.toMatchObject({
    reason: 'invalid',
    detail: expect.stringMatching(/tokens of that one open something here$/),
  })
  expect(its.server.paths()).not.toContain('/register')
  const entered = { ...its.server.downstream, oauthClient: { id: 'entered', secret: 'x', scopes: [] } }
  expect((await beginLink(entered, [], exchanging)).url.searchParams.get('client_id')).toBe('entered')
})

describe('who comes back', () => {
  test('has their code redeemed where it was made, as the client that was sent', async () => {
    const { link } = await cameBack({ code: 'a code' })
    expect(link).toMatchObject({
      issuer: its.server.origin,
      tokenEndpoint: `${its.server.origin}/token`,
      accessToken: 'access',
      refreshToken: 'refresh',
      expiresAt: 1_800_000_060,
    })
    const asked = its.server.asked.find(({ path }) => path === '/token')
    expect(asked?.authorization).toBe(`Basic ${btoa('registered:its+secret')}`)
    expect(new URLSearchParams(asked?.body).get('resource')).toBe(`${its.server.origin}/mcp`)
  })

  test.for<[string, Record<string, string>, RemoteErrorReason]>([
    ['another state', { code: 'a code', state: 'guessed' }, 'invalid'],
    ['another issuer', { code: 'a code', iss: 'https://evil.example' }, 'invalid'],
    ['an issuer with a slash more', { code: 'a code', iss: 'SLASH' }, 'invalid'],
    ['a refusal', { error: 'access_denied' }, 'denied'],
    ['a mistake', { error: 'invalid_scope' }, 'refused'],
    ['an outage', { error: 'temporarily_unavailable' }, 'unreachable'],
    ['nothing', {}, 'invalid'],
  ])('with %s gets no token, and no code is sent anywhere', async ([, changes, reason]) => {
    const given = changes['iss'] === 'SLASH' ? { ...changes, iss: `${its.server.origin}/` } : changes
    await expect(cameBack(given)).rejects.toMatchObject({ name: 'LinkError', reason })
    expect(its.server.paths()).not.toContain('/token')
  })

  test('without an issuer gets no token where the server has promised to name it', async () => {
    its.server.bendMetadata({ authorization_response_iss_parameter_supported: true })
    await expect(cameBack({ code: 'a code' })).rejects.toMatchObject({ reason: 'invalid' })
    expect((await cameBack({ code: 'a code', iss: its.server.origin })).link.accessToken).toBe('access')
  })

  test('is not given a token of a kind that has to be proved', async () => {
    its.server.answers.set('/token', { body: { access_token: 'access', token_type: 'DPoP' } })
    await expect(cameBack({ code: 'a code' })).rejects.toMatchObject({ reason: 'invalid' })
  })
})

describe('who the broker is at an authorization server', () => {
  test('is refused in the server’s own words, for the log', async () => {
    const said = { error: 'invalid_redirect_uri', error_description: 'not on the list' }
    its.server.answers.set('/register', { status: 400, body: said })
    await expect(beginLink(its.server.downstream, [], its.broker)).rejects.toMatchObject({
      reason: 'refused',
      code: 'invalid_redirect_uri',
      detail: 'the registration endpoint answered 400 invalid_redirect_uri: not on the list',
    })
  })

  test('is registered once, and read by nobody in between', async () => {
    const keeping = await registrar()
    await beginLink(its.server.downstream, [], keeping)
    await beginLink(its.server.downstream, [], keeping)
    expect(its.server.paths().filter((path) => path === '/register')).toHaveLength(1)
    expect([...keeping.kept.values()].join()).not.toMatch(/registered|its secret/)
  })

  test('is registered for one address to come back to, and made anew where that was another one', async () => {
    await beginLink(its.server.downstream, [], its.broker)
    await beginLink({ ...its.server.downstream, name: 'renamed' }, [], its.broker)
    const asked = its.server.asked.filter(({ path }) => path === '/register').map(({ body }): unknown => JSON.parse(body))
    expect(asked).toMatchObject([
      {
        redirect_uris: ['https://broker.example/link/callback/vault'],
        client_name: 'MCP Session Broker (broker.example, vault)',
      },
      { redirect_uris: ['https://broker.example/link/callback/renamed'] },
    ])
  })

  test('is made anew when the server does not know it any more', async () => {
    its.server.answers.set('/token', { status: 401, body: { error: 'invalid_client' } })
    await expect(cameBack({ code: 'a code' })).rejects.toMatchObject({ reason: 'refused' })
    await beginLink(its.server.downstream, [], its.broker)
    expect(its.server.paths().filter((path) => path === '/register')).toHaveLength(2)
  })

  test('authenticates as the operator says, and asks for what the operator adds', async () => {
    const told = {
      ...its.server.downstream,
      authorization: { clientAuth: 'client_secret_post', parameters: { audience: 'https://api.example' } } as const,
    }
    const { url, attempt } = await beginLink(told, [], its.broker)
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ audience: 'https://api.example', state: attempt.state })
    const callback = new URL('https://broker.example/link/callback/vault')
    callback.search = new URLSearchParams({ state: attempt.state, code: 'a code' }).toString()
    const { client } = await finishLink(told, attempt, callback, its.broker)
    expect(client).toEqual({ id: 'registered', secret: 'its secret', method: 'client_secret_post' })
    const asked = its.server.asked.find(({ path }) => path === '/token')
    expect(asked?.authorization).toBeUndefined()
    expect(new URLSearchParams(asked?.body).get('client_secret')).toBe('its secret')
    expect(its.server.asked.find(({ path }) => path === '/register')?.body).toContain(
      '"token_endpoint_auth_method":"client_secret_post"',
    )
  })

  test('is its own document where that is understood', async () => {
    its.server.bendMetadata({ client_id_metadata_document_supported: true })
    const { url } = await beginLink(its.server.downstream, [], its.broker)
    expect(url.searchParams.get('client_id')).toBe('https://broker.example/link/client/vault.json')
    const local = await beginLink(its.server.downstream, [], await registrar('http://localhost:8788'))
    expect(local.url.searchParams.get('client_id')).toBe('registered')
  })

  test('as an operator has entered it, is for the authorization server it was first used at', async () => {
    const entered = { ...its.server.downstream, oauthClient: { id: 'entered', secret: 'by hand', scopes: ['all'] } }
    const { url } = await beginLink(entered, [], its.broker)
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ client_id: 'entered', scope: 'all' })
    const other = await ScriptedServer.start()
    try {
      its.server.bendResource({ authorization_servers: [other.origin] })
      await expect(beginLink(entered, [], its.broker)).rejects.toMatchObject({ reason: 'invalid' })
      // Whoever registers by itself is somebody else there.
      const { attempt } = await beginLink(its.server.downstream, [], its.broker)
      expect(attempt.issuer).toBe(other.origin)
      expect(other.paths()).toContain('/register')
    } finally {
      await other.close()
    }
  })
})

test('a server that says nothing about itself is its own authorization server, at the addresses of 2025-03-26', async () => {
  for (const path of ['/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-authorization-server'])
    its.server.answers.delete(path)
  const { url } = await beginLink(its.server.downstream, [], its.broker)
  expect(url.href.startsWith(`${its.server.origin}/authorize?`)).toBe(true)
  expect(url.searchParams.get('resource')).toBe(`${its.server.origin}/mcp`)
  expect(url.searchParams.has('scope')).toBe(false)
})

test('a server where nobody listens is an outage', async () => {
  await its.server.close()
  await expect(beginLink(downstreamAt(`${its.server.origin}/mcp`), [], its.broker)).rejects.toMatchObject({
    reason: 'unreachable',
  })
})

async function cameBack(given: Readonly<Record<string, string>>): Promise<{ link: Link; attempt: LinkAttempt }> {
  const { attempt } = await beginLink(its.server.downstream, [], its.broker)
  const callback = new URL('https://broker.example/link/callback/vault')
  callback.search = new URLSearchParams({ state: attempt.state, ...given }).toString()
  return { link: await finishLink(its.server.downstream, attempt, callback, its.broker), attempt }
}
