// One round of a loss test: people write, a node fails, and when all nodes answer again each is asked what became of every grant.
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Chance } from '../crash/chance.ts'
import { startCluster, type ClusterWorld, type Node } from '../world/cluster.ts'
import type { RealStore } from '../world/bucket.ts'
import { PERSON_KEYS } from '../world/people.ts'
import { grantsOf, type Grants } from './grants.ts'

/** kill: SIGKILL · freeze: stopped for 30 s, and goes on · cut, silent: its bucket refuses, or says nothing · drain: SIGTERM. */
export const FAULTS = ['kill', 'freeze', 'cut', 'silent', 'drain'] as const
type Fault = (typeof FAULTS)[number]

export interface LossRound {
  readonly acknowledged: number
  readonly unanswered: number
  readonly agreedAfterMs: number
  /** Nodes that ended by themselves: they could not renew their leases in time. */
  readonly left: number
  /** False: nodes had not answered for everybody when the time was over, as when there is too little machine for them. */
  readonly isComplete: boolean
  /** Which node did not answer for whom, and what it said. */
  readonly silent: readonly string[]
  /** Sentences. */
  readonly lost: readonly string[]
}

export interface LossOptions {
  readonly rounds: number
  readonly nodes: number
  readonly fault: Fault
  readonly chance: Chance
  readonly onRound: (round: LossRound) => void
  readonly store?: RealStore | undefined
}

const AGREE_WITHIN_MS = 120_000
/** Longer than a node's lease and everybody's patience with it. */
const FROZEN_MS = 30_000

export function isFault(text: string): text is Fault {
  return FAULTS.some((fault) => fault === text)
}

/** Answers what is wrong at the end, when everything that was ever acknowledged is looked at once more. */
export async function lose({ rounds, nodes, fault, chance, onRound, store }: LossOptions): Promise<readonly string[]> {
  const world = await startCluster({ nodes, isSupervised: true, overrides: { RATE_LIMIT_REQUESTS: '1000000' }, store })
  try {
    const all = await grantsOf(world, PERSON_KEYS)
    for (let round = 0; round < rounds; round += 1) onRound(await loseOnce(world, all, fault, chance))
    const { sentences, isComplete } = await agreed(world, all, 0)
    const refreshes = await Promise.all(all.map(async (grants) => await grants.judgeRefreshes()))
    return [...sentences, ...refreshes.flat(), ...(isComplete ? [] : ['a node does not answer for everybody'])]
  } finally {
    await world.close()
  }
}

async function loseOnce(world: ClusterWorld, all: readonly Grants[], fault: Fault, chance: Chance): Promise<LossRound> {
  const before = { acknowledged: total(all, 'acknowledged'), unanswered: total(all, 'unanswered') }
  const since = Math.min(...all.map(({ count }) => count))
  const entry = world.nodes[chance.between(0, world.nodes.length - 1)]
  if (entry) world.sendTo(entry)
  let isOver = false
  const writing = Promise.all(all.map(async (grants) => await grants.write(chance, () => isOver)))
  const enough = before.acknowledged + chance.between(3, 25)
  while (total(all, 'acknowledged') < enough) await sleep(10)
  await sleep(chance.between(0, 300))
  const victim = ownerOf(world, chance) ?? entry
  if (!victim) throw new Error('a cluster has nodes')
  const failedAt = Date.now()
  await fail(victim, fault)
  isOver = true
  await writing
  const { sentences, isComplete, silent } = await agreed(world, all, since)
  const left = world.nodes.reduce((sum, node) => sum + node.leftByItself, 0)
  for (const node of world.nodes) node.leftByItself = 0
  return {
    left,
    isComplete,
    silent,
    acknowledged: total(all, 'acknowledged') - before.acknowledged,
    unanswered: total(all, 'unanswered') - before.unanswered,
    agreedAfterMs: Date.now() - failedAt,
    lost: sentences,
  }
}

/** It is running again when this returns, as a supervisor would have it. */
async function fail({ runtime, door }: Node, fault: Fault): Promise<void> {
  if (fault === 'kill') await runtime.kill()
  else if (fault === 'drain') await runtime.drain()
  else if (fault === 'freeze') {
    const { pid } = runtime
    if (pid === undefined) throw new Error('the node is not running')
    process.kill(pid, 'SIGSTOP')
    await sleep(FROZEN_MS)
    const { ended } = runtime
    process.kill(pid, 'SIGCONT')
    await ended
  } else {
    door.state = fault === 'cut' ? 'refused' : 'silent'
    await runtime.ended
    door.state = 'open'
  }
  // One that ends by itself is started by the world.
  if (fault === 'kill' || fault === 'drain') await runtime.start()
}

interface Agreement {
  readonly sentences: readonly string[]
  /** False: a node had not answered for everybody when the time was over. */
  readonly isComplete: boolean
  readonly silent: readonly string[]
}

/** Every node answers for every grant, and whether each answer is right. */
async function agreed(world: ClusterWorld, all: readonly Grants[], since: number): Promise<Agreement> {
  const deadline = Date.now() + AGREE_WITHIN_MS
  for (;;) {
    const said = await Promise.all(
      world.nodes.flatMap((node, index) =>
        all.map(async (grants) => {
          const { sentences, unanswered } = await grants.judge(node, since)
          return {
            sentences: sentences.map((sentence) => `node ${index}: ${sentence}`),
            unanswered: unanswered && `node ${index}: ${unanswered}`,
          }
        }),
      ),
    )
    const silent: string[] = said.flatMap(({ unanswered }) => unanswered ?? [])
    const isComplete = silent.length === 0
    if (!isComplete && Date.now() > deadline) silent.push(...lastSaid(world))
    if (isComplete || Date.now() > deadline) return { sentences: said.flatMap(({ sentences }) => sentences), isComplete, silent }
    await sleep(250)
  }
}

/** Where a node does not answer, its log has the reason. */
function lastSaid({ nodes }: ClusterWorld): readonly string[] {
  return nodes.flatMap(({ log }, index) =>
    [...new Set(log.filter((line) => LOOKS_WRONG.test(line)))]
      .slice(-5)
      .map((line) => `node ${index} said: ${line.slice(0, 500)}`),
  )
}

const LOOKS_WRONG = /error|exception|failed|unavailable|unreachable|lease|refused/i

const ownSchema = z.object({ node: z.string() })

/** Of any object; the bucket has the name of its owner, and the owner's address. */
function ownerOf({ bucket, nodes }: ClusterWorld, chance: Chance): Node | undefined {
  const owners = bucket.keys.filter((key) => key.endsWith('/own.json'))
  const key = owners[chance.between(0, owners.length - 1)]
  const { node } = ownSchema.parse(JSON.parse(bucket.read(key ?? '') ?? '{}'))
  const lease = bucket.read(`${key?.split('/')[0]}/v1/nodes/${node}.json`) ?? ''
  return nodes.find(({ peers }) => lease.includes(peers))
}

function total(all: readonly Grants[], what: 'acknowledged' | 'unanswered'): number {
  return all.reduce((sum, grants) => sum + grants[what], 0)
}
