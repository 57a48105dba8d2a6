// Attacks by the MCP server behind the broker, each named after the case it answers.
import { describe, expect, test } from 'vitest'
import { startRawDownstream } from '../../world/raw-downstream.ts'
import { brokered, refusalOf } from '../mcp/brokered.ts'
import { sayOk, serverBehind } from '../mcp/server-behind.ts'
import * as hostile from '../../world/hostile-answers.ts'

const downstream = await serverBehind()

describe('48 a malicious downstream', () => {
  test('that redirects to another host is not followed, and its address stays with us', async () => {
    const other = await startRawDownstream(sayOk)
    downstream.handleWith(hostile.redirecting(other.url))
    expect(await hostile.leadsNowhere(await brokered(downstream.url).modern(), other.port)).toBe(true)
    expect(other.requests.all).toEqual([])
    await other.close()
  })

  test.for(hostile.HOSTILE_CHALLENGES)('that challenges the client is not passed on: %s', async (evil) => {
    downstream.handleWith(hostile.challenging(evil))
    const response = await brokered(downstream.url).modern()
    expect([response.status, response.headers.has('www-authenticate')]).toEqual([502, false])
    expect(await refusalOf(response)).toMatchObject({
      id: 1,
      error: { code: -32603, data: { code: 'downstream_unauthorized' } },
    })
  })

  test('that sets cookies, policies and addresses sets none of them', async () => {
    const theirs = {
      ...hostile.HOSTILE_HEADERS,
      'alt-svc': 'h3="evil.example:443"',
    }
    downstream.handleWith(hostile.answeringWith(theirs))
    const response = await brokered(downstream.url).modern()
    expect(JSON.stringify([...response.headers])).not.toMatch(/evil|a=b|max-age=0|credentials|Clear/i)
  })

  test('that answers with a page gives it no power over our origin', async () => {
    downstream.handleWith(hostile.aPage)
    expect(hostile.powersOf(await brokered(downstream.url).modern())).toEqual(hostile.NO_POWER)
  })

  test('that sends an endless event is cut off, and the client is told', async () => {
    downstream.handleWith(hostile.anEndlessEvent)
    const response = await brokered(downstream.url).modern()
    expect(await response.text()).toContain('"id":1,"error":{"code":-32603')
    const asked = await downstream.requests.find(({ closedAt }) => closedAt !== undefined)
    expect(asked.aborted).toBe(true)
  })

  test('that plays with the fields of events changes nothing', async () => {
    downstream.handleWith(
      (_req, _body, res) =>
        void res.writeHead(200, { 'content-type': 'text/event-stream' }).end('retry: 0\nid: a\0b\ndata: \u001b[2J\n\n'),
    )
    expect(await (await brokered(downstream.url).modern()).text()).toBe(': ok\n\ndata: \u001b[2J\n\n')
  })

  test.for(['999', '101'])('that answers with status %s is refused as broken', async (status) => {
    downstream.handleWith((req) => void req.socket.end(`HTTP/1.1 ${status} Odd\r\ncontent-length: 0\r\n\r\n`))
    expect((await brokered(downstream.url).modern()).status).toBe(502)
  })
})
