// Requests as no client library sends them: the runtime passes addresses on as they came, and parsers change them.
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, onTestFinished, test } from 'vitest'
import { BrokerClient } from '../../world/broker-client.ts'
import { fixture } from '../../world/fixture.ts'
import { startWorld } from '../../world/world.ts'

const the = fixture(async (closing) => {
  const world = await closing(startWorld())
  const { accessToken } = await (await BrokerClient.register(world.brokerUrl)).signIn('alice')
  return { world, accessToken }
})

const BODY = '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}'

/** The status, and the code of the refusal. */
async function asked(path: string, host?: string, method = 'POST', { brokerUrl } = the.world): Promise<string> {
  const broker = new URL(brokerUrl)
  const socket = connect(Number(broker.port), '127.0.0.1')
  const head = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${host ?? broker.host}`,
    'Connection: close',
    `Authorization: Bearer ${the.accessToken}`,
    ...(method === 'POST' ? ['Content-Type: application/json', `Content-Length: ${BODY.length}`] : []),
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n${method === 'POST' ? BODY : ''}`)
  const answer = await text(socket)
  return `${answer.split(' ')[1]} ${/"error":"(\w+)"/.exec(answer)?.[1] ?? 'carried'}`
}

test('41. a path is compared as it was sent: one that a parser makes /mcp of is another one', async () => {
  expect(await asked('/mcp')).toContain('carried')
  expect(the.world.downstream.requests.last?.body.toString()).toBe(BODY)
  the.world.downstream.requests.forget()
  const spellings = [
    '/./mcp',
    '/x/../mcp',
    '/%2e/mcp',
    '/x/%2E%2e/mcp',
    '/mcp\\x',
    '//mcp',
    '/%6dcp',
    '/mcp/../admin',
    '/mcp;x',
    '/MCP',
  ]
  for (const path of spellings) expect([path, await asked(path)]).toEqual([path, '404 not_found'])
  expect(the.world.downstream.requests.last).toBeUndefined()
})

describe('42. a host that nobody can read is another one', () => {
  test.for(['[::', 'a b', '%', 'localhost:99999', 'localhost:1:2', 'localhost, evil.example'])('%j', async (host) => {
    expect(await asked('/mcp', host)).toBe('403 forbidden_host')
    expect(await asked('/nowhere', host)).toBe('403 forbidden_host')
    expect(await asked('/health', host, 'GET')).toBe('200 carried')
  })

  test('nor can a request be about all of it', async () => {
    expect(await asked('*', undefined, 'OPTIONS')).toBe('404 not_found')
  })

  test('while the settings are wrong it is told so, as any other', async () => {
    const world = await startWorld({ overrides: { BASE_URL: undefined }, mayBeUnhealthy: true })
    onTestFinished(() => world.close())
    for (const path of ['/mcp', '/nowhere', '/assets/pages.css'])
      expect(await asked(path, '[::', 'GET', world)).toBe('503 misconfigured')
  })
})
