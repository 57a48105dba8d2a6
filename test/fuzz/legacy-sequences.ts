// `npm run fuzz:legacy -- 10000 7`: ten thousand random calls through the bridge to a legacy server, by two people with the same request ids.
import { credentialsFor } from '../world/clients.ts'
import { ModernClient } from '../world/modern-client.ts'
import { randomCalls, servePlans } from '../world/random-calls.ts'
import { ScriptedServer } from '../world/scripted-server.ts'
import { startWorld } from '../world/world.ts'
import { useOwnConnections } from './own-connections.ts'

const count = Number(process.argv[2] ?? 10_000)
const seed = Number(process.argv[3] ?? Date.now() % 100_000)
const server = await ScriptedServer.start()
const listed = [{ name: 'old', url: server.url, era: 'legacy', era_bridge: true }]
const overrides = { DOWNSTREAMS: JSON.stringify(listed), RATE_LIMIT_REQUESTS: '1000000', DOWNSTREAM_TIMEOUT: '20' }
const world = await startWorld({ overrides })
const url = `${world.brokerUrl}/servers/old/mcp`
const tokens = await Promise.all([credentialsFor('alice', url), credentialsFor('bob', url)])
servePlans(server)
await useOwnConnections(`${world.brokerUrl}/health`)
const began = Date.now()
const violations = await randomCalls(
  tokens.map(({ accessToken }) => new ModernClient(url, accessToken)),
  count,
  seed,
)
for (const violation of violations.slice(0, 20)) console.log(violation)
const seconds = ((Date.now() - began) / 1000).toFixed(1)
console.log(`${count} calls in ${seconds} s, seed ${seed}: ${violations.length} that did not get exactly their answer`)
process.exitCode = violations.length === 0 ? 0 : 1
await world.close()
await server.close()
