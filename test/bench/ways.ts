// The ways a tool call can take to the downstream: straight through, over an object, and through the broker in both eras.
import { credentialsFor } from '../world/clients.ts'
import type { World } from '../world/world.ts'
import { peerToken, PEER } from './peer.ts'

export interface Way {
  readonly name: string
  readonly port: number
  /** One request per connection; see `Load`. */
  readonly requests: readonly string[]
  /** Calls to an object for each request, where the code of it leaves no doubt; elsewhere they are counted. */
  readonly calls?: number
}

export interface Ports {
  readonly passThrough: number
  readonly objectHop: number
  readonly sameSteps: number
  readonly ownedSteps: number
  readonly peer: number
}

const MODERN = '2026-07-28'
const LEGACY = '2025-11-25'
const CALL = { name: 'ping', arguments: { text: 'a question of ordinary length, as a model would ask it' } }
const CLIENT = { name: 'bench', version: '1.0.0' }

/** Everything that a round compares, in the order of its rows. */
export async function waysOf(world: World, ports: Ports, connections: number): Promise<readonly Way[]> {
  const [modern, legacy] = await brokerWays(world, connections)
  const theirs = request(`localhost:${ports.peer}`, await peerToken(ports.peer), modernHeaders(), modernCall())
  return [
    { name: '(a) Worker, nothing else', port: ports.passThrough, requests: modern.requests, calls: 0 },
    { name: '(b) Worker and object, nothing else', port: ports.objectHop, requests: modern.requests, calls: 1 },
    { name: '(c) the steps of the broker, deciding nothing', port: ports.sameSteps, requests: modern.requests, calls: 1 },
    { name: '(d) the same in an object that owns the call', port: ports.ownedSteps, requests: modern.requests, calls: 1 },
    { name: PEER, port: ports.peer, requests: modern.requests.map(() => theirs), calls: 0 },
    modern,
    legacy,
  ]
}

/** A new sign-in of the same person for each time this is called; every connection of the legacy way has an MCP session. */
export async function brokerWays(
  world: World,
  connections: number,
  text = 'a question of ordinary length, as a model would ask it',
): Promise<readonly [Way, Way]> {
  const { accessToken } = await credentialsFor('alice', world.mcpUrl)
  const call = { ...CALL, arguments: { text } }
  const broker = new URL(world.brokerUrl)
  const port = Number(broker.port)
  const modern = request(broker.host, accessToken, modernHeaders(), modernCall(call))
  const legacy = await legacyRequests(world.mcpUrl, accessToken, connections, call)
  return [
    { name: `broker, ${MODERN}`, port, requests: Array.from({ length: connections }, () => modern) },
    { name: `broker, ${LEGACY}`, port, requests: legacy },
  ]
}

/** Clients of either era in front of a server of the other: `bridged` speaks 2025-11-25 alone, `modern` 2026-07-28. */
export async function translatedWays({ brokerUrl }: World, connections: number): Promise<readonly [Way, Way]> {
  const [ofModern, ofLegacy] = ['/servers/bridged/mcp', '/servers/modern/mcp']
  const broker = new URL(brokerUrl)
  const port = Number(broker.port)
  const token = async (path: string): Promise<string> => (await credentialsFor('alice', brokerUrl + path)).accessToken
  const asked = request(broker.host, await token(ofModern), modernHeaders(), modernCall(), ofModern)
  return [
    {
      name: `broker, ${MODERN} in front of ${LEGACY}`,
      port,
      requests: Array.from({ length: connections }, () => asked),
    },
    {
      name: `broker, ${LEGACY} in front of ${MODERN}`,
      port,
      requests: await legacyRequests(brokerUrl + ofLegacy, await token(ofLegacy), connections, CALL),
    },
  ]
}

/** A call for each connection, in an MCP session of its own. */
async function legacyRequests(
  mcpUrl: string,
  accessToken: string,
  connections: number,
  call: object,
): Promise<readonly string[]> {
  const { host, pathname } = new URL(mcpUrl)
  const requests: string[] = []
  for (let index = 0; index < connections; index += 1) {
    const session = await openSession(mcpUrl, accessToken)
    const headers = { 'MCP-Protocol-Version': LEGACY, 'Mcp-Session-Id': session }
    requests.push(request(host, accessToken, headers, message('tools/call', call), pathname))
  }
  return requests
}

function modernHeaders(): Record<string, string> {
  return { 'MCP-Protocol-Version': MODERN, 'Mcp-Method': 'tools/call', 'Mcp-Name': CALL.name }
}

function modernCall(call: object = CALL): string {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientInfo': CLIENT,
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  return message('tools/call', { ...call, _meta })
}

function message(method: string, params: object): string {
  return `{"jsonrpc":"2.0","id":#NUMBER#,"method":"${method}","params":${JSON.stringify(params)}}`
}

/** The placeholder is as long as what replaces it, so the length is right already. */
function request(
  host: string,
  accessToken: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  path = '/mcp',
): string {
  const lines = Object.entries({
    Host: host,
    'User-Agent': 'bench/1.0.0',
    Accept: 'application/json, text/event-stream',
    'Content-Type': 'application/json',
    'Content-Length': String(body.length),
    Authorization: `Bearer ${accessToken}`,
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`
}

export async function openSession(mcpUrl: string, accessToken: string): Promise<string> {
  const headers = {
    authorization: `Bearer ${accessToken}`,
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
  }
  const params = { protocolVersion: LEGACY, capabilities: {}, clientInfo: CLIENT }
  const body = message('initialize', params).replace('#NUMBER#', '1')
  const answer = await fetch(mcpUrl, { method: 'POST', headers, body })
  const text = await answer.text()
  const session = answer.headers.get('mcp-session-id')
  if (session === null) throw new Error(`no session was opened: ${answer.status} ${text}`)
  const more = { ...headers, 'mcp-protocol-version': LEGACY, 'mcp-session-id': session }
  const initialized = '{"jsonrpc":"2.0","method":"notifications/initialized"}'
  await (await fetch(mcpUrl, { method: 'POST', headers: more, body: initialized })).body?.cancel()
  return session
}
