// A loopback hop that adds an access token for clients that cannot send one, and changes nothing else.
//
// Header names, their order and their values go through as they came, so what is measured behind the shim is what the client
// sent. One value is translated: a Host that names the shim names the target instead, since the client means the server it
// talks to. A Host that names anybody else goes through, as does every Origin. Bytes are handed on as they arrive; whichever
// side leaves, the other one is told.
import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { close, listen } from '../world/listening.ts'
import type { Running } from './fixture.ts'

export async function startShim({ target, token }: { target: string; token: string }): Promise<Running> {
  const { host, hostname, port, pathname } = new URL(target)
  const server = createServer((request, response) =>
    pass(request, response, { host, hostname, port: Number(port || 80), token, ownHost }),
  )
  // A stream may stay open for as long as it likes; the shim has no opinion.
  server.requestTimeout = 0
  server.keepAliveTimeout = 0
  const ownHost = `127.0.0.1:${await listen(server, 0)}`
  return { url: `http://${ownHost}${pathname}`, close: () => close(server) }
}

type Between = {
  readonly host: string
  readonly hostname: string
  readonly port: number
  readonly token: string
  readonly ownHost: string
}

function pass(request: IncomingMessage, response: ServerResponse, between: Between): void {
  const outgoing = send({
    hostname: between.hostname,
    port: between.port,
    method: request.method,
    path: request.url,
    headers: translated(request.rawHeaders, between),
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
function translated(rawHeaders: readonly string[], { host, ownHost, token }: Between): string[] {
  const headers: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = rawHeaders.slice(i, i + 2)
    const isHost = name.toLowerCase() === 'host'
    if (name.toLowerCase() !== 'authorization') headers.push(name, isHost && value === ownHost ? host : value)
  }
  return [...headers, 'Authorization', `Bearer ${token}`]
}
