// Fetches JSON from an untrusted URL (client metadata, key sets): the only place that does, with the address policy and bounds in size and time.
import { BodyError, readBounded } from '../../platform/bounded-body.ts'
import { outbound } from '../../platform/outbound.ts'
import { describeError } from '../../platform/telemetry.ts'
import { faultOfAddress, type AddressPolicy } from '../../clients/public-address.ts'

export type Fetched =
  | {
      readonly document: unknown
      /** Seconds for which nobody needs to ask again. */
      readonly freshFor: number
    }
  | {
      /** A phrase after “the document …”, for anybody. */
      readonly fault: string
      /** For our log: what exactly a host answered is not for strangers to find out through us. */
      readonly detail: string
      /** The host did not answer, or not as a host at work does: nothing is known about the document. */
      readonly isOutage: boolean
    }

const WITHIN_MS = 5_000
const UNREACHABLE = 'can not be fetched at the moment'
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i
/** Seconds. The owner of the document says how long (RFC 9111), within reason; an hour if they say nothing. */
const FRESH = { min: 300, default: 3_600, max: 86_400 } as const

export async function publicDocument(address: string, mostBytes: number, policy: AddressPolicy): Promise<Fetched> {
  const fault = faultOfAddress(address, policy)
  if (fault !== undefined) return { fault: 'is nowhere this broker may ask', detail: `the address ${fault}`, isOutage: false }
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(new DOMException('no answer in time', 'TimeoutError')), WITHIN_MS)
  try {
    const answer = await outbound('stranger', address, { headers: { accept: 'application/json' } }, { signal: late.signal })
    return await read(answer, mostBytes)
  } catch (error) {
    return { fault: UNREACHABLE, detail: describeError(error), isOutage: true }
  } finally {
    clearTimeout(timer)
    // Whatever was not read of the answer is not wanted any more.
    late.abort()
  }
}

/** A redirect is an answer like any other that is not 200: whose address it leads to, nobody has looked at. */
async function read(answer: Response, mostBytes: number): Promise<Fetched> {
  const { status, headers } = answer
  const type = headers.get('content-type') ?? ''
  if (status >= 500 || status === 429) return { fault: UNREACHABLE, detail: `status ${status}`, isOutage: true }
  if (status !== 200) return refused('is not at its address', `status ${status}`)
  if (!JSON_TYPE.test(type)) return refused('is not application/json', `type ${type.slice(0, 100)}`)
  const bytes = await upTo(mostBytes, answer)
  if (!bytes) return refused(`is larger than ${mostBytes} bytes`)
  try {
    const document: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes))
    return { document, freshFor: freshFor(headers) }
  } catch {
    return refused('is not valid JSON')
  }
}

function refused(fault: string, detail = fault): Fetched {
  return { fault, detail, isOutage: false }
}

/** Undefined for one that is larger. */
async function upTo(mostBytes: number, { body }: Response): Promise<Uint8Array | undefined> {
  try {
    return await readBounded(body, { mostBytes, withinMs: WITHIN_MS })
  } catch (error) {
    if (error instanceof BodyError && error.reason === 'too_large') return undefined
    throw error
  }
}

function freshFor(headers: Headers): number {
  const cacheControl = headers.get('cache-control') ?? ''
  if (/\bno-(?:store|cache)\b/i.test(cacheControl)) return FRESH.min
  const maxAge = /\bmax-age\s*=\s*"?(\d{1,9})/i.exec(cacheControl)?.[1]
  const seconds = maxAge === undefined ? FRESH.default : Number(maxAge) - Number(headers.get('age') ?? 0)
  // An Age that is no number makes no number; the least is always right.
  return Math.max(FRESH.min, Math.min(FRESH.max, seconds || 0))
}
