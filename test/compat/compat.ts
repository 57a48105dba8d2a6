// `npm run compat [-- --servers sdk-json,hono --clients ai-sdk]`: real servers and clients, each pair direct and through the broker. What works direct has to work through.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT } from '../world/bundle.ts'
import { credentialsFor } from '../world/clients.ts'
import { freePort } from '../world/listening.ts'
import { startWorld } from '../world/world.ts'
import { matrix, type Pair } from './matrix.ts'
import { CLIENTS, install, MODERN_ONLY, SERVERS, started, tried } from './software.ts'

const { values } = parseArgs({ options: { servers: { type: 'string' }, clients: { type: 'string' } } })
const servers = SERVERS.filter(({ name }) => isAsked(values.servers, name))
const clients = CLIENTS.filter(([name]) => isAsked(values.clients, name))

await install()
const ports = new Map<string, number>()
for (const { name } of servers) ports.set(name, await freePort())
const portOf = (name: string): number => ports.get(name) ?? 0
const world = await startWorld({
  overrides: {
    DOWNSTREAMS: JSON.stringify(
      servers.flatMap(({ name }) => {
        const url = `http://localhost:${portOf(name)}/mcp`
        return [
          { name, url },
          { name: bridged(name), url, era_bridge: true },
        ]
      }),
    ),
    DOWNSTREAM_MCP_URL: undefined,
    RATE_LIMIT_REQUESTS: '100000',
  },
})
const pairs: Pair[] = []
try {
  for (const server of servers) {
    const running = await started(server, portOf(server.name))
    try {
      const resourceOf = (name: string): string => `${world.brokerUrl}/servers/${name}/mcp`
      const usual = await credentialsFor('alice', resourceOf(server.name))
      const translated = await credentialsFor('alice', resourceOf(bridged(server.name)))
      for (const [client, title] of clients) {
        const isModernOnly = MODERN_ONLY.includes(client)
        const resource = resourceOf(isModernOnly ? bridged(server.name) : server.name)
        const { accessToken } = isModernOnly ? translated : usual
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
const isWhole = servers.length === SERVERS.length && clients.length === CLIENTS.length
if (isWhole) await writeFile(join(ROOT, 'docs', 'compat.md'), page)
for (const line of lost) console.log(`lost: ${line}`)
console.log(`${pairs.length} pairs, ${lost.length} lost${isWhole ? '; written to docs/compat.md' : ''}`)
process.exitCode = lost.length === 0 ? 0 : 1

/** The same server for clients of 2026-07-28 alone, which most servers need a bridge for. */
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
