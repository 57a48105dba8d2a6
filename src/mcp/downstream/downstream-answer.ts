// What is looked at in an answer of the downstream before any of it is passed on.
import { beginningOf, readShort, type BodyBounds } from '../../platform/bounded-body.ts'
import { ownTimer, type Deadline } from '../../platform/deadlines.ts'
import { McpRefusal } from '../message/refusal.ts'
import { MAX_EVENT_BYTES } from '../sse/relay.ts'

/** Codings that make other bytes of a body. What names none of them leaves the bytes as they are (WHATWG Fetch), `none` and `utf-8` too. */
const CODINGS: readonly string[] = ['gzip', 'x-gzip', 'br', 'deflate', 'zstd', 'compress', 'x-compress', 'dcb', 'dcz']
/** The runtime has undone these by the time we see the body, where they stand alone. */
const UNDONE: readonly string[] = ['gzip', 'br']

/** Undefined of an answer that may reach a client as it is; any other is given up, and its refusal thrown. */
export function checkAnswer(answer: Response): Promise<never> | undefined {
  const refusal = refusalOf(answer)
  return refusal && refused(answer, refusal)
}

async function refused(answer: Response, refusal: McpRefusal): Promise<never> {
  await answer.body?.cancel()
  throw refusal
}

function refusalOf({ status, headers }: Response): McpRefusal | undefined {
  if (status >= 300 && status < 400) {
    // Followed, it would turn a POST into a GET and take the person's credentials to a host nobody named.
    const host = URL.parse(headers.get('location') ?? '')?.host ?? 'a path of its own'
    return new McpRefusal('downstream_redirect', 'The downstream MCP server redirects, and redirects are not followed', {
      reason: `${status} to ${host}: configure the final URL`,
    })
  }
  if (status === 401 || status === 407) {
    // Passed on, it would send the client into an endless authorization with a broker that has nothing against it.
    return new McpRefusal('downstream_unauthorized', 'The downstream MCP server did not accept the credentials of the broker', {
      reason: `the downstream answered ${status}: check its authentication mode`,
    })
  }
  if (status < 200 || status > 599) {
    const message = 'The downstream MCP server gave an answer that is not HTTP as agreed'
    return new McpRefusal('downstream_malformed', message, { reason: `status ${status}` })
  }
  const coding = codingLeft(headers)
  if (coding === undefined) return undefined
  const message = `The downstream MCP server compressed its answer with ${coding}, which it was not asked for`
  return new McpRefusal('downstream_malformed', message, { reason: `content encoding ${coding}` })
}

function codingLeft(headers: Headers): string | undefined {
  const said = headers.get('content-encoding')
  if (said === null) return undefined
  const named = said.split(',').map((coding) => coding.trim().toLowerCase())
  const codings = named.filter((coding) => CODINGS.includes(coding))
  const [only = '', ...others] = codings
  return others.length === 0 && UNDONE.includes(only) && named.length === 1 ? undefined : codings.at(-1)
}

/**
 * The status where it says all there is to say. Clients are known to trip over a body behind a 202, or to wait for its end. What
 * answers no request and was taken is answered 202 (MCP 2025-11-25, "Sending Messages to the Server" 4); many servers say 200 or 204
 * and send an empty object, a word or events, and strict clients call the handshake failed.
 */
export function bareStatus(answer: Response, answersRequest: boolean): number | undefined {
  const { status } = answer
  if (!answersRequest && answer.ok) return 202
  return status === 202 || status === 204 || status === 205 ? status : undefined
}

/** One announced as no longer than this is waited for, and goes out at once: its server has it already. */
const ANNOUNCED_ANSWER = { mostBytes: 64 * 1024, withinMs: 60_000 } as const

/** One that announces nothing is short when all of it is there in time. */
const SHORT_ANSWER = { mostBytes: 64 * 1024, withinMs: 900 } as const

/**
 * One that was compressed is waited for, whatever its length: where it turns out to be something else than it says, its client is told
 * so with a status, and is not left with half an answer.
 */
const COMPRESSED_ANSWER = { mostBytes: MAX_EVENT_BYTES, withinMs: 60_000 } as const

/** All of an answer that is short. Of any other a stream, which is tied to the grant until its end: what it announces is no promise. */
export function shortOrStream(
  answer: Response,
  body: ReadableStream<Uint8Array>,
  deadline: Deadline = ownTimer,
): Promise<ShortOrStream> | ReadableStream<Uint8Array> {
  const { headers } = answer
  const coding = headers.get('content-encoding')
  if (coding !== null && UNDONE.includes(coding.trim().toLowerCase())) return begun(body, { ...COMPRESSED_ANSWER, deadline })
  const short = readShort(answer, { ...ANNOUNCED_ANSWER, deadline })
  if (short) return short
  // Of a message nobody can use the beginning: it is waited for though its length was not announced.
  const isMessage = !headers.has('content-length') && headers.get('content-type')?.startsWith('application/json') === true
  return isMessage ? begun(body, { ...SHORT_ANSWER, deadline }) : body
}

type ShortOrStream = Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>

async function begun(body: ReadableStream<Uint8Array>, bounds: BodyBounds): Promise<ShortOrStream> {
  const { bytes, rest } = await beginningOf(body, bounds)
  return rest ?? bytes
}
