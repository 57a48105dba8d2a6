// What tests of rules about tools share: a server with three tools, a broker with rules about it, and what reached the server.
import type { RawDownstream, RawHandler } from '../../world/raw-downstream.ts'
import { brokered, type Brokered } from './brokered.ts'
import { serverBehind } from './server-behind.ts'

export const TOOLS = [
  { name: 'search', annotations: { readOnlyHint: true } },
  { name: 'create_ticket', annotations: { readOnlyHint: false } },
  { name: 'delete_ticket' },
]
export const READ_ONLY = 'read-only'
export const STAFF = [{ groups: ['staff'], allow: ['*'], deny: ['delete_*'] }]

interface Ruled {
  readonly downstream: RawDownstream
  readonly broker: (terms: object, given?: Parameters<typeof brokered>[1]) => Brokered
  /** What reached the server: methods, and the tool or the page that was asked for. */
  readonly reached: () => readonly string[]
}

/** To be called at the top of a file. */
export async function startRuled(): Promise<Ruled> {
  const downstream = await serverBehind(lists())
  return {
    downstream,
    broker: (terms, given = {}) => {
      const servers = [{ name: 'mcp', url: downstream.url, ...terms }]
      return brokered('', { ...given, environment: { DOWNSTREAMS: JSON.stringify(servers) } })
    },
    reached: () =>
      downstream.requests.all.map(({ body }) => {
        const { method, params }: { method: string; params: { name?: string; cursor?: string } } = JSON.parse(body.toString())
        return [method, params.name ?? params.cursor].filter((part) => part !== undefined).join(' ')
      }),
  }
}

/** Lists these tools, and does whatever is called. */
export function lists(tools: readonly object[] = TOOLS): RawHandler {
  return (_req, body, res) => {
    const { id, method }: { id: unknown; method: string } = JSON.parse(body.toString())
    const result = method === 'tools/list' ? { tools } : { content: [] }
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }))
  }
}

export function says(text: string | Uint8Array, type = 'application/json', status = 200): RawHandler {
  return (_req, _body, res) =>
    void res.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) }).end(text)
}

export function call(name: string, id = '1'): { id: string; method: string; params: object } {
  return { id, method: 'tools/call', params: { name } }
}
