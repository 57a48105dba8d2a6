// A broker for the tests of its stream side: the real routes and guards, a token anybody can write, and an admission by hand.
import { Hono } from 'hono'
import type { Caller } from '../../../src/caller.ts'
import { hostIsOurs, requestId, type Guarded } from '../../../src/routes/guards.ts'
import { mcpRoutes } from '../../../src/routes/mcp.ts'
import type { Admission } from '../../../src/session/admission.ts'
import { readSettings, type Settings } from '../../../src/settings.ts'

export const BASE_URL = 'https://mcp.example.com'
export const TOKEN = 'a-valid-token'
const NOW = 1_800_000_000

const caller: Caller = {
  sub: 'person',
  clientId: 'client',
  grantId: 'grant',
  generation: 1,
  resource: `${BASE_URL}/mcp`,
  scopes: ['mcp'],
  expiresAt: NOW + 60,
}

export const admitted: Admission = {
  admitted: true,
  identity: { issuer: 'https://idp.example', subject: 'u-1', email: 'ada@example.com', name: 'Ada', groups: ['staff'] },
  authorization: 'Bearer identity-jwt',
  rate: { limit: 600, remaining: 599, resetSeconds: 1 },
}

export interface Brokered {
  readonly settings: Settings
  /** Callers the person's object was asked about. */
  readonly admissions: Caller[]
  /** What has to go on after the client left. */
  readonly background: Promise<unknown>[]
  readonly ask: (path: string, init?: RequestInit) => Promise<Response>
  /** One JSON-RPC message, with a valid token. */
  readonly post: (message: unknown, headers?: Record<string, string>, signal?: AbortSignal) => Promise<Response>
}

interface Given {
  readonly admission?: Admission
  readonly keepAliveMs?: number
  readonly environment?: Record<string, string>
}

export function brokered(
  downstreamUrl: string,
  { admission = admitted, keepAliveMs = 25_000, environment = {} }: Given = {},
): Brokered {
  const settings = readSettings({
    BASE_URL,
    DOWNSTREAM_MCP_URL: downstreamUrl,
    OAUTH_AUTHORIZE_URL: 'https://idp.example',
    OAUTH_CLIENT_ID: 'broker',
    ENCRYPTION_KEY: '0123456789abcdef'.repeat(4),
    ...environment,
  })
  const admissions: Caller[] = []
  const background: Promise<unknown>[] = []
  const routes = mcpRoutes({
    settings,
    verifyAccessToken: async (token, resource) => (token === TOKEN && resource === caller.resource ? caller : undefined),
    admit: async (asking) => {
      admissions.push(asking)
      return admission
    },
    now: () => NOW,
    keepAliveMs,
  })
  const app = new Hono<Guarded>().use(requestId()).use(hostIsOurs(settings)).route('/mcp', routes)
  app.onError(() => new Response('a bug', { status: 500 }))
  const context = {
    waitUntil: (work: Promise<unknown>) => void background.push(work),
    passThroughOnException: () => undefined,
    props: {},
  }
  const ask = async (path: string, init: RequestInit = {}) =>
    await app.fetch(new Request(new URL(path, settings.baseUrl), init), {}, context)
  return {
    settings,
    admissions,
    background,
    ask,
    post: async (message, headers = {}, signal) =>
      await ask('/mcp', {
        method: 'POST',
        headers: {
          authorization: `Bearer ${TOKEN}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...headers,
        },
        body: typeof message === 'string' ? message : JSON.stringify(message),
        ...(signal && { signal }),
      }),
  }
}

export const bearer = { authorization: `Bearer ${TOKEN}` }

/** What a refusal says, whether it speaks JSON-RPC or OAuth. */
export async function refusalOf(response: Response): Promise<unknown> {
  return await response.json()
}

/** A body that arrives in these pieces. */
export function bodyOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const rest = [...chunks]
  return new ReadableStream({
    pull(controller) {
      const chunk = rest.shift()
      if (chunk) controller.enqueue(chunk)
      else controller.close()
    },
  })
}
