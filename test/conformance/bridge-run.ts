// One official run through the broker in front of a server of the other era alone, beside the same run straight at one of both.
import { BrokerClient } from '../world/broker-client.ts'
import { startWorld } from '../world/world.ts'
import { compare } from './comparison.ts'
import { startFixture, type FixtureOptions } from './fixture.ts'
import { runOfficial } from './official-run.ts'
import { reportBridge } from './report.ts'
import { startShim } from './shim.ts'

export interface BridgeRun {
  readonly name: string
  readonly requirements: string
  readonly behind: FixtureOptions
  /** What is set for the server besides its address. */
  readonly listed: object
  /** Scenarios that can not pass, and why. */
  readonly notTranslated: ReadonlyMap<string, string>
}

/** Answers the exit code. */
export async function runBridge({ name, requirements, behind, listed, notTranslated }: BridgeRun): Promise<0 | 1> {
  await using opened = new AsyncDisposableStack()
  const open = <T extends { close(): Promise<void> }>(running: T): T => opened.adopt(running, (it) => it.close())

  const straight = open(await startFixture())
  const other = open(await startFixture(behind))
  const servers = [{ name: 'other', url: other.url, ...listed }]
  const world = open(await startWorld({ overrides: { DOWNSTREAMS: JSON.stringify(servers) } }))
  const resource = `${world.brokerUrl}/servers/other/mcp`
  const client = await BrokerClient.register(world.brokerUrl)
  const { accessToken: token } = await client.signIn('alice', { changes: { resource } })
  const shim = open(await startShim({ target: resource, token }))

  const run = (url: string) => runOfficial({ args: ['server', '--url', url, '--requirements', requirements] })
  const [direct, through] = await Promise.all([run(straight.url), run(shim.url)])
  const comparison = compare(direct.scenarios, through.scenarios)
  return reportBridge({ name, direct, through, comparison }, notTranslated)
}
