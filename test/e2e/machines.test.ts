// Machine credentials: created once, used as a bearer or at the token endpoint, seen among the people, and ended like one.
import { describe, expect, test } from 'vitest'
import { AdminProgram } from '../world/administrator.ts'
import { countForLong, errorOf, statusWith } from '../world/broker-client.ts'
import { startAdministeredWorld } from '../world/administered-world.ts'
import { fixture } from '../world/fixture.ts'

const the = fixture(startAdministeredWorld)

const bearer = (token: string): AdminProgram => new AdminProgram(the.world.brokerUrl, { authorization: `Bearer ${token}` })
/** RFC 6749 section 4.4, the client in the body. */
const credentialsOf = (id: string, token: string) => ({
  grant_type: 'client_credentials',
  client_id: id,
  client_secret: token,
})

describe('a machine credential', () => {
  test('calls tools as itself, is seen among the people, and ends when its session is ended', async () => {
    const { token, machine: made } = await the.carol.createMachine()
    expect(token.slice(4, 12)).toBe(made.prefix)
    expect(await statusWith(the.world.mcpUrl, token)).toBe(200)
    const seen = await the.world.downstream.requests.find(
      ({ headers }) => headers['x-user-name'] === 'Nightly%20report' || headers['x-user-name'] === 'Nightly report',
    )
    expect(JSON.stringify(seen.headers)).not.toContain(token)

    const shown = async (): Promise<unknown> => (await the.carol.see(`/people/${made.sub}`)).listed
    await expect.poll(shown).toMatchObject({ kind: 'machine', name: 'Nightly report', liveGrants: 1 })
    const inList = async (): Promise<unknown> => (await the.carol.see('/machines')).machines[0]
    await expect.poll(inList).toMatchObject({ id: made.id, state: 'active', lastUsedAt: expect.any(Number), owner: 'Ops' })
    expect(JSON.stringify(await inList())).not.toContain(token.slice(12))

    const stream = await countForLong(the.world.mcpUrl, token)
    expect(await the.carol.revoke({ what: 'person', sub: made.sub })).toMatchObject({ grants: 1, streams: 1 })
    expect(await stream.endsWithin(1_000)).toBe(true)
    expect(await statusWith(the.world.mcpUrl, token)).toBe(401)
    await expect.poll(inList).toMatchObject({ state: 'ended' })
  })

  test('is exchanged for an access token at the token endpoint, which has no refresh token and ends with it', async () => {
    const { token, machine: made } = await the.carol.createMachine()
    const asked = { ...credentialsOf(made.id, token), scope: 'mcp', resource: the.world.mcpUrl }
    const answer = await the.client.token(asked)
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      200,
      { access_token: expect.any(String), token_type: 'Bearer', expires_in: expect.any(Number), scope: 'mcp' },
    ])
    const { access_token: accessToken } = JSON.parse(answer.text)
    expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(200)
    expect((await bearer(accessToken).get('/session')).status).toBe(401)

    await the.carol.revoke({ what: 'person', sub: made.sub })
    expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(401)
    expect([(await the.client.token(asked)).status, errorOf(await the.client.token(asked))]).toEqual([401, 'invalid_client'])
  })

  test('is ended by whoever holds its token, and not by what was got for it', async () => {
    const { token, machine: made } = await the.carol.createMachine()
    const asked = { grant_type: 'client_credentials', client_id: made.id, client_secret: token, resource: the.world.mcpUrl }
    const { access_token: accessToken } = JSON.parse((await the.client.token(asked)).text)
    const revoke = async (what: string): Promise<unknown[]> => {
      const answer = await fetch(`${the.world.brokerUrl}/revoke`, { method: 'POST', body: new URLSearchParams({ token: what }) })
      const text = await answer.text()
      return [answer.status, text === '' ? '' : JSON.parse(text).error]
    }
    expect(await revoke(accessToken)).toEqual([400, 'unsupported_token_type'])
    expect(await revoke(`${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`)).toEqual([401, 'invalid_client'])
    expect(await statusWith(the.world.mcpUrl, token)).toBe(200)
    const stream = await countForLong(the.world.mcpUrl, token)
    expect(await revoke(token)).toEqual([200, ''])
    expect(await stream.endsWithin(1_000)).toBe(true)
    expect([await statusWith(the.world.mcpUrl, token), await statusWith(the.world.mcpUrl, accessToken)]).toEqual([401, 401])
    expect(await revoke(token)).toEqual([200, ''])
  })

  test.for<[string, (token: string, id: string) => Record<string, string>, number, string]>([
    [
      'an invented token',
      (token) => ({ client_secret: `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}` }),
      401,
      'invalid_client',
    ],
    ['the id of another', () => ({ client_id: 'mch_0123456789012345678901' }), 401, 'invalid_client'],
    [
      'an application that signs people in',
      () => ({ client_id: the.client.clientId, client_secret: 'x' }),
      400,
      'unauthorized_client',
    ],
    ['a scope it has not', () => ({ scope: 'admin' }), 401, 'invalid_client'],
    ['a scope there is not', () => ({ scope: 'everything' }), 400, 'invalid_scope'],
    ['both scopes at once', () => ({ scope: 'mcp admin' }), 400, 'invalid_scope'],
    ['another server', () => ({ resource: 'https://elsewhere.example/mcp' }), 400, 'invalid_target'],
  ])('is not exchanged for %s', async ([, change, status, code]) => {
    const { token, machine: made } = await the.carol.createMachine()
    const asked = { ...credentialsOf(made.id, token), scope: '', ...change(token, made.id) }
    const answer = await the.client.token(asked)
    expect([answer.status, errorOf(answer)]).toEqual([status, code])
  })

  test('with the scope admin administers, and calls no tool; one without it does not administer', async () => {
    const admin = await the.carol.createMachine({ name: 'Console', scopes: ['admin'] })
    const program = bearer(admin.token)
    expect(await program.see('/session')).toEqual({
      actor: admin.machine.sub,
      actorName: `machine Console (${admin.machine.id})`,
      via: 'machine',
    })
    expect(await statusWith(the.world.mcpUrl, admin.token)).toBe(401)
    const exchanged = await the.client.token({
      grant_type: 'client_credentials',
      client_id: admin.machine.id,
      client_secret: admin.token,
      scope: 'admin',
    })
    const { access_token: accessToken } = JSON.parse(exchanged.text)
    expect((await bearer(accessToken).get('/overview')).status).toBe(200)
    expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(401)

    const plain = await the.carol.createMachine()
    expect((await bearer(plain.token).get('/overview')).status).toBe(401)
    await the.carol.revoke({ what: 'person', sub: admin.machine.sub })
    for (const token of [admin.token, accessToken]) expect((await bearer(token).get('/overview')).status).toBe(401)
  })
})
