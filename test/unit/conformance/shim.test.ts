// The shim is invisible: everything measured through it depends on that.
import { once } from 'node:events'
import { createServer, request, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { startShim } from '../../conformance/shim.ts'
import { perTest } from '../../world/fixture.ts'
import { close, listen } from '../../world/listening.ts'

const its = perTest(async (closing, onEnd) => {
  const behind = createServer()
  onEnd(() => close(behind))
  const port = await listen(behind, 0)
  const shim = await closing(startShim({ target: `http://127.0.0.1:${port}/mcp`, token: 'the-token' }))
  return { behind, shim }
})

test('everything arrives as it was sent, and the token on top', async () => {
  const body = Buffer.from([0x7b, 0xff, 0x00, 0x0d, 0x0a, 0x7d])
  const headers = ['hOsT', 'evil.example.com', 'Origin', 'http://evil.example.com', 'X-Twice', '1', 'x-twice', '2']
  const arriving = arrival()
  const answering = answerTo(
    request(`${its.shim.url}?a=%2F&a=2`, { method: 'POST', headers: [...headers, 'Content-Length', '6'] }).end(body),
  )
  const [incoming, response] = await arriving
  expect(incoming.url).toBe('/mcp?a=%2F&a=2')
  expect(incoming.rawHeaders.slice(0, 10)).toEqual([...headers, 'Content-Length', '6'])
  expect(incoming.headers.authorization).toBe('Bearer the-token')
  expect(Buffer.concat(await incoming.toArray())).toEqual(body)
  response.end()
  await answering
})

test('a token the client sent is replaced, not doubled', async () => {
  const arriving = arrival()
  const answering = fetch(its.shim.url, { headers: { authorization: 'Bearer mine' } })
  const [incoming, response] = await arriving
  expect(incoming.rawHeaders.filter((text) => text.toLowerCase() === 'authorization')).toHaveLength(1)
  expect(incoming.headers.authorization).toBe('Bearer the-token')
  response.end()
  await answering
})

test('a host that names the shim names the server behind it instead', async () => {
  const arriving = arrival()
  const answering = fetch(its.shim.url, { headers: { origin: new URL(its.shim.url).origin } })
  const [incoming, response] = await arriving
  expect(incoming.headers.host).toBe(`127.0.0.1:${incoming.socket.localPort}`)
  expect(incoming.headers.origin).toBe(new URL(its.shim.url).origin)
  response.end()
  await answering
})

test('the answer comes back as it was given', async () => {
  its.behind.once('request', (_, response) => {
    response.sendDate = false
    response.writeHead(418, 'Short And Stout', ['X-Case', 'Kept', 'x-case', 'too', 'Content-Length', '2'])
    response.end('ok')
  })
  const answer = await answerTo(request(its.shim.url).end())
  expect([answer.statusCode, answer.statusMessage]).toEqual([418, 'Short And Stout'])
  expect(answer.rawHeaders.slice(0, 6)).toEqual(['X-Case', 'Kept', 'x-case', 'too', 'Content-Length', '2'])
  expect(answer.headers.date).toBeUndefined()
  expect(Buffer.concat(await answer.toArray()).toString()).toBe('ok')
})

test('headers and each chunk come through before the next one exists', async () => {
  const responding = arrival()
  const fetching = fetch(its.shim.url)
  const [, response] = await responding
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  const reader = (await fetching).body?.getReader()
  for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
    response.write(event)
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe(event)
  }
  response.end()
  expect((await reader?.read())?.done).toBe(true)
})

test('a client that leaves is seen to leave, before the answer and in the middle of it', async () => {
  for (const isAnswering of [false, true]) {
    const leaving = new AbortController()
    const responding = arrival()
    const fetching = fetch(its.shim.url, { signal: leaving.signal }).catch(() => undefined)
    const [, response] = await responding
    if (isAnswering) response.writeHead(200).write('data: 1\n\n')
    if (isAnswering) await fetching
    leaving.abort()
    await once(response, 'close')
    expect(response.writableFinished).toBe(false)
  }
})

test('a server that breaks off is seen to break off, before the answer and in the middle of it', async () => {
  const beforeAnswer = arrival()
  const fetching = fetch(its.shim.url)
  ;(await beforeAnswer)[1].destroy()
  await expect(fetching).rejects.toThrow('fetch failed')

  const inAnswer = arrival()
  const answering = fetch(its.shim.url)
  const [, response] = await inAnswer
  response.writeHead(200).write('half')
  const answer = await answering
  response.destroy()
  await expect(answer.text()).rejects.toThrow('terminated')
})

function arrival(): Promise<[IncomingMessage, ServerResponse]> {
  return new Promise((resolve) => its.behind.once('request', (incoming, response) => resolve([incoming, response])))
}

function answerTo(outgoing: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => outgoing.once('response', resolve).once('error', reject))
}
