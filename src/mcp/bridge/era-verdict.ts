// Which era an MCP server speaks, judged by its answer to `server/discover`: yes, no, or not known from this answer.
//
// "The era determination is a property of the server" (MCP 2026-07-28, Versioning, "Backward Compatibility"). Who fails at the moment, or
// wants somebody to sign in, has said nothing about it; and a bare 200 proves nothing either, because servers of the older revisions
// answer whatever they are asked.
import * as z from 'zod'
import { jsonIn } from '../message/response.ts'
import { type Era } from '../message/era.ts'
import { MODERN_VERSION } from '../message/revision.ts'
import { backoff } from '../../platform/backoff.ts'

/** For how long a verdict is good, in milliseconds: a server may be replaced by one of another era at any time. */
const REMEMBERED_MS = 600_000

/** After a question that brought no verdict the next one waits, twice as long each time: a server that hangs would delay every request. */
const ASKED_AGAIN_MS = { first: 2_000, longest: 30_000 } as const

/** A verdict that an answer contradicts is asked about once in so long, in milliseconds: whoever provokes such answers provokes no questions. */
const DOUBTED_AGAIN_MS = 10_000

/** MCP 2026-07-28, "Error Codes": a header that disagrees, a capability that is missing, a version that is not spoken. */
export const HEADER_MISMATCH = -32_020
export const MISSING_CAPABILITY = -32_021
export const UNSUPPORTED_VERSION = -32_022

/** What was answered to `server/discover`: the status, and the JSON-RPC message in it, whichever way it came. */
export interface DiscoverAnswer {
  readonly status: number
  readonly message: string
}

const resultSchema = z.object({ result: z.object({ supportedVersions: z.array(z.unknown()) }) })
const errorSchema = z.object({ error: z.object({ code: z.number(), data: z.unknown().optional() }) })
const versionsSchema = z.object({ supported: z.array(z.string()).min(1) })

/** Sign-in, too early, too often, and whatever goes wrong on the server's side. */
const NO_VERDICT: readonly number[] = [401, 403, 407, 408, 425, 429]

/** Undefined where the answer says nothing about the era, and for a server whose oldest revision is newer than the one spoken here. */
export function verdictOf({ status, message }: DiscoverAnswer): Era | undefined {
  if (status >= 500 || status < 200 || (status >= 300 && status < 400) || NO_VERDICT.includes(status)) return undefined
  const parsed = jsonIn(message)
  const versions = resultSchema.safeParse(parsed).data?.result.supportedVersions
  if (versions)
    return versions.includes(MODERN_VERSION) ? 'modern' : ofVersions(versions.filter((one) => typeof one === 'string'))
  const error = errorSchema.safeParse(parsed).data?.error
  if (error?.code === HEADER_MISMATCH || error?.code === MISSING_CAPABILITY) return 'modern'
  if (error?.code === UNSUPPORTED_VERSION)
    return ofVersions(versionsSchema.safeParse(error.data).data?.supported ?? [MODERN_VERSION])
  return 'legacy'
}

function ofVersions(versions: readonly string[]): Era | undefined {
  if (versions.includes(MODERN_VERSION)) return 'modern'
  return versions.some((version) => version < MODERN_VERSION) || versions.length === 0 ? 'legacy' : undefined
}

/** Errors by which a server that knows nothing of `initialize`, or of a request without `_meta`, refuses a client of the older revisions. */
const REFUSES_LEGACY: readonly number[] = [-32_600, -32_601, -32_602, HEADER_MISMATCH, MISSING_CAPABILITY, UNSUPPORTED_VERSION]

/** Whether the answer to an `initialize` is one that a modern-only server would give: a reason to ask, and no verdict. */
export function mayBeModern(status: number, message: string): boolean {
  if (status !== 200 && status !== 400 && status !== 404 && status !== 405) return false
  const code = errorSchema.safeParse(jsonIn(message)).data?.error.code
  return code !== undefined && REFUSES_LEGACY.includes(code)
}

/** What a server of 2026-07-28 says itself of a method it does not know, and of parameters. */
const OF_EITHER: readonly number[] = [-32_601, -32_602]

/** Whether the answer to a request of 2026-07-28 is one that an older server alone would give: a reason to ask, and no verdict. */
export function mayBeLegacy(status: number, message: string): boolean {
  if (status !== 400 && status !== 404 && status !== 405) return false
  const code = errorSchema.safeParse(jsonIn(message)).data?.error.code
  return (code === undefined || !OF_EITHER.includes(code)) && verdictOf({ status, message }) === 'legacy'
}

interface Remembered {
  /** Where the last question brought none the verdict before it; undefined: there was none. */
  readonly era: Era | undefined
  readonly untilMs: number
  /** Questions in a row that brought none. */
  readonly misses: number
}

/** Verdicts by server, in memory. Whoever has to know and does not asks once, for all who want to know at the time. */
export class EraMemory {
  readonly #nowMs: () => number
  readonly #verdicts = new Map<string, Remembered>()
  readonly #asking = new Map<string, Promise<Era | undefined>>()
  readonly #doubtedAt = new Map<string, number>()

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  of(server: string): Era | undefined {
    return this.#current(server)?.era
  }

  /** False also where nothing is known, and it was asked a moment ago. */
  isToBeAsked(server: string): boolean {
    return this.#current(server) === undefined
  }

  /** As remembered, or as `probe` finds it out; undefined where that brought no verdict, now or a moment ago. */
  async found(server: string, probe: () => Promise<DiscoverAnswer | undefined>): Promise<Era | undefined> {
    if (!this.isToBeAsked(server)) return this.of(server)
    const asking =
      this.#asking.get(server) ??
      probe()
        .then((answer) => this.note(server, answer && verdictOf(answer)))
        .finally(() => this.#asking.delete(server))
    this.#asking.set(server, asking)
    return await asking
  }

  /** What is known then: without a verdict the one before it stays, because whoever fails at the moment has not become another server. */
  note(server: string, era: Era | undefined): Era | undefined {
    // Of several who asked at once the first miss counts.
    const current = this.#current(server)
    if (!era && current) return current.era
    const before = this.#verdicts.get(server)
    const misses = era ? 0 : (before?.misses ?? 0) + 1
    const forMs = era ? REMEMBERED_MS : backoff(ASKED_AGAIN_MS, misses - 1)
    const noted = { era: era ?? before?.era, untilMs: this.#nowMs() + forMs, misses }
    this.#verdicts.set(server, noted)
    return noted.era
  }

  /** It has said what a server of that era would not; true for the first in a while, who is to ask it again. */
  doubt(server: string): boolean {
    const now = this.#nowMs()
    if (now - (this.#doubtedAt.get(server) ?? Number.NEGATIVE_INFINITY) < DOUBTED_AGAIN_MS) return false
    this.#doubtedAt.set(server, now)
    return true
  }

  /** It has said something else than a server of that era would. */
  drop(server: string): void {
    this.#verdicts.delete(server)
  }

  #current(server: string): Remembered | undefined {
    const found = this.#verdicts.get(server)
    return found && found.untilMs > this.#nowMs() ? found : undefined
  }
}
