// The three official server runs, each straight at a fixture and through a broker in front of another, all at the same time.
import { compare, type Comparison } from './comparison.ts'
import { startFixture, type Running } from './fixture.ts'
import { runOfficial, type OfficialRun } from './official-run.ts'
import { startShim } from './shim.ts'

/** What is needed to speak to a broker: its MCP endpoint and a token for it. */
export type Broker = { readonly mcpUrl: string; readonly token: string; close(): Promise<void> }

export type BothWays = {
  readonly name: string
  readonly direct: OfficialRun
  readonly through: OfficialRun
  readonly comparison: Comparison
  /** Scenarios that can't pass between the eras, and why. */
  readonly notTranslated: ReadonlyMap<string, string>
}

/** A frozen set where there is one: it also runs, without counting them, the scenarios newer than the revision. */
const RUNS: readonly (readonly [name: string, args: readonly string[], notTranslated?: ReadonlyMap<string, string>])[] = [
  ['2026-07-28', ['--requirements', '2026-07-28']],
  ['2025-11-25', ['--requirements', '2025-11-25']],
  ['2025-06-18', ['--suite', 'all', '--spec-version', '2025-06-18']],
  [
    '2025-11-25 in front of a server of 2026-07-28 alone',
    ['--requirements', '2025-11-25'],
    new Map([
      ['server-sse-polling', 'a server of 2026-07-28 does not end the stream of a call before its answer, which this waits for'],
      [
        'server-sse-multiple-streams',
        'such a server answers in JSON what needs no stream, and so does the broker: streams are optional',
      ],
    ]),
  ],
]

/** Two fixtures, so that a list one run changes is not announced to the other one. */
export async function runBothWays(startBroker: (downstreamUrl: string) => Promise<Broker>): Promise<readonly BothWays[]> {
  await using opened = new AsyncDisposableStack()
  const open = <T extends { close(): Promise<void> }>(running: T): T => opened.adopt(running, (it) => it.close())
  const straight = open(await startFixture())
  const shimTo = async (behind: Running): Promise<Running> => {
    const broker = open(await startBroker(open(behind).url))
    return open(await startShim({ target: broker.mcpUrl, token: broker.token }))
  }
  const ofBoth = await shimTo(await startFixture())
  const ofModern = await shimTo(await startFixture({ isModernOnly: true }))

  return await Promise.all(
    RUNS.map(async ([name, args, notTranslated = new Map<string, string>()]) => {
      const run = (url: string) => runOfficial({ args: ['server', '--url', url, ...args] })
      const shim = notTranslated.size > 0 ? ofModern : ofBoth
      const [direct, through] = await Promise.all([run(straight.url), run(shim.url)])
      return { name, direct, through, comparison: compare(direct.scenarios, through.scenarios), notTranslated }
    }),
  )
}
