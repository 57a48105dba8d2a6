// Crash rounds: streams of numbers are under way, the runtime is killed at a random moment, and every client comes back for the rest.
import { setTimeout as sleep } from 'node:timers/promises'
import { BrokerClient } from '../world/broker-client.ts'
import { startWorld, type World } from '../world/world.ts'
import { Chance } from './chance.ts'
import { CountingClient, type Counted, type CountingOptions } from './counting-client.ts'
import { NumberingDownstream } from './numbering-downstream.ts'
import { added, verdictOn, verdictOnCall, type Verdict } from './verdict.ts'

/** What the clients do about the crash, or when it comes. */
export type Variant =
  /** They listen when it comes, and come back as soon as they can. */
  | 'attached'
  /** They listen when it comes, and come back only some time after the restart. */
  | 'away'
  /** They have hung up before it comes. */
  | 'gone'
  /** It comes while the streams begin. */
  | 'priming'
  /** It comes twice. */
  | 'twice'

export const VARIANTS: readonly Variant[] = ['attached', 'away', 'gone', 'priming', 'twice']

export interface Round {
  readonly round: number
  readonly variant: Variant
  readonly resumable: readonly Counted[]
  readonly fragile: readonly Counted[]
  readonly standing: Counted
  readonly verdict: Verdict
  /** Sentences about promises that were not kept. */
  readonly broken: readonly string[]
  /** From the kill until the broker was healthy again, in milliseconds. */
  readonly downFor: number
  /** From when its client could come back until it had its next event, by stream, in milliseconds. */
  readonly recoveries: readonly number[]
}

export interface CrashOptions {
  readonly rounds: number
  readonly seed: number
  /** In turns. */
  readonly variants?: readonly Variant[]
  readonly resumableCalls?: number
  readonly fragileCalls?: number
  readonly onRound?: (round: Round) => void
}

/** How long a stream may stay silent after the last restart before it counts as silence, in milliseconds. */
const SILENCE_MS = 30_000
/** A call is over after about 20 × 35 ms: kills are spread over its life. */
const COUNTS_TO = 20
const LIFE_MS = 750

export async function crash(options: CrashOptions): Promise<readonly Round[]> {
  const { rounds, seed, variants = VARIANTS, resumableCalls = 5, fragileCalls = 3, onRound } = options
  const chance = new Chance(seed)
  const downstream = await NumberingDownstream.start({ seed: chance.between(0, 2 ** 31) })
  const world = await startWorld({ overrides: { DOWNSTREAM_MCP_URL: downstream.url, RATE_LIMIT_REQUESTS: '1000000' } })
  try {
    const client = await BrokerClient.register(world.brokerUrl)
    const { accessToken } = await client.signIn('alice', { changes: { resource: world.mcpUrl } })
    const done: Round[] = []
    for (let round = 1; round <= rounds; round += 1) {
      const variant = variants[(round - 1) % variants.length] ?? 'attached'
      const setting = { world, downstream, chance, accessToken, round, variant, resumableCalls, fragileCalls }
      const outcome = await crashOnce(setting)
      done.push(outcome)
      onRound?.(outcome)
    }
    return done
  } finally {
    await world.close()
    await downstream.close()
  }
}

interface Setting {
  readonly world: World
  readonly downstream: NumberingDownstream
  readonly chance: Chance
  readonly accessToken: string
  readonly round: number
  readonly variant: Variant
  readonly resumableCalls: number
  readonly fragileCalls: number
}

