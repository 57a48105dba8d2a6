// A legacy MCP server of the outside that asks its client something in each call and waits: what it was told about it can be read from inside workerd.
//
// The name of the tool is the id of the question, so that tests at the same time do not read each other's.
export const ASKING = 'http://127.0.0.1:9/asking'
const TOLD = 'https://told.example/'

interface Asked {
  readonly url: string
  readonly method: string
  readonly headers: { get(name: string): string | null }
  text(): Promise<string>
}

const told = new Map<string, string[]>()
const answers = new Map<string, () => void>()
const withdrawals = new Map<string, () => void>()
const nameOfCall = new Map<string, string>()
const nameOfSession = new Map<string, string>()

export const isTold = ({ url }: Pick<Asked, 'url'>): boolean => url.startsWith(TOLD)
export function reading({ url }: Pick<Asked, 'url'>): Response {
  const [name = '', order] = url.slice(TOLD.length).split('/')
  if (order === 'answer') answers.get(name)?.()
  if (order === 'withdraw') withdrawals.get(name)?.()
  return Response.json(told.get(name) ?? [])
}

/** In a test: what the server heard about the call of this name. */
export const toldAbout = async (name: string): Promise<readonly string[]> => await (await fetch(TOLD + name)).json()

const hear = (name: string, what: string): void => void told.set(name, [...(told.get(name) ?? []), what])
const event = (message: object): Uint8Array => new TextEncoder().encode(`data: ${JSON.stringify(message)}\n\n`)

export async function askingServer(request: Asked): Promise<Response> {
  const session = request.headers.get('mcp-session-id') ?? ''
  if (request.method === 'DELETE') hear(nameOfSession.get(session) ?? '', 'DELETE')
  if (request.method !== 'POST') return new Response(null, { status: request.method === 'DELETE' ? 204 : 405 })
  const { id, method, params, result } = JSON.parse(await request.text())
  if (method === 'initialize') {
    const facts = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'asking', version: '1' } }
    return Response.json({ jsonrpc: '2.0', id, result: facts }, { headers: { 'mcp-session-id': crypto.randomUUID() } })
  }
  if (method === undefined) hear(id, JSON.stringify(result))
  if (method === 'notifications/cancelled') hear(nameOfCall.get(params.requestId) ?? '', `cancelled: ${params.reason}`)
  if (method !== 'tools/call') return new Response(null, { status: 202 })
  nameOfCall.set(id, params.name)
  nameOfSession.set(session, params.name)
  const question = { jsonrpc: '2.0', id: params.name, method: 'elicitation/create', params: { message: 'Your name?' } }
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      controller.enqueue(event(question))
      answers.set(params.name, () => {
        controller.enqueue(event({ jsonrpc: '2.0', id, result: { content: [] } }))
        controller.close()
      })
      withdrawals.set(params.name, () => {
        for (let n = 0; n < WITHDRAWN; n++)
          controller.enqueue(event({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: n } }))
        controller.enqueue(event({ jsonrpc: '2.0', id: params.name, method: 'ping' }))
      })
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

/** In a test: has the server withdraw questions it has not asked, and ask in the end whether somebody is there. */
const WITHDRAWN = 500
export const withdrawIn = async (name: string): Promise<void> => void (await fetch(`${TOLD}${name}/withdraw`))

/** In a test: has the server answer the call of this name. */
export const answerOf = async (name: string): Promise<void> => void (await fetch(`${TOLD}${name}/answer`))
