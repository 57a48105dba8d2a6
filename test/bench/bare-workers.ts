// What the broker is compared with: the least a Worker can do for a request, and the least with one object on the way.
import type { Neighbour } from '../../selfhost/workerd-config.ts'

/** (a) Hands the request on as it is. */
function passThrough(downstreamUrl: string): string {
  return `const DOWNSTREAM = ${JSON.stringify(downstreamUrl)}
export default { fetch: (request) => fetch(DOWNSTREAM, request) }
`
}

/** (b) Hands it to a Durable Object, which hands it on as it is; for `far` the object is that many milliseconds away, there and back. */
export function objectHop(downstreamUrl: string, far = 0): string {
  return `import { DurableObject } from 'cloudflare:workers'
const DOWNSTREAM = ${JSON.stringify(downstreamUrl)}
export class Hop extends DurableObject {
  fetch(request) {
    return fetch(DOWNSTREAM, request)
  }
}
const hop = (request, env) => env.HOP.getByName('one').fetch(request)
${far === 0 ? 'export default { fetch: hop }' : farAway(far)}
`
}

/** (a) and (b), beside the broker in one process. */
export function bareNeighbours(
  downstreamUrl: string,
  ports: { readonly passThrough: number; readonly objectHop: number },
): readonly Neighbour[] {
  const durableObjects = [{ binding: 'HOP', className: 'Hop' }]
  return [
    { name: 'pass-through', port: ports.passThrough, module: passThrough(downstreamUrl) },
    { name: 'object-hop', port: ports.objectHop, module: objectHop(downstreamUrl), durableObjects },
  ]
}

function farAway(roundTripMs: number): string {
  return `const half = () => new Promise((resolve) => setTimeout(resolve, ${roundTripMs / 2}))
export default {
  async fetch(request, env) {
    await half()
    const answer = await hop(request, env)
    await half()
    return answer
  },
}`
}

/** The least a law costs: every chunk is stored, and safely, before it is sent. What lies above it is ours. */
export function storingHop(downstreamUrl: string): string {
  return `import { DurableObject } from 'cloudflare:workers'
const DOWNSTREAM = ${JSON.stringify(downstreamUrl)}
const utf8 = new TextDecoder()
export class Hop extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env)
    ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY, data TEXT NOT NULL)')
  }
  async fetch(request) {
    const { storage } = this.ctx
    const answer = await fetch(DOWNSTREAM, request)
    const source = answer.body.getReader()
    const stored = async (controller) => {
      const next = await source.read()
      if (next.done) return controller.close()
      storage.sql.exec('INSERT INTO events (data) VALUES (?)', utf8.decode(next.value))
      await storage.sync()
      controller.enqueue(next.value)
    }
    return new Response(new ReadableStream({ pull: stored }), answer)
  }
}
export default { fetch: (request, env) => env.HOP.getByName('one').fetch(request) }
`
}

/** What the broker says of a person, and the headers it lets pass, for the Workers below. */
const SAID = `
const IDENTITY = {
  issuer: 'http://localhost:8789', subject: 'alice', email: 'alice@example.com', name: 'Alice', groups: ['one', 'two'],
}
const AUTHORIZATION = 'Bearer ' + 'j'.repeat(600)
const PASSING = new Set(['accept', 'content-type', 'mcp-method', 'mcp-name', 'mcp-protocol-version', 'mcp-session-id', 'user-agent'])
const utf8 = new TextDecoder()
function passing(headers) {
  const passed = {}
  for (const [name, value] of headers) if (PASSING.has(name)) passed[name] = value
  return passed
}
function told({ issuer, subject, email, name, groups }) {
  return {
    'accept-encoding': 'identity', authorization: AUTHORIZATION, 'x-user-issuer': issuer, 'x-user-sub': subject, 'x-forwarded-user': subject,
    'x-user-email': email, 'x-forwarded-email': email, 'x-user-name': name, 'x-forwarded-name': name, 'x-user-groups': groups.join(','),
  }
}
function answering(answer, { limit, remaining, resetSeconds }) {
  return {
    'content-type': answer.headers.get('content-type'), 'cache-control': 'no-store', 'x-content-type-options': 'nosniff',
    'ratelimit-limit': String(limit), 'ratelimit-remaining': String(remaining), 'ratelimit-reset': String(resetSeconds),
  }
}
const anybody = () => ({
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Mcp-Session-Id, MCP-Protocol-Version, Retry-After, X-Request-Id, RateLimit-Limit',
  'x-request-id': crypto.randomUUID(),
})
const RATE = { limit: 600, remaining: 599, resetSeconds: 1 }
const CALLER = {
  sub: 's'.repeat(43), clientId: 'c'.repeat(120), grantId: 'g'.repeat(22), generation: 1, resource: 'http://localhost:8788/mcp',
  scopes: ['mcp'], expiresAt: 2_000_000_000,
}
`

/**
 * (c) Takes the broker's steps and decides nothing: reads the body, asks an object by RPC, sets as many headers in both directions
 * and can be aborted. What lies between this and (b) is the price of the runtime, what lies above it is ours.
 */