async function crashOnce({ world, downstream, chance, accessToken, round, variant, ...calls }: Setting): Promise<Round> {
  const names = { resumable: `resumable ${round}`, fragile: `fragile ${round}` }
  const resumable = await CountingClient.open(world.mcpUrl, accessToken, names.resumable)
  const fragile = await CountingClient.open(world.mcpUrl, accessToken, names.fragile)
  const back = Promise.withResolvers<void>()
  const hangUp = new AbortController()
  const silence = new AbortController()
  const options: CountingOptions = {
    mayReturn: () => back.promise,
    hangUp: (connection) => (connection === 0 ? hangUp.signal : undefined),
    until: silence.signal,
  }

  const enough = new AbortController()
  const primed = Promise.withResolvers<void>()
  let newest = 0
  const standing = resumable.stand({
    ...options,
    until: enough.signal,
    onId: () => primed.resolve(),
    onMessage: (number = 0) => {
      newest = number
    },
  })
  await primed.promise
  const begun: Promise<void>[] = []
  const count = async (client: CountingClient): Promise<Counted> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    begun.push(promise)
    return await client.count(COUNTS_TO, { ...options, onId: resolve })
  }
  const counting = [
    Promise.all(Array.from({ length: calls.resumableCalls }, () => count(resumable))),
    Promise.all(Array.from({ length: calls.fragileCalls }, () => count(fragile))),
  ] as const

  if (variant !== 'priming') await Promise.all(begun)
  await sleep(chance.between(0, variant === 'priming' ? 80 : LIFE_MS))
  if (variant === 'gone') {
    hangUp.abort()
    await sleep(chance.between(0, 300))
  }
  const killedAt = Date.now()
  await world.killRuntime()
  if (variant !== 'away' && variant !== 'gone') back.resolve()
  await world.restartRuntime()
  if (variant === 'twice') {
    await sleep(chance.between(0, 300))
    await world.killRuntime()
    await world.restartRuntime()
  }
  const downFor = Date.now() - killedAt
  if (variant === 'away' || variant === 'gone') await sleep(chance.between(200, 2_000))
  back.resolve()
  const returnedAt = Date.now()

  const giveUp = setTimeout(() => silence.abort(), SILENCE_MS)
  const [resumed, ended] = await Promise.all(counting)
  clearTimeout(giveUp)
  const last = downstream.quieten(names.resumable)
  await until(() => newest >= last, SILENCE_MS)
  await sleep(50)
  enough.abort()
  const stood = await standing
  await Promise.all([resumable.close(), fragile.close()])

  const verdict = [
    verdictOn(stood.numbers, last),
    ...resumed.map((counted) => verdictOnCall(counted, COUNTS_TO)),
    ...ended.map((counted) => verdictOnCall(counted, COUNTS_TO)),
  ].reduce(added)
  const recoveries = [...resumed, ...ended, stood].flatMap(({ recoveredAt }) => recoveredAt.slice(-1))
  return {
    round,
    variant,
    resumable: resumed,
    fragile: ended,
    standing: stood,
    verdict,
    broken: [...[...resumed, stood].flatMap(brokenPromiseToResumable), ...ended.flatMap(brokenPromiseToFragile)],
    downFor,
    recoveries: recoveries.map((at) => Math.max(0, at - returnedAt)),
  }
}

async function until(holds: () => boolean, withinMs: number): Promise<void> {
  for (const deadline = Date.now() + withinMs; !holds() && Date.now() < deadline;) await sleep(10)
}

/** Once an event has come the downstream's id is known: nothing but the result will do. */
function brokenPromiseToResumable({ ending, numbers, ids }: Counted): string[] {
  if (new Set(ids).size < ids.length) return ['an id was given to two events']
  if (ending === 'result' || ending === 'left') return []
  const isExplicit = ending === 'error' || ending === 'broken before it began'
  return isExplicit && numbers.length === 0 ? [] : [`a resumable call ended in “${ending}” after ${numbers.length} events`]
}

function brokenPromiseToFragile({ ending, numbers }: Counted): string[] {
  const isExplicit = ending === 'result' || ending === 'error' || (ending === 'broken before it began' && numbers.length === 0)
  return isExplicit ? [] : [`a call that can't be resumed ended in “${ending}” after ${numbers.length} events`]
}
