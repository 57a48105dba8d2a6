// Attacks by the MCP server behind the broker on clients of the 2025 revisions, each named after the case it answers.
import { beforeEach, describe, expect, test } from 'vitest'
import { credentialsFor } from '../../world/clients.ts'
import { fixture } from '../../world/fixture.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { startRawDownstream, type RawHandler } from '../../world/raw-downstream.ts'
import { startWorld } from '../../world/world.ts'
import * as hostile from '../../world/hostile-answers.ts'

const sayOk: RawHandler = (_req, _body, res) => void res.writeHead(200, { 'content-type': 'application/json' }).end('{}')
const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' }

const the = fixture(async (closing) => {
  const downstream = await closing(startRawDownstream(sayOk))
  const world = await closing(startWorld({ overrides: { DOWNSTREAM_MCP_URL: downstream.url } }))
  const client = new LegacyClient(world.mcpUrl, (await credentialsFor('alice', world.mcpUrl)).accessToken)
  return { downstream, client }
})
beforeEach(() => {
  the.downstream.requests.forget()
  the.downstream.handleWith(sayOk)
})

describe('48 a malicious downstream of a legacy client', () => {
  test('that redirects to another host is not followed, and its address stays with us', async () => {
    const other = await startRawDownstream(sayOk)
    the.downstream.handleWith(hostile.redirecting(other.url))
    expect(await hostile.leadsNowhere(await the.client.post(list), other.port)).toBe(true)
    expect(other.requests.all).toEqual([])
    await other.close()
  })

  test.for(hostile.HOSTILE_CHALLENGES)('that challenges the client is not passed on: %s', async (evil) => {
    the.downstream.handleWith(hostile.challenging(evil))
    const response = await the.client.post(list)
    expect([response.status, response.headers.has('www-authenticate')]).toEqual([502, false])
    expect(await response.json()).toMatchObject({ id: 1, error: { code: -32603, data: { code: 'downstream_unauthorized' } } })
  })

  test('that sets cookies, policies and addresses sets none of them', async () => {
    const theirs = {
      ...hostile.HOSTILE_HEADERS,
      'x-broker-refusal': 'evil',
      'x-broker-answer': 'evil',
      'ratelimit-limit': 'evil',
    }
    the.downstream.handleWith(hostile.answeringWith(theirs))
    const response = await the.client.post(list)
    expect(response.status).toBe(200)
    expect(JSON.stringify([...response.headers])).not.toMatch(/evil|a=b|max-age=0|credentials|Clear/i)
  })

  test('that answers with a page gives it no power over our origin', async () => {
    the.downstream.handleWith(hostile.aPage)
    expect(hostile.powersOf(await the.client.post(list))).toEqual(hostile.NO_POWER)
  })

  test('that sends an endless event is cut off, and the client is told', async () => {
    the.downstream.handleWith(hostile.anEndlessEvent)
    expect(await (await the.client.post(list)).text()).toContain('"id":1,"error":{"code":-32603')
    const asked = await the.downstream.requests.find(({ closedAt }) => closedAt !== undefined)
    expect(asked.aborted).toBe(true)
  })

  test('that plays with the fields of events changes nothing', async () => {
    the.downstream.handleWith(
      (_req, _body, res) =>
        void res
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .end('retry: 0\nid: a\0b\ndata: \u001b[2J\n\ndata: {"id":1,"result":{}}\n\n'),
    )
    const text = await (await the.client.post(list)).text()
    expect(text.replaceAll(/^id: [\w-]+\.\d+\n/gm, '')).toBe(': ok\n\ndata: \u001b[2J\n\ndata: {"id":1,"result":{}}\n\n')
  })

  test.for(['999', '101'])('that answers with status %s is refused as broken', async (status) => {
    the.downstream.handleWith((req) => void req.socket.end(`HTTP/1.1 ${status} Odd\r\ncontent-length: 0\r\n\r\n`))
    expect((await the.client.post(list)).status).toBe(502)
  })
})
