// npm run bench:awake: for how long the object of a connected person is in memory while nothing or little happens on open streams.
//
// A sleeping object can't be watched, but its log says when it was built again. Between two such moments it was in memory for the
// ten seconds the runtime grants after the last event, at most; Cloudflare bills less than that, for it bills no hibernatable idleness.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { CountingClient } from '../crash/counting-client.ts'
import { NumberingDownstream } from '../crash/numbering-downstream.ts'
import { callTool } from '../world/broker-client.ts'
import { credentialsFor } from '../world/clients.ts'
import { OpenStream } from '../world/open-stream.ts'
import { startWorld } from '../world/world.ts'
import { table } from './figures.ts'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, streams: { type: 'string', default: '20' } },
})
const minutes = Number(values.minutes)
const streams = Number(values.streams)

/** An object falls asleep so long after its last event, in seconds. */
const FALLS_ASLEEP_AFTER = 10
const ONE_A_DAY = 86_400_000

interface Case {
  readonly what: string
  readonly pauseMs: number
  readonly open: (mcpUrl: string, accessToken: string, until: AbortSignal) => Promise<void>
}

const CASES: readonly Case[] = [
  { what: 'calls of 2026-07-28, silent', pauseMs: ONE_A_DAY, open: modern },
  { what: 'calls of 2026-07-28, an event a second each', pauseMs: 1_000, open: modern },
  { what: 'standing streams of 2025-11-25, silent', pauseMs: ONE_A_DAY, open: standing },
  { what: 'standing streams of 2025-11-25, an event every 20 s', pauseMs: 20_000, open: standing },
]

const rows = [['streams of one person', 'open', 'built again', 'object s/h at most', 'without leashes']]
for (const each of CASES) rows.push(await measure(each))
console.log(table(rows))

async function measure({ what, pauseMs, open }: Case): Promise<string[]> {
  const downstream = await NumberingDownstream.start({ seed: 1, pause: [pauseMs, pauseMs] })
  const world = await startWorld({ overrides: { DOWNSTREAM_MCP_URL: downstream.url, RATE_LIMIT_REQUESTS: '1000000' } })
  const until = new AbortController()
  try {
    const { accessToken } = await credentialsFor('alice', world.mcpUrl)
    for (let count = 0; count < streams; count += 1) await open(world.mcpUrl, accessToken, until.signal)
    // What opening them cost is over by then.
    await sleep((FALLS_ASLEEP_AFTER + 5) * 1_000)
    const before = wakes(world.logs)
    await sleep(minutes * 60_000)
    const woken = wakes(world.logs) - before
    // An object that stayed in memory all the time was not built again either.
    await callTool(world.mcpUrl, accessToken, { signal: AbortSignal.timeout(2_000) }).then(({ body }) => body?.cancel())
    const slept = wakes(world.logs) > before
    const perHour = slept ? Math.min(3_600, (woken * FALLS_ASLEEP_AFTER * 60) / minutes) : 3_600
    return [what, String(streams), String(woken), String(Math.round(perHour)), '3600']
  } finally {
    until.abort()
    await world.close()
    await downstream.close()
  }
}

function wakes(logs: readonly { readonly message: string }[]): number {
  return logs.filter(({ message }) => message.includes('"session.woke"')).length
}

async function modern(mcpUrl: string, accessToken: string, until: AbortSignal): Promise<void> {
  const answer = await callTool(mcpUrl, accessToken, { tool: 'count', arguments: { to: 1_000_000 }, signal: until })
  await new OpenStream(answer).untilSaid(': ok')
}

async function standing(mcpUrl: string, accessToken: string, until: AbortSignal): Promise<void> {
  const client = await CountingClient.open(mcpUrl, accessToken, 'resumable')
  const begun = Promise.withResolvers<void>()
  void client.stand({ mayReturn: () => Promise.resolve(), until, onId: () => begun.resolve() })
  await begun.promise
}
