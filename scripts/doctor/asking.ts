// One question over HTTP that always comes to an end, and who seems to have answered it.
import { isEventStream } from '../../src/mcp/downstream/passing-headers.ts'
import { responseIn } from '../../src/mcp/tools/inquiry.ts'

const ANSWER_WITHIN_MS = 10_000
const MOST_CHARACTERS = 64 * 1024

/** Of a JSON-RPC request whose response may come in an event stream. */
export const ID = 'mcp-session-broker-doctor'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** The beginning of the body; of an event stream, which may have no end to wait for, the response in it to the request `ID`. */
  readonly text: string
}

/** Rejects with a sentence when there is no answer. Redirects are answers: where one leads is the finding. */
export async function asking(url: string, init: RequestInit = {}): Promise<Answer> {
  const over = new AbortController()
  const timer = setTimeout(() => over.abort(), ANSWER_WITHIN_MS)
  try {
    const response = await fetch(url, { ...init, redirect: 'manual', signal: over.signal })
    const { status, headers } = response
    if (!isEventStream(response)) return { status, headers, text: await beginningOf(response) }
    const said = init.method === 'POST' ? await responseIn(response, ID, over.signal) : undefined
    return { status, headers, text: said ?? '' }
  } catch (error) {
    throw new Error(over.signal.aborted ? `did not answer within ${ANSWER_WITHIN_MS / 1000} seconds` : whyUnreachable(error), {
      cause: error,
    })
  } finally {
    over.abort()
    clearTimeout(timer)
  }
}

async function beginningOf(response: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > MOST_CHARACTERS) break
  }
  return text
}

const CAUSES: Readonly<Record<string, string>> = {
  ENOTFOUND: 'has no address: DNS does not know the host',
  EAI_AGAIN: 'has no address: DNS does not answer',
  ECONNREFUSED: 'refused the connection: nothing listens there',
  ECONNRESET: 'broke the connection',
  CERT_HAS_EXPIRED: 'shows a certificate that has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'shows a certificate nobody has signed but itself',
  ERR_TLS_CERT_ALTNAME_INVALID: 'shows a certificate of another host',
}

/** What kept a request from its answer, from the causes a runtime gives. */
export function whyUnreachable(error: unknown): string {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const sentence =
      'code' in at && typeof at.code === 'string' ? (CAUSES[at.code] ?? `could not be reached (${at.code})`) : undefined
    if (sentence !== undefined) return sentence
  }
  return 'could not be reached'
}

/** The JSON object of a body; undefined when it is none. */
export function jsonOf({ text }: Answer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** Something that stands between us and the server we asked, by the marks it leaves; undefined when there is none to be seen. */
export function inBetween({ status, headers, text }: Answer): string | undefined {
  const location = headers.get('location') ?? ''
  if (headers.has('cf-mitigated') || /<title>Just a moment/i.test(text))
    return 'a challenge of Cloudflare (WAF or bot protection)'
  if (/\.cloudflareaccess\.com\//.test(location)) return 'the login of a Cloudflare Access application'
  if (/<title>Attention Required! \| Cloudflare|error code: 10\d\d/i.test(text)) return 'a block page of Cloudflare'
  if (headers.has('x-amzn-waf-action') || headers.get('server') === 'AkamaiGHost') return 'a web application firewall'
  if ([301, 302, 303, 307, 308].includes(status)) return `a redirect to ${location.slice(0, 200)}`
  if (/^\s*<(!doctype|html)/i.test(text)) return 'a web page'
  return undefined
}
