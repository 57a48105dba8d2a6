// The tools of the example MCP server: who am I, echo, count, ask, fail.
import { setTimeout as sleep } from 'node:timers/promises'
import {
  inputRequired,
  inputResponse,
  McpServer,
  type CallToolResult,
  type ElicitRequestFormParams,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { z } from 'zod'
import { MODERN_VERSION } from '../../src/mcp/message/revision.ts'

/** Whose identity JWTs count. Without an address of keys every token is reported as unverified. */
export interface Trust {
  readonly jwksUrl?: string
  readonly issuer?: string
  readonly audience?: string
}

type Keys = ReturnType<typeof createRemoteJWKSet>

export function createTools(trust: Trust): () => McpServer {
  // Fetched at the first token, cached and refetched on unknown key ids by jose.
  let keys: Keys | undefined
  const keysOf = (url: string): Keys => (keys ??= createRemoteJWKSet(new URL(url)))

  return () => {
    const server = new McpServer(
      { name: 'example-downstream', version: '1.0.0' },
      { capabilities: { logging: {}, tools: { listChanged: true } } },
    )

    server.registerTool(
      'whoami',
      {
        description: 'Says who you are, as proven to this server by the broker.',
        inputSchema: z.object({}),
        annotations: { readOnlyHint: true },
      },
      async (_, ctx) => {
        const headers = ctx.http?.req?.headers ?? new Headers()
        // Whoever tries the bridge sees that what came is not what their client speaks.
        const revision = headers.get('mcp-protocol-version') ?? undefined
        return text(JSON.stringify({ ...(await whoIs(headers, trust, keysOf)), revision }, null, 2))
      },
    )

    server.registerTool(
      'echo',
      {
        description: 'Says the message again.',
        inputSchema: z.object({ message: z.string() }),
        annotations: { readOnlyHint: true },
      },
      ({ message }) => text(message),
    )

    server.registerTool(
      'count',
      {
        description: 'Counts to a number with one progress notification per step; stops when nobody listens any more.',
        inputSchema: z.object({
          to: z.number().int().min(1).max(100_000),
          interval_ms: z.number().int().min(0).max(60_000).default(200),
        }),
      },
      async ({ to, interval_ms: interval }, ctx) => await count(to, interval, ctx),
    )

    server.registerTool(
      'ask',
      { description: 'Asks for your name, and greets you.', inputSchema: z.object({}) },
      async (_, ctx) => await ask(ctx),
    )

    server.registerTool('fail', { description: 'Always fails, politely.', inputSchema: z.object({}) }, () => ({
      ...text('this tool always fails'),
      isError: true,
    }))

    return server
  }
}

async function count(to: number, interval: number, { mcpReq }: ServerContext): Promise<CallToolResult> {
  const progressToken = mcpReq._meta?.progressToken
  for (let step = 1; step <= to; step += 1) {
    if (mcpReq.signal.aborted) return text(`stopped at ${step - 1}`)
    if (progressToken !== undefined) {
      const params = { progressToken, progress: step, total: to, message: `${step} of ${to}` }
      await mcpReq.notify({ method: 'notifications/progress', params })
    }
    // After the last step too: clients forget what arrives in one piece with the answer. The signal ends the pause: a cancelled count must not sleep on.
    await sleep(interval, undefined, { signal: mcpReq.signal }).catch(() => undefined)
  }
  return text(`counted to ${to}`)
}

const NAME_WANTED: ElicitRequestFormParams = {
  message: 'What is your name?',
  requestedSchema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
}

/** A server of 2026-07-28 answers that it needs something and is called again with it; one of before sends a request of its own. */
async function ask({ http, mcpReq }: ServerContext): Promise<CallToolResult | ReturnType<typeof inputRequired>> {
  const isModern = http?.req?.headers.get('mcp-protocol-version') === MODERN_VERSION
  const answer = isModern ? inputResponse(mcpReq.inputResponses, 'name') : undefined
  if (answer && answer.kind !== 'elicit') return inputRequired({ inputRequests: { name: inputRequired.elicit(NAME_WANTED) } })
  const { action, content } = answer ?? (await mcpReq.elicitInput({ mode: 'form', ...NAME_WANTED }))
  return text(action === 'accept' ? `Hello, ${String(content?.['name'])}!` : `nobody is greeted: ${action}`)
}

async function whoIs(headers: Headers, { jwksUrl, issuer, audience }: Trust, keysOf: (url: string) => Keys): Promise<object> {
  const sent = Object.fromEntries([...headers].filter(([name]) => name.startsWith('x-user-') || name.startsWith('x-forwarded-')))
  const [scheme, token] = (headers.get('authorization') ?? '').split(' ')
  if (scheme?.toLowerCase() !== 'bearer' || !token)
    return { verified: false, reason: 'no token came with the request', headers: sent }
  if (!jwksUrl) return { verified: false, reason: 'this server was not told whose tokens to trust', headers: sent }
  try {
    const expected = { ...(issuer && { issuer }), ...(audience && { audience }) }
    const { payload, protectedHeader } = await jwtVerify(token, keysOf(jwksUrl), expected)
    return { verified: true, claims: payload, key: { alg: protectedHeader.alg, kid: protectedHeader.kid }, headers: sent }
  } catch (error) {
    return { verified: false, reason: error instanceof Error ? error.message : String(error), headers: sent }
  }
}

function text(content: string): CallToolResult {
  return { content: [{ type: 'text', text: content }] }
}
