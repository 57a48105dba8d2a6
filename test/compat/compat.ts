// `npm run compat [-- --servers sdk-json,hono --clients ai-sdk]`: real servers and clients, each pair direct and through the broker. What works direct has to work through.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT } from '../world/bundle.ts'
import { credentialsFor } from '../world/clients.ts'
import { freePort } from '../world/listening.ts'
import { startWorld } from '../world/world.ts'
import { matrix, type Pair } from './matrix.ts'
import { CLIENTS, install, BRIDGED, SERVERS, started, tried, type RealServer, type Running } from './software.ts'

/** Another process may take the port in the moment between. */
const MOST_STARTS = 3

const { values } = parseArgs({ options: { servers: { type: 'string' }, clients: { type: 'string' } } })
const servers = SERVERS.filter(({ name }) => isAsked(values.servers, name))
const clients = CLIENTS.filter(([name]) => isAsked(values.clients, name))

await install()
const world = await startWorld({ overrides: { DOWNSTREAM_MCP_URL: undefined, ...inFrontOf('nobody', 1) } })
const pairs: Pair[] = []
const absent: string[] = []
try {
  for (const server of servers) {
    // A port that was found long before it is used may be somebody else's by then.
    const running = await startedAnywhere(server)
    if (!running) {
      absent.push(server.title)
      continue
    }
    try {
      await world.restartRuntime({ DOWNSTREAM_MCP_URL: undefined, ...inFrontOf(server.name, running.port) })
      const resourceOf = (name: string): string => `${world.brokerUrl}/servers/${name}/mcp`
      const usual = await credentialsFor('alice', resourceOf(server.name))
      const translated = await credentialsFor('alice', resourceOf(bridged(server.name)))
      for (const [client, title] of clients) {
        const isBridged = BRIDGED.includes(client)
        const resource = resourceOf(isBridged ? bridged(server.name) : server.name)
        const { accessToken } = isBridged ? translated : usual
        const direct = await tried(client, server, { url: running.url, headers: {} })
        const through = await tried(client, server, { url: resource, headers: { Authorization: `Bearer ${accessToken}` } })
        const pair = { server: server.title, client: title, direct, through }
        pairs.push(pair)
        console.log(`${server.title.padEnd(24)} ${title.padEnd(26)} direct ${spoken(direct)}; through ${spoken(through)}`)
      }
    } finally {
      await running.end()
    }
  }
} finally {
  await world.close()
}

const { page, lost } = matrix(pairs)
const isWhole = servers.length === SERVERS.length && clients.length === CLIENTS.length && absent.length === 0
if (isWhole) await writeFile(join(ROOT, 'docs', 'compat.md'), page)
for (const line of lost) console.log(`lost: ${line}`)
console.log(`${pairs.length} pairs, ${lost.length} lost${isWhole ? '; written to docs/compat.md' : ''}`)
if (absent.length > 0) console.log(`not tried, because they did not start: ${absent.join(', ')}`)
process.exitCode = lost.length + absent.length === 0 ? 0 : 1

/** What a server that does not start has said is printed, and the others are tried. */
async function startedAnywhere(server: RealServer): Promise<(Running & { readonly port: number }) | undefined> {
  for (let attempt = 0; attempt < MOST_STARTS; attempt += 1) {
    const port = await freePort()
    try {
      return { ...(await started(server, port)), port }
    } catch (error) {
      console.log(String(error))
    }
  }
  return undefined
}

/** Of the broker, which is told of one server at a time. */
function inFrontOf(name: string, port: number): Readonly<Record<string, string>> {
  const url = `http://localhost:${port}/mcp`
  const listed = [
    { name, url },
    { name: bridged(name), url, era_bridge: true },
  ]
  return { DOWNSTREAMS: JSON.stringify(listed), RATE_LIMIT_REQUESTS: '100000' }
}

/** The same server with `era_bridge`. */
function bridged(name: string): string {
  return `${name}-bridged`
}

function spoken(steps: Readonly<Record<string, string>>): string {
  const faults = Object.entries(steps).filter(([, said]) => said !== 'ok')
  return faults.length === 0 ? 'ok' : faults.map(([step, said]) => `${step}: ${said.slice(0, 120)}`).join(', ')
}

function isAsked(list: string | undefined, name: string): boolean {
  return list === undefined || list.split(',').includes(name)
}
