// 19 CIMD SSRF: what a host that a stranger named can do to the broker that asks it.
import { createServer, type RequestListener } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { addressPolicy } from '../../../src/clients/public-address.ts'
import { publicDocument, type Fetched } from '../../../src/oauth/client-auth/public-document.ts'
import { fixture } from '../../world/fixture.ts'
import { close, listen } from '../../world/listening.ts'

const policy = addressPolicy('http://localhost:8788', [])
const MOST = 5 * 1024
const json = { 'content-type': 'application/json' }

let asked: string[] = []
let behave: RequestListener = (_, res) => void res.writeHead(200, json).end('{}')

const the = fixture(async (_, onEnd) => {
  const server = createServer((req, res) => {
    asked.push(`${req.method} ${req.url}`)
    behave(req, res)
  })
  onEnd(() => close(server))
  const origin = `http://127.0.0.1:${await listen(server, 0)}`
  return { origin }
})
afterEach(() => {
  asked = []
  vi.useRealTimers()
})

function fetchedWhile(listener: RequestListener): Promise<Fetched> {
  behave = listener
  return publicDocument(`${the.origin}/client`, MOST, policy)
}

test('a document arrives as it is, asked for as JSON and with nothing of ours', async () => {
  let headers: Record<string, unknown> = {}
  const fetched = await fetchedWhile((req, res) => {
    headers = req.headers
    res.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end('{"client_id":"ü"}')
  })
  expect(fetched).toEqual({ document: { client_id: 'ü' }, freshFor: 3600 })
  expect(headers).toMatchObject({ accept: 'application/json' })
  expect(Object.keys(headers).filter((name) => /cookie|authorization|user-|forwarded/.test(name))).toEqual(['user-agent'])
})

describe('19 the broker takes nothing from a host that', () => {
  test.for<[string, RequestListener, boolean]>([
    ['sends it somewhere else', (_, res) => void res.writeHead(302, { location: '/elsewhere' }).end(), false],
    ['sends it inside', (_, res) => void res.writeHead(307, { location: 'http://169.254.169.254/' }).end(), false],
    ['knows no such document', (_, res) => void res.writeHead(404, json).end('{}'), false],
    ['answers without a document', (_, res) => void res.writeHead(204).end(), false],
    ['sends a part of it', (_, res) => void res.writeHead(206, json).end('{}'), false],
    ['has broken down', (_, res) => void res.writeHead(503, json).end('{}'), true],
    ['is overrun', (_, res) => void res.writeHead(429, json).end('{}'), true],
    ['hangs up', (req) => void req.socket.destroy(), true],
    ['sends a web page', (_, res) => void res.writeHead(200, { 'content-type': 'text/html' }).end('{}'), false],
    ['does not say what it sends', (_, res) => void res.writeHead(200).end('{}'), false],
    ['sends something else', (_, res) => void res.writeHead(200, json).end('ssh-rsa AAAA'), false],
    ['sends bytes that are no text', (_, res) => void res.writeHead(200, json).end(Buffer.from([0x22, 0xff, 0x22])), false],
    ['sends six kilobytes', (_, res) => void res.writeHead(200, json).end(JSON.stringify('x'.repeat(6 * 1024))), false],
    [
      'sends a megabyte, compressed',
      (_, res) => void res.writeHead(200, { ...json, 'content-encoding': 'gzip' }).end(gzipSync(JSON.stringify('x'.repeat(1e6)))),
      false,
    ],
  ])('%s', async ([, listener, isOutage]) => {
    expect(await fetchedWhile(listener)).toEqual({ fault: expect.any(String), detail: expect.any(String), isOutage })
    expect(asked).toEqual(['GET /client'])
  })

  test('never stops sending, without saying how much', async () => {
    let sent = 0
    const fetched = await fetchedWhile((_, res) => {
      res.writeHead(200, json)
      const more = (): void => {
        sent += 1024
        if (!res.destroyed) res.write(' '.repeat(1024), () => setImmediate(more))
      }
      more()
    })
    expect(fetched).toMatchObject({ fault: `is larger than ${MOST} bytes` })
    expect(sent).toBeLessThan(10_000_000)
  })

  test.for<[string, RequestListener]>([
    ['says nothing at all', () => undefined],
    [
      'sends a byte now and then',
      (_, res) => {
        res.writeHead(200, json)
        const drip = setInterval(() => res.write(' '), 20)
        res.on('close', () => clearInterval(drip))
      },
    ],
  ])('%s: after five seconds', async ([, listener]) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const began = Promise.withResolvers<void>()
    const fetching = fetchedWhile((req, res) => {
      listener(req, res)
      began.resolve()
    })
    await began.promise
    vi.advanceTimersByTime(4_999)
    expect(await Promise.race([fetching, new Promise((resolve) => setImmediate(resolve, 'still waiting'))])).toBe('still waiting')
    vi.advanceTimersByTime(1)
    expect(await fetching).toMatchObject({ isOutage: true, detail: expect.stringMatching(/time|abort/i) })
  })

  test('nobody may ask: no connection is made', async () => {
    for (const address of [
      'http://192.0.2.1/c',
      'https://localhost/c',
      `${the.origin}/a/../c`,
      `${the.origin}/#`,
      'http://localhost:8788/c',
    ])
      expect(await publicDocument(address, MOST, policy)).toMatchObject({
        fault: 'is nowhere this broker may ask',
        isOutage: false,
      })
    expect(asked).toEqual([])
  })
})

describe('nobody has to be asked again for', () => {
  test.for<[string, Record<string, string>, number]>([
    ['an hour, when the owner says nothing', {}, 3_600],
    ['as long as the owner says', { 'cache-control': 'public, max-age=7200' }, 7_200],
    ['what is left of it', { 'cache-control': 'max-age=7200', age: '1200' }, 6_000],
    ['a day at most', { 'cache-control': 'max-age=31536000, immutable' }, 86_400],
    ['five minutes at least', { 'cache-control': 'max-age=0' }, 300],
    ['five minutes, when the owner wants it kept nowhere', { 'cache-control': 'no-store, max-age=7200' }, 300],
    ['five minutes, when the owner makes no sense', { 'cache-control': 'max-age=7200', age: 'old' }, 300],
  ])('%s', async ([, headers, freshFor]) => {
    expect(await fetchedWhile((_, res) => void res.writeHead(200, { ...json, ...headers }).end('{}'))).toMatchObject({ freshFor })
  })
})
