// The bytes of a request body, never more of them than allowed, and only of a kind that everybody reads the same way.
import { BodyError, readMessage } from '../../platform/bounded-body.ts'
import { ownTimer, type Deadline } from '../../platform/deadlines.ts'
import { HeldBytesError, type HeldBytes, type Holding } from '../../platform/held-bytes.ts'
import { McpRefusal } from './refusal.ts'

/** One media type, parameters allowed; a list of two is neither of them. */
const JSON_TYPE = /^application\/json\s*(?:;[^,]*)?$/i
const CHARSET = /;\s*charset\s*=\s*"?([^";\s]*)/i

/** Enough for the largest body over a slow line. */
const WITHIN_MS = 30_000

/** Throws, at once or later, an `McpRefusal` for a body that is none of JSON in UTF-8, has too many bytes or does not come. */
export function readBody(
  request: Request,
  mostBytes: number,
  holds: (bytes: number) => void,
  deadline: Deadline = ownTimer,
): Promise<Uint8Array<ArrayBuffer>> {
  const { headers } = request
  const [type, encoding] = [headers.get('content-type') ?? '', headers.get('content-encoding')]
  // As nearly everybody spells it.
  if (type !== 'application/json' || encoding !== null) checkMediaType(type, encoding ?? 'identity')
  if (Number(headers.get('content-length') ?? 0) > mostBytes) throw tooLarge(mostBytes)
  return readMessage(request, { mostBytes, withinMs: WITHIN_MS, holds, deadline }).catch((error: unknown) => {
    if (!(error instanceof BodyError)) throw error
    if (error.reason === 'too_large') throw tooLarge(mostBytes)
    throw new McpRefusal('body_too_slow', `the body of a request is sent within ${WITHIN_MS / 1000} seconds`)
  })
}

const handed = new WeakMap<Request, Promise<Uint8Array<ArrayBuffer>>>()

/** As the router hands it to the object: it has been read there, so all of it is on its way. Who asks again is given the same. */
export function handedBody(
  request: Request,
  { maxBodyBytes }: { readonly maxBodyBytes: number },
  deadline: Deadline = ownTimer,
): Promise<Uint8Array<ArrayBuffer>> {
  const read = handed.get(request) ?? readMessage(request, { mostBytes: maxBodyBytes, withinMs: WITHIN_MS, deadline })
  handed.set(request, read)
  return read
}

function checkMediaType(type: string, encoding: string): void {
  if (type.includes(',')) throw new McpRefusal('malformed_header', 'the request names more than one Content-Type')
  const charset = CHARSET.exec(type)?.[1]?.toLowerCase() ?? 'utf-8'
  if (!JSON_TYPE.test(type) || (charset !== 'utf-8' && charset !== 'utf8')) {
    throw new McpRefusal('unsupported_media_type', 'the Content-Type of an MCP message is application/json, in UTF-8')
  }
  if (encoding.toLowerCase() !== 'identity') {
    throw new McpRefusal('unsupported_media_type', 'the body of an MCP message is sent without a Content-Encoding')
  }
}

function tooLarge(maxBytes: number): McpRefusal {
  return new McpRefusal('body_too_large', `the body of a request may have ${maxBytes} bytes`)
}

/** Room for what a request of this person brings, until it is released; throws an `McpRefusal` where there is none. */
export function bodyRoom(held: HeldBytes, sub: string): Holding {
  const { hold, release } = orRefuse(() => held.open(sub))
  return { hold: (bytes) => orRefuse(() => hold(bytes)), release }
}

function orRefuse<Result>(work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof HeldBytesError)) throw error
    if (error.whose === 'all') throw new McpRefusal('broker_busy', 'The broker has too much at once to do: try again in a moment')
    throw new McpRefusal('limit_exceeded', 'too much is being sent at once: wait until some of it is answered')
  }
}
