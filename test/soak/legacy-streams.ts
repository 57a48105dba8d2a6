// What a client of 2025-11-25 does in a soak: a session with calls and a standing stream, resumed whatever happens to them.
import { setTimeout as sleep } from 'node:timers/promises'
import { CountingClient, type Counted, type CountingOptions } from '../crash/counting-client.ts'
import type { NumberingDownstream } from '../crash/numbering-downstream.ts'
import { verdictOn, verdictOnCall } from '../crash/verdict.ts'
import { untilItWorks } from './life.ts'
import type { Surroundings } from './modern-streams.ts'

export interface LegacySurroundings extends Surroundings {
  readonly downstream: NumberingDownstream
}

/** How long a stream may take to catch up when all is quiet, in milliseconds. */
const CATCH_UP_MS = 15_000

/** Resolves when the life has ended; a life that was not revoked has brought everything by then. */
export async function liveLegacy(around: LegacySurroundings, calls: number): Promise<void> {
  const { mcpUrl, life, chance, downstream } = around
  const name = `resumable ${life.name}`
  const client = await untilItWorks(() => CountingClient.open(mcpUrl, life.accessToken, name)).catch(() => undefined)
  // Revoked before it had begun.
  if (!client) return
  const giveUp = new AbortController()
  const refreshed = setInterval(() => (client.accessToken = life.accessToken), 50)
  let newest = 0
  const standing = count(around, `${life.name} standing stream`, (options) =>
    client.stand({
      ...options,
      until: giveUp.signal,
      onMessage: (number = 0) => {
        newest = number
        options.onMessage?.(number)
      },
    }),
  )
  const lanes = Array.from({ length: calls }, async (_, lane) => {
    for (let call = 1; !life.ending.signal.aborted; call += 1) {
      const to = chance.between(5, 25)
      const stream = `${life.name} legacy call ${lane}.${call}`
      const counted = await count(around, stream, (options) => client.count(to, { ...options, until: giveUp.signal }))
      judgeCall(around, stream, counted, to)
      await sleep(chance.between(50, 400))
    }
  })
  const callsAreOver = Promise.all(lanes)
  await Promise.race([callsAreOver, aborted(life.ending.signal)])
  const late = setTimeout(() => giveUp.abort(), CATCH_UP_MS)
  await callsAreOver
  const last = life.endsByRevocation ? 0 : downstream.quieten(name)
  await until(() => newest >= last || giveUp.signal.aborted)
  if (!life.endsByRevocation) giveUp.abort()
  const { numbers, begunBy, connections, ids, ending } = await standing
  clearTimeout(late)
  clearInterval(refreshed)
  const skipped = begunBy > 1 ? (numbers[0] ?? 1) - 1 : 0
  const counted = numbers.map((number) => number - skipped)
  const how = `${connections} connections, the first id at attempt ${begunBy}, ended in “${ending}”, brought ${runsOf(numbers)} to ${last}; ids ${ids[0]}…`
  around.ledger.judge(verdictOn(counted, Math.max(last - skipped, ...counted)), `${life.name} standing stream (${how})`)
}

/** `1–4, 9–12`: where the gaps are. */
function runsOf(numbers: readonly number[]): string {
  const starts = numbers.filter((number, at) => at === 0 || number !== (numbers[at - 1] ?? 0) + 1)
  const ends = numbers.filter((number, at) => numbers[at + 1] !== number + 1)
  return starts.map((start, at) => `${start}–${ends[at]}`).join(', ')
}

async function count(
  { life, ledger, chance }: LegacySurroundings,
  stream: string,
  begin: (options: Omit<CountingOptions, 'until'>) => Promise<Counted>,
): Promise<Counted> {
  life.opened(stream)
  let isOpen = true
  let newest = 0
  try {
    return await begin({
      mayReturn: () => sleep(chance.between(0, 600)),
      hangUp: (connection) => {
        newest = connection
        if (!chance.oneIn(3)) return undefined
        const leaving = AbortSignal.timeout(chance.between(50, 3_000))
        leaving.addEventListener('abort', () => {
          if (isOpen && newest === connection) ledger.did('disconnects')
        })
        return leaving
      },
      onMessage: (number) => life.heard(stream, number === undefined ? 'its result' : `number ${number}`),
    })
  } finally {
    isOpen = false
    life.closed(stream)
  }
}

function judgeCall({ life, ledger }: LegacySurroundings, stream: string, counted: Counted, to: number): void {
  const { ending, numbers } = counted
  ledger.judge(verdictOnCall(counted, to), stream)
  const isExplicit = numbers.length === 0 && (ending === 'error' || ending === 'broken before it began')
  if (ending === 'result' || isExplicit || life.ending.signal.aborted) return
  ledger.miss(to - numbers.length, `${stream} ended in “${ending}” after ${numbers.length} of ${to}`)
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(20)
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}
