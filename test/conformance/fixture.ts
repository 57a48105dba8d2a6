// The downstream MCP server the official conformance scenarios are written for, in both eras behind one endpoint.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequestStateCodec, createMcpHandler, isLegacyRequest } from '@modelcontextprotocol/server'
import { localhostHostValidation, localhostOriginValidation, toNodeHandler, toWebRequest } from '@modelcontextprotocol/node'
import { close, listen } from '../world/listening.ts'
import { startSdkV1Server } from '../world/sdk-v1-server.ts'
import { conformanceServerV1 } from './fixture-v1/server.ts'
import { eventLog, openLegacySessions } from './fixture/legacy-sessions.ts'
import type { Changes } from './fixture/diagnostic-tools.ts'
import { conformanceServer } from './fixture/server.ts'
import { refusalWithoutTasks } from './fixture/task-tools.ts'
import { Tasks } from './fixture/tasks.ts'

export type Running = { readonly url: string; close(): Promise<void> }

export interface FixtureOptions {
  readonly port?: number
  /** A server from before 2026-07-28, with the same tools; what those ask of the client is asked in the middle of the call. */
  readonly isLegacyOnly?: boolean
  /** The same, of the TypeScript SDK 1.x. */
  readonly isSdkV1?: boolean
  /** It refuses whoever begins with `initialize`. */
  readonly isModernOnly?: boolean
}

export async function startFixture(options: FixtureOptions = {}): Promise<Running> {
  if (options.isSdkV1 === true)
    return await startSdkV1Server({ newServer: conformanceServerV1, newEventStore: eventLog, port: options.port ?? 0 })
  const { port = 0, isLegacyOnly = false, isModernOnly = false } = options
  const requestState = createRequestStateCodec<string>({ key: crypto.getRandomValues(new Uint8Array(32)) })
  const tasks = new Tasks()
  // The modern server lives for one request, so what it changes is announced by the handler that holds the listen streams.
  const changes: Changes = {
    tools: () => modern.notify.toolsChanged(),
    prompts: () => modern.notify.promptsChanged(),
  }
  const modern = createMcpHandler(() => conformanceServer({ requestState, tasks, changes, isModernOnly }), { legacy: 'reject' })
  const answerModern = toNodeHandler(modern)
  const legacy = openLegacySessions(() => conformanceServer({ requestState, tasks }))
  const hostIsLocal = localhostHostValidation()
  const originIsLocal = localhostOriginValidation()

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    if (!hostIsLocal(request, response) || !originIsLocal(request, response)) return
    const incoming = asAdapterWants(request)
    const seen = await toWebRequest(incoming)
    const body = parsed(await seen.clone().text())
    const refusal = refusalWithoutTasks(body)
    if (isLegacyOnly || (!isModernOnly && (await isLegacyRequest(seen)))) await legacy.answer(request, response, body)
    else if (refusal) response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify(refusal))
    else await answerModern(incoming, response, body)
  }
  const http = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined))
  })
  const openPort = await listen(http, port)
  return {
    url: `http://127.0.0.1:${openPort}/mcp`,
    close: async () => {
      tasks.close()
      await Promise.all([legacy.close(), modern.close()])
      await close(http)
    },
  }
}

/** Node declares `method: undefined` possible, the adapter does not; a server never sees it. */
function asAdapterWants(request: IncomingMessage): IncomingMessage & { method: string; url: string } {
  return Object.assign(request, { method: request.method ?? 'GET', url: request.url ?? '/' })
}

/** Bytes that are no JSON go on as they are: the transports own the answer to them. */
function parsed(body: string): unknown {
  if (body === '') return undefined
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}
