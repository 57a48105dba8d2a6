// The three official server runs, each straight at a fixture and through a broker in front of another, all at the same time.
import { compare, type Comparison } from './comparison.ts'
import { startFixture } from './fixture.ts'
import { runOfficial, type OfficialRun } from './official-run.ts'
import { startShim } from './shim.ts'

/** What is needed to speak to a broker: its MCP endpoint and a token for it. */
export type Broker = { readonly mcpUrl: string; readonly token: string; close(): Promise<void> }

export type BothWays = {
  readonly name: string
  readonly direct: OfficialRun
  readonly through: OfficialRun
  readonly comparison: Comparison
}

/** A frozen set where there is one: it also runs, without counting them, the scenarios newer than the revision. */
const RUNS: readonly (readonly [name: string, args: readonly string[]])[] = [
  ['2026-07-28', ['--requirements', '2026-07-28']],
  ['2025-11-25', ['--requirements', '2025-11-25']],
  ['2025-06-18', ['--suite', 'all', '--spec-version', '2025-06-18']],
]

/** Two fixtures, so that a list one run changes is not announced to the other one. */
export async function runBothWays(startBroker: (downstreamUrl: string) => Promise<Broker>): Promise<readonly BothWays[]> {
  await using opened = new AsyncDisposableStack()
  const open = <T extends { close(): Promise<void> }>(running: T): T => opened.adopt(running, (it) => it.close())
  const straight = open(await startFixture())
  const behind = open(await startFixture())
  const broker = open(await startBroker(behind.url))
  const shim = open(await startShim({ target: broker.mcpUrl, token: broker.token }))

  return await Promise.all(
    RUNS.map(async ([name, args]) => {
      const run = (url: string) => runOfficial({ args: ['server', '--url', url, ...args] })
      const [direct, through] = await Promise.all([run(straight.url), run(shim.url)])
      return { name, direct, through, comparison: compare(direct.scenarios, through.scenarios) }
    }),
  )
}
