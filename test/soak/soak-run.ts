// A soak: people with clients of both eras live through disconnects, refreshes, revocations and crashes, and everything is counted.
import { setTimeout as sleep } from 'node:timers/promises'
import { Chance } from '../crash/chance.ts'
import { NumberingDownstream } from '../crash/numbering-downstream.ts'
import { BrokerClient } from '../world/broker-client.ts'
import { PERSON_KEYS, type PersonKey } from '../world/people.ts'
import { startWorld, type World } from '../world/world.ts'
import { Ledger } from './ledger.ts'
import { liveLegacy } from './legacy-streams.ts'
import { Life } from './life.ts'
import { Usage } from './usage.ts'
import { liveModern, type Surroundings } from './modern-streams.ts'

export interface SoakOptions {
  readonly minutes: number
  readonly seed: number
  /** Of each era, for each person. */
  readonly clients?: number
  /** Calls that each client has open at a time, besides its standing stream or subscription. */
  readonly calls?: number
  /** Of `npm run build:binary`; absent: workerd with the Worker of this tree. */
  readonly executable?: string | undefined
}

/** Bounded, so that the broker and not the computer is what gives way: some ten events a second and stream. */
const PAUSE_MS = [40, 160] as const

/** As on a busy machine: a kill then falls between the headers of a standing stream and its first id now and then. */
const PRIMES_WITHIN_MS = 1_000

export async function soak({ minutes, seed, clients = 1, calls = 2, executable }: SoakOptions): Promise<Ledger> {
  const chance = new Chance(seed)
  const ledger = new Ledger()
  const numbering = { seed: chance.between(0, 2 ** 31), pause: PAUSE_MS, primesWithin: PRIMES_WITHIN_MS }
  const downstream = await NumberingDownstream.start(numbering)
  const overrides = { DOWNSTREAM_MCP_URL: downstream.url, RATE_LIMIT_REQUESTS: '1000000', RATE_LIMIT_REGISTRATIONS: '1000' }
  // A crash in the moment of rotation ends everything a person has, as it must: whose copy of a token it is can't be told any more.
  const world = await startWorld({ overrides, identityProviderRotates: false, ...(executable !== undefined && { executable }) })
  const usage = new Usage(() => world.pid)
  try {
    const everybody = PERSON_KEYS.flatMap((person) =>
      Array.from({ length: clients }, (_, number) => [
        { person, era: 'modern' as const, number },
        { person, era: 'legacy' as const, number },
      ]).flat(),
    )
    const lives = everybody.map(async ({ person, era, number }) => {
      const client = await BrokerClient.register(world.brokerUrl)
      // Chance of its own: what one client does must not depend on how fast another is.
      const own = new Chance(chance.between(0, 2 ** 31))
      const around = { mcpUrl: world.mcpUrl, ledger, chance: own, downstream, calls, client, person, era }
      return liveAgainAndAgain({ ...around, name: `${person} ${era} ${number}`, ends: Date.now() + minutes * 60_000 })
    })
    const crashes = crashNowAndThen(world, ledger, chance, Date.now() + minutes * 60_000)
    await Promise.all(lives)
    await crashes
    ledger.usage = usage.stop()
    return ledger
  } finally {
    usage.stop()
    await world.close()
    await downstream.close()
  }
}

interface Living extends Omit<Surroundings, 'life'> {
  readonly downstream: NumberingDownstream
  readonly client: BrokerClient
  readonly person: PersonKey
  readonly era: 'modern' | 'legacy'
  readonly name: string
  readonly calls: number
  /** Milliseconds since the epoch. */
  readonly ends: number
}

async function liveAgainAndAgain({ client, person, era, name, calls, ends, ...around }: Living): Promise<void> {
  const { chance, ledger, mcpUrl } = around
  for (let time = 1; Date.now() < ends; time += 1) {
    const life = await Life.begin(`${name} life ${time}`, person, client, mcpUrl, ledger)
    const surroundings = { ...around, life }
    const living = era === 'modern' ? liveModern(surroundings, calls) : liveLegacy(surroundings, calls)
    const dies = Math.min(ends, Date.now() + chance.between(3_000, 12_000))
    while (Date.now() < dies) {
      await sleep(Math.min(dies - Date.now(), chance.between(800, 3_000)))
      if (chance.oneIn(2)) await life.refresh()
    }
    if (Date.now() >= ends) life.finish()
    else await life.revoke()
    await Promise.all([living, life.ending.signal.reason === 'over' ? undefined : sleep(chance.between(0, 1_500))])
  }
}

async function crashNowAndThen(world: World, ledger: Ledger, chance: Chance, ends: number): Promise<void> {
  for (;;) {
    const pause = chance.between(5_000, 15_000)
    // Time to come back, so that the last streams are not cut short by the end of the run.
    if (Date.now() + pause + 3_000 > ends) return
    await sleep(pause)
    await world.killRuntime()
    await sleep(chance.between(0, 500))
    await world.restartRuntime()
    ledger.did('restarts')
  }
}
