// A loopback hop that adds an access token for clients that cannot send one, and changes nothing else.
//
// Header names, their order and their values go through as they came, Host and Origin included, so what is measured behind
// the shim is what the client sent. Bytes are handed on as they arrive; whichever side leaves, the other one is told.
import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { close, listen } from '../world/listening.ts'
import type { Running } from './fixture.ts'

export async function startShim({ target, token }: { target: string; token: string }): Promise<Running> {
  const { hostname, port, pathname } = new URL(target)
  const http = createServer((request, response) => pass(request, response, { hostname, port: Number(port || 80), token }))
  // A stream may stay open for as long as it likes; the shim has no opinion.
  http.requestTimeout = 0
  http.keepAliveTimeout = 0
  const openPort = await listen(http, 0)
  return { url: `http://127.0.0.1:${openPort}${pathname}`, close: () => close(http) }
}

type Target = { readonly hostname: string; readonly port: number; readonly token: string }

function pass(request: IncomingMessage, response: ServerResponse, { hostname, port, token }: Target): void {
  const outgoing = send({
    hostname,
    port,
    method: request.method,
    path: request.url,
    headers: [...without('authorization', request.rawHeaders), 'Authorization', `Bearer ${token}`],
    setHost: false,
    // A connection of its own for each request: a reused one may be closed by the other side just as it is reused.
    agent: false,
  })
  outgoing.on('response', (answer) => {
    response.sendDate = false
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? '', answer.rawHeaders)
    response.flushHeaders()
    pipeline(answer, response, () => undefined)
  })
  // A connection that breaks must look broken, not answered.
  outgoing.on('error', () => response.destroy())
  response.on('close', () => outgoing.destroy())
  pipeline(request, outgoing, () => undefined)
}

/** Raw headers alternate name and value. */
function without(name: string, rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, i) => rawHeaders[i - (i % 2)]?.toLowerCase() !== name)
}
