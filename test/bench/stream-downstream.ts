// A downstream in a process of its own that streams: as many events as a call asks for, as fast as it asks for, or silence.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** The arguments of a `tools/call`. */
export interface StreamOrder {
  /** 0: an open, silent stream. */
  readonly events: number
  /** 0: as fast as they are taken. */
  readonly perSecond: number
}

interface Asked {
  readonly id?: number
  readonly method?: string
  readonly params?: { readonly arguments?: StreamOrder }
}

const PADDING = 'x'.repeat(180)
const open = new Set<ServerResponse>()
let sessions = 0

const server = createServer((req, res) => {
  let body = ''
  req.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
  req.once('end', () => {
    if (req.method === 'GET') return beginStream(res)
    if (req.method !== 'POST') return void res.writeHead(200).end()
    const asked: Asked = JSON.parse(body)
    if (asked.method === 'initialize') {
      const result = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'streams', version: '1' } }
      res.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': `streams-${++sessions}` })
      return void res.end(JSON.stringify({ jsonrpc: '2.0', id: asked.id, result }))
    }
    if (asked.id === undefined) return void res.writeHead(202).end()
    beginStream(res)
    const order = asked.params?.arguments
    if (order && order.events > 0) void stream(res, asked.id, order)
  })
})
server.requestTimeout = 0
server.listen(0, '127.0.0.1', () => process.send?.({ port: portOf(server.address()) }))
process.on('message', () => process.send?.({ open: open.size }))
process.once('disconnect', () => process.exit(0))

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}

function beginStream(res: ServerResponse): void {
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  res.flushHeaders()
  open.add(res)
  res.once('close', () => open.delete(res))
}

async function stream(res: ServerResponse, id: number, { events, perSecond }: StreamOrder): Promise<void> {
  const start = performance.now()
  const closed = new Promise<void>((resolve) => res.once('close', resolve))
  for (let sent = 0; sent < events && !res.destroyed; sent += 1) {
    // The monotonic clock of the machine: the reader in the other process compares with its own.
    const at = Number(process.hrtime.bigint() / 1000n)
    const notification = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: { at, PADDING } } }
    const isTaken = res.write(`id: ${sent}\ndata: ${JSON.stringify(notification)}\n\n`)
    if (!isTaken) await Promise.race([closed, new Promise<void>((resolve) => res.once('drain', resolve))])
    const due = perSecond > 0 ? start + ((sent + 1) * 1000) / perSecond - performance.now() : 0
    if (due > 0) await sleep(due)
  }
  res.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result: { content: [] } })}\n\n`)
}