export function sameSteps(downstreamUrl: string): string {
  return `import { DurableObject } from 'cloudflare:workers'
const DOWNSTREAM = ${JSON.stringify(downstreamUrl)}
${SAID}
const ADMISSION = { admitted: true, identity: IDENTITY, authorization: AUTHORIZATION, rate: RATE }
export class Steps extends DurableObject {
  admit() {
    return ADMISSION
  }
}
export default {
  async fetch(request, env) {
    const body = await request.arrayBuffer()
    JSON.parse(utf8.decode(body))
    const { identity, rate } = await env.STEPS.getByName('one').admit(CALLER)
    const headers = { ...passing(request.headers), ...told(identity) }
    const ending = new AbortController()
    const leave = () => ending.abort()
    request.signal.addEventListener('abort', leave)
    const timer = setTimeout(leave, 300_000)
    const answer = await fetch(DOWNSTREAM, { method: 'POST', headers, body, redirect: 'manual', signal: ending.signal })
    clearTimeout(timer)
    request.signal.removeEventListener('abort', leave)
    return new Response(answer.body, { status: answer.status, headers: { ...answering(answer, rate), ...anybody() } })
  },
}
`
}

/**
 * (d) The same for a call that an object owns, because its answer may have to be stored and given again: the router reads the body and
 * hands it over with what it knows, the object reads it again, for it may have to be sent twice, sets the headers, can abort its
 * request, and has the answer whole before anything of it passes. Nothing is decided, looked up or counted.
 */
export function ownedSteps(downstreamUrl: string): string {
  return `import { DurableObject } from 'cloudflare:workers'
const DOWNSTREAM = ${JSON.stringify(downstreamUrl)}
${SAID}
export class Owner extends DurableObject {
  async fetch(request) {
    JSON.parse(request.headers.get('x-order'))
    const body = await request.arrayBuffer()
    const headers = { ...passing(request.headers), ...told(IDENTITY) }
    const ending = new AbortController()
    const timer = setTimeout(() => ending.abort(), 300_000)
    const answer = await fetch(DOWNSTREAM, { method: 'POST', headers, body, redirect: 'manual', signal: ending.signal })
    clearTimeout(timer)
    return new Response(await answer.arrayBuffer(), { status: answer.status, headers: answering(answer, RATE) })
  }
}
export default {
  async fetch(request, env) {
    const body = await request.arrayBuffer()
    const { id } = JSON.parse(utf8.decode(body))
    const order = { caller: CALLER, kind: 'request', requestIds: [String(id)], target: DOWNSTREAM, label: 'tools/call ping' }
    const headers = { ...passing(request.headers), 'x-order': JSON.stringify(order) }
    const answer = await env.OWNER.getByName('one').fetch('https://owner/mcp', { method: 'POST', headers, body })
    const passed = new Response(answer.body, answer)
    for (const [name, value] of Object.entries(anybody())) passed.headers.set(name, value)
    return passed
  },
}
`
}

/**
 * What an open stream costs that is read: a Worker that passes on each chunk, beats in every silence and can be aborted; where it is
 * `held`, from an object too, by a socket for each stream, and a PUT ends all of them in the broker's two steps. Nothing is counted,
 * changed or shown.
 */
export function carrying(downstreamUrl: string, held: boolean): string {
  return `import { DurableObject } from 'cloudflare:workers'
const DOWNSTREAM = ${JSON.stringify(downstreamUrl)}
const utf8 = new TextEncoder()
export class Holder extends DurableObject {
  #ended = Promise.withResolvers()
  async fetch(request) {
    if (request.method === 'PUT') return await this.#end(this.ctx.getWebSockets())
    const { 0: theirs, 1: ours } = new WebSocketPair()
    this.ctx.acceptWebSocket(ours)
    return new Response(null, { status: 101, webSocket: theirs })
  }
  async #end(sockets) {
    this.open = sockets.length
    await this.#inTurns(sockets, (ws) => ws.send('last'))
    await this.#inTurns(sockets, (ws) => ws.close(1000))
    await this.#ended.promise
    return new Response()
  }
  async #inTurns(sockets, say) {
    for (let at = 0; at < sockets.length; at += 50) {
      for (const ws of sockets.slice(at, at + 50)) say(ws)
      await new Promise((resolve) => setTimeout(resolve, 0))
    }
  }
  webSocketClose() {
    this.open -= 1
    if (this.open === 0) this.#ended.resolve()
  }
}
async function hold(env, carried) {
  const { webSocket } = await env.HOLDER.getByName('one').fetch('https://holder/', { headers: { upgrade: 'websocket' } })
  webSocket.accept({ allowHalfOpen: true })
  webSocket.addEventListener('message', () => carried.last())
  webSocket.addEventListener('close', () => {
    carried.end()
    webSocket.close(1000)
  })
}
export default {
  async fetch(request, env) {
    if (request.method === 'PUT') return await env.HOLDER.getByName('one').fetch('https://holder/', { method: 'PUT' })
    const body = await request.arrayBuffer()
    const ending = new AbortController()
    request.signal.addEventListener('abort', () => ending.abort())
    const answer = await fetch(DOWNSTREAM, { method: 'POST', headers: request.headers, body, signal: ending.signal })
    const carried = { last() {}, end() {} }
    ${held ? 'await hold(env, carried)' : ''}
    const source = answer.body.getReader()
    let isOver = false
    const events = new ReadableStream({
      start(controller) {
        controller.enqueue(utf8.encode(': ok\\n\\n'))
        const beating = setInterval(() => controller.enqueue(utf8.encode(': keep-alive\\n\\n')), 5_000)
        carried.last = () => {
          isOver = true
          controller.enqueue(utf8.encode(': closed\\n\\n'))
        }
        carried.end = () => {
          clearInterval(beating)
          source.cancel()
          controller.close()
        }
      },
      async pull(controller) {
        const next = await source.read()
        if (isOver) return
        if (next.done) controller.close()
        else controller.enqueue(next.value)
      },
      cancel: () => ending.abort(),
    })
    return new Response(events, answer)
  },
}
`
}
