// Random sequences of messages between clients of 2025-11-25 and a server of 2026-07-28 that keeps to the protocol or does not: whatever
// happens, each request gets exactly one answer, and one that was taken back at most one.
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { array, boolean, constantFrom, integer, oneof, record, sample, string } from 'fast-check'
import { z } from 'zod'
import { EventStream } from './event-stream.ts'
import { LegacyClient } from './legacy-client.ts'
import type { ModernScriptCall, ScriptedModernServer } from './scripted-modern-server.ts'

const ENDINGS = [
  'result',
  'result',
  'result',
  'error 404',
  'error 400',
  'html 404',
  'status 503',
  'accepted',
  'wrong id',
  'two answers',
  'request',
  'bad type',
  'garbage',
  'end',
  'cut',
] as const
const QUESTIONS = ['accept', 'decline', 'error', 'sample', 'sample error', 'roots', 'undeclared', 'unknown'] as const

const plan = record({
  rounds: array(array(constantFrom(...QUESTIONS), { minLength: 1, maxLength: 3 }), { maxLength: 3 }),
  ending: constantFrom(...ENDINGS),
  notifications: integer({ min: 0, max: 3 }),
  isStream: boolean(),
})
const call = record({
  id: oneof(integer(), string({ minLength: 1, maxLength: 8 })),
  plan,
  isCancelled: oneof(
    ...Array(7)
      .fill(null)
      .map(() => constantFrom(false)),
    constantFrom(true),
  ),
})
const sequence = array(call, { minLength: 1, maxLength: 4 })

const planSchema = z.object({
  rounds: z.array(z.array(z.enum(QUESTIONS))),
  ending: z.enum(ENDINGS),
  notifications: z.number(),
  isStream: z.boolean(),
})
const paramsSchema = z.object({ arguments: z.object({ plan: planSchema }), requestState: z.string().optional() })
type Plan = z.output<typeof planSchema>
type PlannedCall = Readonly<{ id: string | number; plan: Plan; isCancelled: boolean }>

const AT_A_TIME = 8
const WITHIN_MS = 30_000

interface SequencesOptions {
  readonly mcpUrl: string
  readonly token: string
  readonly server: ScriptedModernServer
  readonly count: number
  readonly seed: number
}

/** What was wrong, a sentence each. */
export async function bridgeSequences({ mcpUrl, token, server, count, seed }: SequencesOptions): Promise<readonly string[]> {
  server.onCall(played)
  const complaints: string[] = []
  const left = [...sample(sequence, { seed, numRuns: count }).entries()]
  const work = async (): Promise<void> => {
    const capabilities = { elicitation: {}, sampling: {}, roots: {} }
    const client = await LegacyClient.open(mcpUrl, token, { capabilities })
    for (let next = left.pop(); next; next = left.pop()) {
      const [index, calls] = next
      const distinct = [...new Map(calls.map((each) => [`${typeof each.id} ${each.id}`, each])).values()]
      const found = await Promise.all(distinct.map(async (each) => await answered(client, each).catch(noAnswer)))
      for (const [at, wrong] of found.entries())
        if (wrong !== undefined) complaints.push(`sequence ${index}: ${wrong}: ${JSON.stringify(distinct[at])}`)
    }
    await client.delete()
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, work))
  return complaints
}

async function answered(client: LegacyClient, { id, plan: planned, isCancelled }: PlannedCall): Promise<string | undefined> {
  const params = { name: 'play', arguments: { plan: planned } }
  const leave = new AbortController()
  const asking = client.post({ jsonrpc: '2.0', id, method: 'tools/call', params }, {}, leave.signal)
  const cancelling = isCancelled ? cancelledSoon(client, id) : undefined
  const response = await Promise.race([asking, sleep(WITHIN_MS)])
  await cancelling
  if (!response) return 'no response in time'
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
  if (!isStream) {
    const said = await response.text()
    if (isCancelled && response.status === 202) return undefined
    if (response.status !== 200 && !(planned.ending === 'status 503' && response.status === 503))
      return `status ${response.status}: ${said}`
    return response.status === 503 || isAnswer(JSON.parse(said), id) ? undefined : `said ${said}`
  }
  const stream = new EventStream(response, leave)
  const over = Promise.race([stream.over, sleep(WITHIN_MS)])
  const reacted = reacting(client, stream)
  if ((await over) === undefined) return 'the stream does not end'
  await reacted
  const answers = stream.messages.map(({ data = '' }): unknown => JSON.parse(data)).filter((message) => !hasMethod(message))
  const isRight = answers.every((message) => isAnswer(message, id)) && (isCancelled ? answers.length <= 1 : answers.length === 1)
  return isRight ? undefined : `answers ${JSON.stringify(answers)}`
}

function noAnswer(error: unknown): string {
  return `no answer: ${inspect(error)}`
}

