// Calls of clients of 2026-07-28 to a legacy server that does in each of them what a random plan says: every request has to get exactly one
// answer, its own, and every call has to end as planned.
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { ASKABLE, question } from './legacy-questions.ts'
import type { ModernAnswered, ModernClient } from './modern-client.ts'
import type { Message, ScriptedServer } from './scripted-server.ts'

type Step = 'progress' | 'log' | 'pause' | { readonly ask: number }
type End = 'result' | 'error' | 'cut' | 'json'

interface Plan {
  readonly name: string
  readonly steps: readonly Step[]
  readonly end: End
}

/** What is wrong with what came, in words; empty where nothing is. */
export type Violations = readonly string[]

const METHODS = ['elicitation/create', 'roots/list', 'sampling/createMessage'] as const
const ANSWERS = {
  'elicitation/create': { action: 'accept', content: { a: 1 } },
  'roots/list': { roots: [] },
  'sampling/createMessage': { role: 'assistant', content: { type: 'text', text: 'x' }, model: 'm' },
} as const

/** The same numbers for the same seed. */
function randomness(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

function planOf(name: string, random: (below: number) => number): Plan {
  const steps = Array.from(
    { length: random(4) },
    (): Step => (['progress', 'log', 'pause', { ask: 1 + random(3) }] as const)[random(4)] ?? 'pause',
  )
  const end = (['result', 'result', 'result', 'error', 'cut', 'json'] as const)[random(6)] ?? 'result'
  return { name, steps: end === 'json' ? [] : steps, end }
}

/** Has the server do as the plan in the arguments of each call says. */
export function servePlans(server: ScriptedServer): void {
  const waiting = new Map<string, () => void>()
  let asked = 0
  server.onNotification((message, res) => {
    waiting.get(String(message.id))?.()
    res.writeHead(202).end()
  })
  const ask = async (send: (message: object) => void): Promise<void> => {
    const id = `s${(asked += 1)}`
    const answered = new Promise<void>((resolve) => void waiting.set(id, resolve))
    send(question(id, METHODS[asked % METHODS.length]))
    await answered
    waiting.delete(id)
  }
  server.onCall(async (call) => {
    const plan = planIn(call.message)
    const result = { content: [], name: plan?.name }
    if (!plan || plan.end === 'json') return call.answer(result)
    const feed = call.stream()
    const { id } = call.message
    for (const step of plan.steps) {
      if (step === 'progress')
        feed.send({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: id, progress: 1 } })
      else if (step === 'log') feed.notify({ from: plan.name })
      else if (step === 'pause') await sleep(2)
      else await Promise.all(Array.from({ length: step.ask }, async () => await ask((message) => feed.send(message))))
    }
    if (plan.end === 'cut') return feed.cut()
    if (plan.end === 'error') feed.send({ jsonrpc: '2.0', id, error: { code: -32000, message: plan.name } })
    else feed.respond(id, result)
  })
}

function planIn({ params }: Message): Plan | undefined {
  const given = params?.['arguments']
  const { plan }: { plan?: Plan } = typeof given === 'object' && given !== null ? given : {}
  return plan
}

/** So many calls, so many at a time; each client has the same ids as the others. */
export async function randomCalls(
  clients: readonly ModernClient[],
  count: number,
  seed: number,
  atOnce = 20,
): Promise<Violations> {
  const violations: string[] = []
  let next = 0
  const worker = async (client: ModernClient): Promise<void> => {
    while (next < count) {
      const number = (next += 1)
      const found = await oneCall(client, number, randomness(seed * 1_000_003 + number)).catch((error: unknown) => [
        `call ${number}: no answer: ${inspect(error)}`,
      ])
      violations.push(...found)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, (_, index) => worker(clients[index % clients.length] ?? clients[0]!)))
  return violations
}

async function oneCall(client: ModernClient, number: number, random: (below: number) => number): Promise<Violations> {
  const plan = planOf(`call ${number}`, random)
  // Ids that others have open at the same time.
  const id = number % 7
  const meta = { progressToken: number % 3, ...(random(2) === 0 && { 'io.modelcontextprotocol/logLevel': 'debug' }) }
  const wrong: string[] = []
  let retry: object = {}
  for (let round = 0; round < 40; round += 1) {
    const answer = await client.call('plan', { plan }, { id, meta, capabilities: ASKABLE }, retry)
    wrong.push(...judged(answer, id, meta.progressToken, plan))
    const { result, error } = answer.last
    if (result?.['resultType'] !== 'input_required') return [...wrong, ...endedAs(plan, answer)]
    if (error) return [...wrong, `${plan.name}: an error and a question`]
    retry = answersTo(result, random)
  }
  return [...wrong, `${plan.name}: never ended`]
}

/** One response, with the request's own id, after nothing that belongs to another. */
function judged({ messages, text }: ModernAnswered, id: number, token: number, { name }: Plan): Violations {
  const responses = messages.filter((message) => message.result !== undefined || message.error !== undefined)
  const isLast = responses[0] === messages.at(-1)
  const ofOthers = messages.some(
    ({ method, params }) => method === 'notifications/progress' && params?.['progressToken'] !== token,
  )
  const logged = messages.flatMap(({ method, params }) => (method === 'notifications/message' ? [JSON.stringify(params)] : []))
  return [
    ...(responses.length === 1 && isLast && responses[0]?.id === id
      ? []
      : [`${name}: ${responses.length} responses in ${text.slice(0, 300)}`]),
    ...(ofOthers ? [`${name}: progress of another call`] : []),
    ...(logged.every((line) => line.includes(`"${name}"`)) ? [] : [`${name}: a log message of another call`]),
  ]
}

function answersTo(result: Readonly<Record<string, unknown>>, random: (below: number) => number): object {
  const requests = Object.entries(result['inputRequests'] ?? {}) as readonly [string, { method: keyof typeof ANSWERS }][]
  const isPartial = requests.length > 1 && random(3) === 0
  const answered = (isPartial ? requests.slice(1) : requests).map(([key, { method }]) => [key, ANSWERS[method]])
  return { inputResponses: Object.fromEntries(answered), requestState: result['requestState'] }
}

function endedAs({ name, end }: Plan, { last }: ModernAnswered): Violations {
  const { result, error } = last
  if (end === 'error') return error?.message === name ? [] : [`${name}: ended with ${JSON.stringify(last)}`]
  // A server that breaks off may do so before or after a question was answered.
  if (end === 'cut') return error === undefined ? [`${name}: broke off, and ${JSON.stringify(last)}`] : []
  return result?.['name'] === name ? [] : [`${name}: got ${JSON.stringify(last)}`]
}
