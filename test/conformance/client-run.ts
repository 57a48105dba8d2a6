// The broker as a client of OAuth: every server of the official program behind one broker, and a person who signs in and calls a tool.
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { Browser, signInAs } from '../world/browser.ts'
import { BrokerClient, callTool, MODERN, tokensOf } from '../world/broker-client.ts'
import { close, listen } from '../world/listening.ts'
import { startWorld, type World } from '../world/world.ts'
import { runOfficial, type OfficialRun } from './official-run.ts'

const askedSchema = z.object({
  scenario: z.string(),
  serverUrl: z.url(),
  revision: z.string(),
  context: z.object({ client_id: z.string().optional(), client_secret: z.string().optional() }),
})
type Asked = z.output<typeof askedSchema>

/** In which the program keeps its scenarios about authorization: current, of 2025-03-26 alone, and new in 2026-07-28. */
const SUITES = ['auth', 'backcompat', 'draft']

/** Scenarios that start within this of each other share a broker, in milliseconds. */
const GATHER_MS = 4_000
/** A client that is sent to sign in more often than this for one call is in a loop. */
const SIGN_INS = 4
/** The document the scenario wants to be named; an operator says so, as for every other client that exists already. */
const METADATA_DOCUMENT = 'https://conformance-test.local/client-metadata.json'

export async function runClientSuites(): Promise<readonly OfficialRun[]> {
  const worlds: Promise<World>[] = []
  let batch: { readonly asked: Asked[]; readonly world: Promise<World> } | undefined

  /** The world that has the server behind it: started when no more servers come. */
  function worldFor(asked: Asked): Promise<World> {
    if (batch) {
      batch.asked.push(asked)
      return batch.world
    }
    const gathered = [asked]
    const world = new Promise((resolve) => setTimeout(resolve, GATHER_MS)).then(() => {
      batch = undefined
      return startWorld({ overrides: { DOWNSTREAMS: JSON.stringify(gathered.map(serverOf)) } })
    })
    batch = { asked: gathered, world }
    worlds.push(world)
    return world
  }

  async function use(asked: Asked): Promise<void> {
    if (isAboutAuthorization(asked.scenario)) await useThroughBroker(await worldFor(asked), asked)
  }

  const control = createServer((request, response) => {
    const used = text(request).then((body) => use(askedSchema.parse(JSON.parse(body))))
    used.then(
      () => response.end('done'),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
    )
  })
  const port = await listen(control, 0)
  process.env['CLIENT_RUN_URL'] = `http://127.0.0.1:${port}/`
  const command = `${process.execPath} ${fileURLToPath(new URL('./client-under-test.ts', import.meta.url).href)}`
  try {
    const run = (suite: string): Promise<OfficialRun> =>
      runOfficial({ args: ['client', '--command', command, '--suite', suite, '--timeout', '240000'] })
    return await Promise.all(SUITES.map(run))
  } finally {
    await close(control)
    for (const world of await Promise.allSettled(worlds)) if (world.status === 'fulfilled') await world.value.close()
  }
}

/** The rest is about messages, which a broker passes and does not write. */
export function isAboutAuthorization(scenario: string): boolean {
  return scenario.startsWith('auth/')
}

function nameOf({ scenario }: Asked): string {
  return scenario.replaceAll(/[^a-z0-9]+/g, '-')
}

function serverOf(asked: Asked): object {
  const { client_id = asked.scenario === 'auth/basic-cimd' ? METADATA_DOCUMENT : undefined, client_secret } = asked.context
  return {
    name: nameOf(asked),
    url: asked.serverUrl,
    auth: 'oauth',
    ...(client_id !== undefined && { oauth: { client_id, ...(client_secret !== undefined && { client_secret }) } }),
  }
}

/** A client signs in, lists the tools and calls one; on every 401 it signs in again, as clients do. */
async function useThroughBroker({ brokerUrl }: World, asked: Asked): Promise<void> {
  const mcpUrl = `${brokerUrl}/servers/${nameOf(asked)}/mcp`
  const client = await BrokerClient.register(brokerUrl)
  const browser = new Browser()
  const signIn = async (): Promise<string> => {
    const { url, verifier } = client.authorizeUrl({ resource: mcpUrl })
    const back = await signInAs('alice', url, { browser, stopAt: client.redirectUri })
    const code = back.searchParams.get('code')
    if (code === null) throw new Error(`the sign-in ended at ${back.href}`)
    return tokensOf(await client.redeem({ code, verifier })).accessToken
  }
  let token = await signIn()
  let signIns = 1
  for (const step of asked.revision === MODERN ? MODERN_STEPS : LEGACY_STEPS) {
    let answer = await step(mcpUrl, token)
    while (answer.status === 401 && signIns < SIGN_INS) {
      await answer.body?.cancel()
      token = await signIn()
      signIns += 1
      answer = await step(mcpUrl, token)
    }
    const said = await answer.text()
    if (!answer.ok) throw new Error(`the broker answered ${answer.status}: ${said}`)
  }
}

type Step = (mcpUrl: string, token: string) => Promise<Response>

const MODERN_STEPS: readonly Step[] = [
  (mcpUrl, token) => modern(mcpUrl, token, 'tools/list'),
  (mcpUrl, token) => callTool(mcpUrl, token, { tool: 'test-tool', arguments: {} }),
]

const LEGACY_STEPS: readonly Step[] = [
  (mcpUrl, token) =>
    legacy(mcpUrl, token, 'initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'conformance through the broker', version: '1.0.0' },
    }),
  (mcpUrl, token) => legacy(mcpUrl, token, 'tools/list', {}),
  (mcpUrl, token) => legacy(mcpUrl, token, 'tools/call', { name: 'test-tool', arguments: {} }),
]

async function modern(mcpUrl: string, token: string, method: string): Promise<Response> {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientInfo': { name: 'conformance through the broker', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const headers = { 'mcp-protocol-version': MODERN, 'mcp-method': method }
  return await post(mcpUrl, token, { jsonrpc: '2.0', id: 1, method, params: { _meta } }, headers)
}

async function legacy(mcpUrl: string, token: string, method: string, params: object): Promise<Response> {
  return await post(mcpUrl, token, { jsonrpc: '2.0', id: 1, method, params }, { 'mcp-protocol-version': '2025-11-25' })
}

async function post(mcpUrl: string, token: string, message: object, more: Readonly<Record<string, string>>): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, accept: 'application/json, text/event-stream', ...more }
  return await fetch(mcpUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(message),
  })
}
