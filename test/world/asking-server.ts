// A real MCP server with one tool that asks its client for a name, as a process of its own: killed the hard way, and another one in its place.
//
// `legacy` is of the TypeScript SDK 1.x, and asks as its documentation shows it: on the standing stream. `related` is the same, and asks on the
// stream of the call. `sse` is it over HTTP+SSE. `modern` is of the SDK 2.x, and refuses whoever begins with `initialize`. What each has done outlives it, in a journal.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { McpServer as LegacyMcpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
import { ElicitResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { createMcpHandler, inputRequired, inputResponse, McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { freePort, listen } from './listening.ts'
import { startSdkV1Server } from './sdk-v1-server.ts'

export type AskingKind = 'legacy' | 'related' | 'sse' | 'modern'

const REQUESTED = { type: 'object', properties: { name: { type: 'string' } } } as const

/** How long a tool that is called `slow` works after it has its answer, in milliseconds: until it is killed. */
const SLOW_MS = 60_000

const INPUT = { as: z.string(), slow: z.boolean().default(false) }

/** What a tool does that somebody would miss, or have twice. */
type Journal = (did: 'asked' | 'answered' | 'done', as: string) => void

interface Greeting {
  readonly as: string
  readonly slow: boolean
}

async function greeted({ as, slow }: Greeting, action: string, name: unknown, journal: Journal) {
  journal('answered', as)
  if (slow) await sleep(SLOW_MS)
  journal('done', as)
  return { content: [{ type: 'text' as const, text: `${as} ${action} ${String(name)}` }] }
}

/** One for each session. */
export function legacyGreeter(isRelated = false, journal: Journal = () => undefined): LegacyMcpServer {
  const greeter = new LegacyMcpServer({ name: 'greeter', version: '1.0.0' })
  greeter.registerTool('greet', { inputSchema: INPUT }, async (greeting, { sendRequest }) => {
    const params = { message: greeting.as, requestedSchema: REQUESTED }
    journal('asked', greeting.as)
    const { action, content } = isRelated
      ? await sendRequest({ method: 'elicitation/create', params }, ElicitResultSchema)
      : await greeter.server.elicitInput(params)
    return await greeted(greeting, action, content?.['name'], journal)
  })
  return greeter
}

function modernGreeter(journal: Journal): McpServer {
  const greeter = new McpServer({ name: 'greeter', version: '2.0.0' })
  greeter.registerTool('greet', { inputSchema: z.object(INPUT) }, async (greeting, ctx) => {
    const answer = inputResponse(ctx.mcpReq.inputResponses, 'who')
    if (answer.kind === 'elicit') return await greeted(greeting, answer.action, answer.content?.['name'], journal)
    journal('asked', greeting.as)
    return inputRequired({ inputRequests: { who: inputRequired.elicit({ message: greeting.as, requestedSchema: REQUESTED }) } })
  })
  return greeter
}

export class AskingServer {
  readonly port: number
  readonly #folder: string
  #child: ChildProcess | undefined
  #kind: AskingKind | undefined

  private constructor(port: number, folder: string) {
    this.port = port
    this.#folder = folder
  }

  static async start(kind: AskingKind): Promise<AskingServer> {
    const server = new AskingServer(await freePort(), await mkdtemp(join(tmpdir(), 'asking-server-')))
    await server.#begin(kind)
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/mcp`
  }

  /** What was done, by whichever of them: `did as`. */
  async journal(): Promise<readonly string[]> {
    return (await readFile(this.#journal, 'utf8').catch(() => '')).split('\n').slice(0, -1)
  }

  get #journal(): string {
    return join(this.#folder, 'journal')
  }

  /** For good. */
  async close(): Promise<void> {
    await this.kill()
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** Dies at once, and says nothing to anybody. */
  async kill(): Promise<void> {
    const child = this.#child
    this.#kind = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  /** Its connections stay open, and nothing is said on them any more. */
  freeze(): void {
    this.#child?.kill('SIGSTOP')
  }

  /** As `replaceBy`, where it is not of this kind already. */
  async become(kind: AskingKind): Promise<void> {
    if (this.#kind !== kind) await this.replaceBy(kind)
  }

  /** The one that is there dies, and this one has its address. */
  async replaceBy(kind: AskingKind): Promise<void> {
    await this.kill()
    await this.#begin(kind)
  }

  async #begin(kind: AskingKind): Promise<void> {
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), kind, String(this.port), this.#journal], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child = child
    this.#kind = kind
    await once(child, 'message')
  }
}

/** Its stream is where the others take messages. */
function sseServer(newServer: () => LegacyMcpServer): Server {
  const transports = new Map<string, SSEServerTransport>()
  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(req.url ?? '/', 'http://localhost')
    const known = pathname === '/messages' ? transports.get(searchParams.get('sessionId') ?? '') : undefined
    if (known) return await known.handlePostMessage(req, res)
    if (req.method !== 'GET') return void res.writeHead(404).end()
    const transport = new SSEServerTransport('/messages', res)
    transports.set(transport.sessionId, transport)
    await newServer().connect(transport)
  }
  return createServer((req, res) => void answer(req, res).catch(() => res.destroy()))
}

/** Node declares them possibly absent, the adapter does not; a server never sees that. */
function asAdapterWants(req: IncomingMessage): IncomingMessage & { method: string; url: string } {
  return Object.assign(req, { method: req.method ?? 'GET', url: req.url ?? '/' })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [kind, port, file = ''] = [process.argv[2], Number(process.argv[3]), process.argv[4]]
  const journal: Journal = (did, as) => appendFileSync(file, `${did} ${as}\n`)
  if (kind === 'sse')
    await listen(
      sseServer(() => legacyGreeter(true, journal)),
      port,
    )
  else if (kind !== 'modern') await startSdkV1Server({ newServer: () => legacyGreeter(kind === 'related', journal), port })
  else {
    const answer = toNodeHandler(createMcpHandler(() => modernGreeter(journal), { legacy: 'reject' }))
    await listen(
      createServer((req, res) => void answer(asAdapterWants(req), res)),
      port,
    )
  }
  process.send?.('ready')
  // Whoever started it has died.
  process.once('disconnect', () => process.exit())
}
