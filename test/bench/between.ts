// What lies between router and object: how many calls cross it for each request, and what they cost where it is wide.
import { join } from 'node:path'
import { ROOT } from '../world/bundle.ts'
import { freePort } from '../world/listening.ts'
import { startWorld, type World } from '../world/world.ts'
import { objectHop } from './bare-workers.ts'
import { shown, spreadOf, table } from './figures.ts'
import type { CannedDownstream, LoadGenerator } from './processes.ts'
import { brokerWays, type Way } from './ways.ts'

const PROJECT = join(ROOT, 'test/bench/between')
const RATE_LIMIT_REQUESTS = '100000000'
const COUNTED_MS = 4_000

/** Calls to objects for each request, by the name of the way. */
export async function callsPerRequest(
  downstream: CannedDownstream,
  load: LoadGenerator,
  connections: number,
): Promise<ReadonlyMap<string, number>> {
  const world = await startWorld({ project: PROJECT, overrides: { DOWNSTREAM_MCP_URL: downstream.url, RATE_LIMIT_REQUESTS } })
  try {
    const counted = new Map<string, number>()
    for (const { name, port, requests } of await brokerWays(world, connections)) {
      const before = await calls(world)
      const { answered } = await load.run({ port, requests, milliseconds: COUNTED_MS })
      counted.set(name, ((await calls(world)) - before) / answered)
    }
    return counted
  } finally {
    await world.close()
  }
}

/** With so many milliseconds between the router and every object, there and back: what the first call of a sign-in takes, and those after it. */
export async function measureDistance(downstream: CannedDownstream, load: LoadGenerator, roundTripMs: number): Promise<string> {
  const hopPort = await freePort()
  const module = objectHop(downstream.url, roundTripMs)
  const neighbours = [{ name: 'object-hop', port: hopPort, module, durableObjects: [{ binding: 'HOP', className: 'Hop' }] }]
  const overrides = { DOWNSTREAM_MCP_URL: downstream.url, RATE_LIMIT_REQUESTS }
  const world = await startWorld({ project: PROJECT, overrides, neighbours })
  const first = new Map<string, number[]>()
  const others = new Map<string, number[]>()
  try {
    for (let signIn = 0; signIn < SIGN_INS; signIn += 1) {
      await put(world, 0)
      const broker = await brokerWays(world, 1)
      await put(world, roundTripMs)
      const [{ requests }] = broker
      for (const way of [{ name: '(b) Worker and object, nothing else', port: hopPort, requests }, ...broker]) {
        note(first, way, await load.run({ ...way, milliseconds: 0 }))
        note(others, way, await load.run({ ...way, milliseconds: LATER_MS }))
      }
    }
  } finally {
    await world.close()
  }
  const rows = [...first].map(([name, values]) => [name, shown(spreadOf(values), 1), shown(spreadOf(others.get(name) ?? []), 1)])
  return table([[`${roundTripMs} ms between router and object, p50 in ms`, 'call 1 of a sign-in', 'calls 2…n'], ...rows])
}

const SIGN_INS = 8
/** Long enough for more than one call, and for less than a lease. */
const LATER_MS = 700

function note(figures: Map<string, number[]>, { name }: Way, { p50 }: { readonly p50: number }): void {
  figures.set(name, [...(figures.get(name) ?? []), p50])
}

async function calls({ brokerUrl }: World): Promise<number> {
  const { calls: counted }: { calls: number } = JSON.parse(await (await fetch(`${brokerUrl}/between`)).text())
  return counted
}

async function put({ brokerUrl }: World, roundTripMs: number): Promise<void> {
  await (await fetch(`${brokerUrl}/between?ms=${roundTripMs}`, { method: 'POST' })).body?.cancel()
}
