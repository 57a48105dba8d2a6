// A real MCP server with one tool that asks its client for a name, as a process of its own: killed the hard way, and another one in its place.
//
// `legacy` is of the TypeScript SDK 1.x, and asks as its documentation shows it: on the standing stream. `modern` is of the SDK 2.x, and refuses
// whoever begins with `initialize`.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { fileURLToPath } from 'node:url'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { McpServer as LegacyMcpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { createMcpHandler, inputRequired, inputResponse, McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { freePort, listen } from './listening.ts'
import { startSdkV1Server } from './sdk-v1-server.ts'

export type AskingKind = 'legacy' | 'modern'

const REQUESTED = { type: 'object', properties: { name: { type: 'string' } } } as const

/** One for each session. */
export function legacyGreeter(): LegacyMcpServer {
  const greeter = new LegacyMcpServer({ name: 'greeter', version: '1.0.0' })
  greeter.registerTool('greet', { inputSchema: { as: z.string() } }, async ({ as }) => {
    const { action, content } = await greeter.server.elicitInput({ message: as, requestedSchema: REQUESTED })
    return { content: [{ type: 'text', text: `${as} ${action} ${String(content?.['name'])}` }] }
  })
  return greeter
}

function modernGreeter(): McpServer {
  const greeter = new McpServer({ name: 'greeter', version: '2.0.0' })
  greeter.registerTool('greet', { inputSchema: z.object({ as: z.string() }) }, ({ as }, ctx) => {
    const answer = inputResponse(ctx.mcpReq.inputResponses, 'who')
    if (answer.kind !== 'elicit')
      return inputRequired({ inputRequests: { who: inputRequired.elicit({ message: as, requestedSchema: REQUESTED }) } })
    return { content: [{ type: 'text', text: `${as} ${answer.action} ${String(answer.content?.['name'])}` }] }
  })
  return greeter
}

export class AskingServer {
  readonly port: number
  #child: ChildProcess | undefined
  #kind: AskingKind | undefined

  private constructor(port: number) {
    this.port = port
  }

  static async start(kind: AskingKind): Promise<AskingServer> {
    const server = new AskingServer(await freePort())
    await server.#begin(kind)
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/mcp`
  }

  /** Dies at once, and says nothing to anybody. */
  async kill(): Promise<void> {
    const child = this.#child
    this.#kind = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
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
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), kind, String(this.port)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child = child
    this.#kind = kind
    await once(child, 'message')
  }
}

/** Node declares them possibly absent, the adapter does not; a server never sees that. */
function asAdapterWants(req: IncomingMessage): IncomingMessage & { method: string; url: string } {
  return Object.assign(req, { method: req.method ?? 'GET', url: req.url ?? '/' })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [kind, port] = [process.argv[2], Number(process.argv[3])]
  if (kind === 'legacy') await startSdkV1Server({ newServer: legacyGreeter, port })
  else {
    const answer = toNodeHandler(createMcpHandler(modernGreeter, { legacy: 'reject' }))
    await listen(
      createServer((req, res) => void answer(asAdapterWants(req), res)),
      port,
    )
  }
  process.send?.('ready')
  // Whoever started it has died.
  process.once('disconnect', () => process.exit())
}
