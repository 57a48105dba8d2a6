// The questions of one round of a call: put to the client, kept over a restart, and answered one by one or not at all.
import * as z from 'zod'
import { randomId } from '../../../platform/crypto.ts'
import { givenIn, inputResponses, questionFor, type InputQuestion } from '../../bridge/input-required.ts'
import type { ModernWay } from './modern-way.ts'

/** For as long a person may think about a question, in milliseconds. */
const ANSWER_WITHIN_MS = 300_000

interface AskedQuestion extends InputQuestion {
  readonly id: string
  /** JSON of the answer. */
  given?: string
}

export type Round =
  | { readonly inputResponses: string | undefined; readonly way: ModernWay }
  /** JSON of the client's error, which ends the call. */
  | { readonly error: string }
  | 'late'

const keptSchema = z.array(
  z.object({
    id: z.string(),
    key: z.string(),
    method: z.string(),
    params: z.string().optional(),
    given: z.string().optional(),
  }),
)

export class AskedQuestions {
  readonly #questions: readonly AskedQuestion[]
  readonly #over = Promise.withResolvers<Round>()
  readonly untilMs: number

  private constructor(questions: readonly AskedQuestion[], untilMs: number) {
    this.#questions = questions
    this.untilMs = untilMs
  }

  static of(questions: readonly InputQuestion[], nowMs: number): AskedQuestions {
    return new AskedQuestions(
      questions.map((question) => ({ ...question, id: `ask-${randomId(15)}` })),
      nowMs + ANSWER_WITHIN_MS,
    )
  }

  /** As they were kept; undefined for what nobody here has written. */
  static from(kept: string, untilMs: number): AskedQuestions | undefined {
    const read = keptSchema.safeParse(JSON.parse(kept)).data
    if (!read) return undefined
    const questions = read.map(({ params, given, ...question }) => ({
      ...question,
      params,
      ...(given !== undefined && { given }),
    }))
    return new AskedQuestions(questions, untilMs)
  }

  /** For the row of the call. */
  get kept(): string {
    return JSON.stringify(this.#questions)
  }

  /** Ids of those that are not answered. */
  get open(): readonly string[] {
    return this.#questions.flatMap(({ id, given }) => (given === undefined ? [id] : []))
  }

  has(id: string): boolean {
    return this.#questions.some((question) => question.id === id && question.given === undefined)
  }

  /** The requests for the client, in their order. */
  worded(version: string): readonly string[] {
    return this.#questions.map((question) => questionFor(question, question.id, version, question.id))
  }

  /** `response` is the client's, JSON. True when that ends the round. */
  give(id: string, response: string, way: ModernWay): boolean {
    const question = this.#questions.find((one) => one.id === id && one.given === undefined)
    if (!question) return false
    const given = givenIn(response, question.method)
    if ('error' in given) {
      question.given = 'null'
      this.#over.resolve(given)
      return true
    }
    question.given = given.input
    if (this.open.length > 0) return false
    this.#over.resolve({ inputResponses: inputResponses(this.#answers()), way })
    return true
  }

  /** How it ends; throws what the signal aborts with. */
  async over(signal: AbortSignal, nowMs: number): Promise<Round> {
    const { promise: aborted, reject } = Promise.withResolvers<never>()
    const stop = (): void => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    const timer = setTimeout(() => this.#over.resolve('late'), Math.max(0, this.untilMs - nowMs))
    try {
      return await Promise.race([this.#over.promise, aborted])
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
    }
  }

  #answers(): ReadonlyMap<string, string> {
    return new Map(this.#questions.map(({ key, given = 'null' }) => [key, given]))
  }
}