async function cancelledSoon(client: LegacyClient, id: string | number): Promise<void> {
  await sleep(15)
  await (await client.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } })).text()
}

const questionSchema = z.object({
  id: z.string(),
  method: z.string(),
  params: z.object({ message: z.string().optional(), maxTokens: z.number().optional() }).optional(),
})

/** Answers what it is asked, as the question says. */
async function reacting(client: LegacyClient, stream: EventStream): Promise<void> {
  let isOver = false
  void stream.over.then(() => (isOver = true))
  for (let seen = 0; ;) {
    const message = stream.messages[seen]
    if (!message) {
      if (isOver) return
      await sleep(2)
      continue
    }
    seen += 1
    const question = questionSchema.safeParse(JSON.parse(message.data ?? '')).data
    if (!question) continue
    const { id, method, params } = question
    const error = { code: -1, message: 'no' }
    const isError = params?.message === 'error' || params?.maxTokens === 2
    const result =
      method === 'roots/list'
        ? { roots: [] }
        : method === 'sampling/createMessage'
          ? { role: 'assistant', model: 'm', content: [] }
          : { action: params?.message }
    await (await client.post({ jsonrpc: '2.0', id, ...(isError ? { error } : { result }) })).text()
  }
}

function isAnswer(message: unknown, id: string | number): boolean {
  if (typeof message !== 'object' || message === null || !('id' in message)) return false
  return message.id === id && 'result' in message !== 'error' in message
}

function hasMethod(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'method' in message
}

const INPUTS: Readonly<Record<(typeof QUESTIONS)[number], object>> = {
  accept: { method: 'elicitation/create', params: { message: 'accept', requestedSchema: { type: 'object' } } },
  decline: { method: 'elicitation/create', params: { message: 'decline', requestedSchema: { type: 'object' } } },
  error: { method: 'elicitation/create', params: { message: 'error', requestedSchema: { type: 'object' } } },
  sample: { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } },
  'sample error': { method: 'sampling/createMessage', params: { messages: [], maxTokens: 2 } },
  roots: { method: 'roots/list' },
  undeclared: { method: 'elicitation/create', params: { mode: 'url', url: 'https://a.example', message: 'm' } },
  unknown: { method: 'tools/list', params: {} },
}

/** The server: the plan comes with each request, and the round with its state. */
function played(asked: ModernScriptCall): void {
  const { res, message } = asked
  const { data } = paramsSchema.safeParse(message.params)
  if (!data) return asked.refuse(-32_602)
  const { rounds, ending, notifications, isStream } = data.arguments.plan
  const at = Number(data.requestState ?? 0)
  const round = rounds[at]
  const stream = isStream || notifications > 0 ? asked.stream() : undefined
  for (let step = 1; step <= notifications; step += 1)
    stream?.notify('notifications/progress', { progressToken: 'p', progress: step })
  const say = (result: object): void => (stream ? stream.answer(result) : asked.answer(result))
  if (round) {
    const inputRequests = Object.fromEntries(round.map((question, index) => [`k${index}`, INPUTS[question]]))
    return say({ resultType: 'input_required', inputRequests, requestState: String(at + 1) })
  }
  if (ending === 'result') return say({ content: [] })
  if (ending === 'bad type') return say({ resultType: 'task' })
  if (stream) return misbehave(ending, stream, message.id)
  if (ending === 'error 404') return asked.refuse(-32_601, 'no', undefined, 404)
  if (ending === 'error 400') return asked.refuse(-32_021)
  if (ending === 'html 404') return void res.writeHead(404, { 'content-type': 'text/html' }).end('<html>')
  if (ending === 'status 503') return void res.writeHead(503).end('busy')
  if (ending === 'accepted') return void res.writeHead(202).end()
  if (ending === 'cut') {
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': '99' }).write('{}', () => res.destroy())
    return
  }
  res.writeHead(200, { 'content-type': 'application/json' })
  res.end(ending === 'garbage' ? '{"jsonrpc":' : JSON.stringify({ jsonrpc: '2.0', id: 'of nobody', result: {} }))
}

function misbehave(ending: string, stream: ReturnType<ModernScriptCall['stream']>, id: unknown): void {
  const answer = { jsonrpc: '2.0', id, result: { content: [] } }
  if (ending === 'wrong id') stream.send({ ...answer, id: 'of nobody' })
  if (ending === 'two answers') for (const one of [answer, answer]) stream.send(one)
  if (ending === 'request') stream.send({ jsonrpc: '2.0', id: 1, method: 'ping' })
  if (ending === 'garbage') stream.send('no message')
  if (ending === 'error 404') stream.send({ jsonrpc: '2.0', id, error: { code: -32_601, message: 'no' } })
  if (ending === 'cut') stream.cut()
  else stream.end()
}
