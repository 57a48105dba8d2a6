// A downstream in a process of its own that answers every call at once: what is measured is the way there, not the tool.
import { createServer } from 'node:net'
import { wireReader, type WireMessage } from './wire.ts'

const server = createServer((socket) => {
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.on(
    'data',
    wireReader((message) => socket.write(answerTo(message))),
  )
})
server.listen(0, '127.0.0.1', () => process.send?.({ address: server.address() }))
process.once('disconnect', () => process.exit(0))

let sessions = 0

function answerTo({ head, body }: WireMessage): string {
  if (head.startsWith('delete')) return http('200 OK', '')
  if (!head.startsWith('post')) return http('405 Method Not Allowed', '', 'allow: POST\r\n')
  const id = /"id":(\d+|"[^"]*")/.exec(body)?.[1]
  if (id === undefined) return http('202 Accepted', '')
  if (body.includes('"method":"server/discover"'))
    return json(id, { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: { tools: {} } })
  // An answer to a long question is as long.
  if (!body.includes('"method":"initialize"'))
    return json(id, { content: [{ type: 'text', text: body.length < 600 ? 'pong' : 'answer '.repeat(body.length / 7) }] })
  const serverInfo = { name: 'canned', version: '1' }
  const result = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo }
  return json(id, result, `mcp-session-id: canned-${++sessions}\r\n`)
}

function json(id: string, result: object, headers = ''): string {
  const body = `{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(result)}}`
  return http('200 OK', body, `content-type: application/json\r\n${headers}`)
}

function http(status: string, body: string, headers = ''): string {
  return `HTTP/1.1 ${status}\r\n${headers}content-length: ${body.length}\r\n\r\n${body}`
}
