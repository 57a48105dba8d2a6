// `npm run conformance:legacy`: the scenarios of 2026-07-28 through the broker in front of a server that speaks 2025-11-25 alone.
import { BrokerClient } from '../world/broker-client.ts'
import { startWorld } from '../world/world.ts'
import { compare } from './comparison.ts'
import { startFixture } from './fixture.ts'
import { NOT_TRANSLATED } from './not-translated.ts'
import { runOfficial } from './official-run.ts'
import { reportBridge } from './report.ts'
import { startShim } from './shim.ts'

await using opened = new AsyncDisposableStack()
const open = <T extends { close(): Promise<void> }>(running: T): T => opened.adopt(running, (it) => it.close())

const straight = open(await startFixture())
const behind = open(await startFixture({ isLegacyOnly: true }))
const listed = [{ name: 'old', url: behind.url, era_bridge: true }]
const world = open(await startWorld({ overrides: { DOWNSTREAMS: JSON.stringify(listed) } }))
const resource = `${world.brokerUrl}/servers/old/mcp`
const client = await BrokerClient.register(world.brokerUrl)
const { accessToken: token } = await client.signIn('alice', { changes: { resource } })
const shim = open(await startShim({ target: resource, token }))

const run = (url: string) => runOfficial({ args: ['server', '--url', url, '--requirements', '2026-07-28'] })
const [direct, through] = await Promise.all([run(straight.url), run(shim.url)])
process.exitCode = reportBridge(
  { name: '2026-07-28 in front of 2025-11-25', direct, through, comparison: compare(direct.scenarios, through.scenarios) },
  NOT_TRANSLATED,
)
