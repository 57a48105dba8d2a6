// How an error is said: as a page to a person, as JSON to a program, with the same code and request id for both.
import type { Context, ErrorHandler, NotFoundHandler } from 'hono'
import { OAuthError } from '../clients/oauth-error.ts'
import { IdentityError } from '../identity/provider.ts'
import { LinkError } from '../linking/link-error.ts'
import { RemoteError, type RemoteErrorReason, type RequestFault } from '../oauth-client/remote-error.ts'
import { errorPage } from '../pages/error.tsx'
import { pageHeaders } from '../pages/headers.ts'
import { describeError, log } from '../platform/telemetry.ts'
import { docsOf } from './error-docs.ts'
import type { Variables } from './guards.ts'

/** What a refusal looks like once it is known who reads it. */
interface Answer {
  readonly status: 400 | 401 | 403 | 404 | 408 | 413 | 429 | 500 | 502 | 503
  readonly code: string
  readonly message: string
  readonly title: string
  readonly hint?: string
  readonly retryAfter?: number | undefined
}

const PEOPLE: readonly string[] = ['/', '/authorize', '/callback']

/** Paths where a browser is expected get pages; everything else gets JSON, whatever it says it accepts. */
export function wantsPage(request: Request): boolean {
  // Of a host that is none nothing can be read.
  const pathname = URL.parse(request.url)?.pathname ?? ''
  return (
    PEOPLE.includes(pathname) ||
    pathname.startsWith('/callback/') ||
    /^\/link\/callback(?:\/|$)/.test(pathname) ||
    (/^\/(?:account|admin)(?:\/|$)/.test(pathname) && !pathname.startsWith('/admin/api'))
  )
}

export const answerError: ErrorHandler<{ Variables: Variables }> = (error, c) => {
  const answer = answerFor(error)
  const why = error instanceof OAuthError ? error.reason : describeError(error)
  const event = answer.status >= 500 ? 'request.failed' : 'request.refused'
  log(answer.status >= 500 ? 'error' : 'info', event, {
    code: answer.code,
    status: answer.status,
    message: answer.message,
    reason: why,
    detail: error instanceof RemoteError ? error.detail : undefined,
    path: URL.parse(c.req.url)?.pathname,
    request_id: c.get('requestId'),
  })
  return say(c, answer)
}

export const notFound: NotFoundHandler<{ Variables: Variables }> = (c) => {
  const answer: Answer = { status: 404, code: 'not_found', title: 'Nothing here', message: 'There is nothing at this address.' }
  return c.req.header('Accept')?.includes('text/html') ? page(c, answer) : json(c, answer)
}

function answerFor(error: unknown): Answer {
  if (error instanceof OAuthError) return ofOAuth(error)
  if (error instanceof IdentityError) {
    const { reason, fault, message } = error
    const shown = fault === undefined ? OF_PROVIDER[reason] : { ...REFUSED_REQUEST, hint: OF_REQUEST[fault] }
    return { code: `identity_provider_${reason}`, message, ...shown }
  }
  if (error instanceof LinkError)
    return { code: `server_sign_in_${error.reason}`, message: error.message, ...OF_SERVER[error.reason] }
  if (objectIsAway(error)) {
    return {
      status: 503,
      code: 'temporarily_unavailable',
      title: 'One moment, please',
      message: 'The broker cannot reach its storage at the moment. Nothing was decided; please try again.',
      retryAfter: 2,
    }
  }
  return {
    status: 500,
    code: 'server_error',
    title: 'Something went wrong',
    message: 'The broker made a mistake. It has been logged under the request id below.',
  }
}

const OF_SERVER: Readonly<Record<RemoteErrorReason, Omit<Answer, 'code' | 'message'>>> = {
  unreachable: {
    status: 503,
    title: 'The MCP server’s sign-in does not answer',
    hint: 'Wait a moment, then start the connection again.',
    retryAfter: 30,
  },
  denied: { status: 403, title: 'You were not connected', hint: 'Start the connection again.' },
  refused: {
    status: 502,
    title: 'The MCP server’s sign-in refused the broker',
    hint: 'Start the connection again; if it fails again, give the request id to your administrator.',
  },
  invalid: {
    status: 502,
    title: 'The MCP server’s sign-in could not be verified',
    hint: 'Give the request id to your administrator: the log says what is wrong.',
  },
}

const OF_PROVIDER: Readonly<Record<RemoteErrorReason, Omit<Answer, 'code' | 'message'>>> = {
  unreachable: {
    status: 503,
    title: 'The sign-in service does not answer',
    hint: 'Wait a moment, then start the connection again in your application. Connections that exist go on working.',
    retryAfter: 30,
  },
  denied: { status: 403, title: 'You were not signed in', hint: 'Start the connection again in your application.' },
  refused: {
    status: 502,
    title: 'Token exchange failed',
    hint: 'Start the connection again; if it fails again, give the request id to your administrator.',
  },
  invalid: { status: 400, title: 'The sign-in could not be verified', hint: 'Start the connection again in your application.' },
}

const REFUSED_REQUEST = { status: 502, title: 'The identity provider refused to begin the sign-in' } as const

/** Trying again helps nobody here. */
const OF_REQUEST: Readonly<Record<RequestFault, string>> = {
  scope:
    'Tell your administrator: SCOPES_SUPPORTED, or scopes of a provider in IDENTITY_PROVIDERS, must name only scopes that the identity provider allows this client.',
  client:
    'Tell your administrator: the client ID, and what it may do at the identity provider. The log has the provider’s own words under this request ID.',
  request:
    'Tell your administrator: the redirect URL at the identity provider, and OAUTH_AUTHORIZE_PARAMETERS. The log has the provider’s own words under this request ID.',
}

const STATE = 'Invalid or expired state'

function ofOAuth({ code, status, message, retryAfter }: OAuthError): Answer {
  const known = ([400, 401, 403, 408, 413, 429, 503] as const).find((each) => each === status) ?? 500
  const start = 'Start the connection again in your application.'
  if (message.startsWith(STATE)) return { status: known, code, title: STATE, message, hint: start }
  if (code === 'invalid_client') {
    const hint = 'Remove this server from your application and add it again: the application then registers anew.'
    return { status: known, code, title: 'This application is not known here', message, hint }
  }
  if (code === 'invalid_redirect_uri') {
    return {
      status: known,
      code,
      title: 'The application asked for a wrong address',
      message,
      hint: 'Do not go on if you did not start this yourself.',
    }
  }
  if (code === 'invalid_client_metadata')
    return { status: known, code, title: 'This application describes itself wrongly', message }
  if (code === 'access_denied') return { status: known, code, title: 'You have no access to this', message }
  if (code === 'login_required') return { status: known, code, title: 'Please sign in again', message }
  return { status: known, code, title: 'This request cannot be answered', message, hint: start, retryAfter }
}

/**
 * What a call to a Durable Object fails with is never the caller's mistake, and nothing has been decided: it is overloaded,
 * restarting or cut off (marked by the runtime), it threw (`remote`), or its storage failed, for which words are the only mark.
 */
function objectIsAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const marks = ['remote', 'retryable', 'overloaded', 'durableObjectReset']
  return marks.some((mark) => Reflect.get(error, mark) === true) || error.message.startsWith('internal error; reference = ')
}

function say(c: Context<{ Variables: Variables }>, answer: Answer): Response {
  return wantsPage(c.req.raw) ? page(c, answer) : json(c, answer)
}

function page(c: Context<{ Variables: Variables }>, { status, code, title, message, hint, retryAfter }: Answer): Response {
  if (retryAfter !== undefined) c.header('Retry-After', String(retryAfter))
  // 401 asks for credentials in a header (RFC 9110 section 15.5.2); a person who sees a page has none to send.
  const shown = status === 401 ? 400 : status
  const requestId = c.get('requestId')
  const said = sentence(message.startsWith(`${title}: `) ? message.slice(title.length + 2) : message)
  const html = errorPage({
    status: shown,
    code,
    title,
    message: said,
    requestId,
    docs: docsOf(c, code),
    ...(hint !== undefined && { hint }),
  })
  return c.body(html, shown, pageHeaders())
}

/** Programs get phrases without a full stop; people get sentences. */
function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`
}

function json(c: Context<{ Variables: Variables }>, { status, code, message, retryAfter }: Answer): Response {
  if (retryAfter !== undefined) c.header('Retry-After', String(retryAfter))
  // RFC 6749 section 5.2: a client that tried Basic is answered with that scheme.
  if (status === 401 && /^basic /i.test(c.req.header('Authorization') ?? ''))
    c.header('WWW-Authenticate', 'Basic realm="mcp-session-broker"')
  return c.json({ error: code, error_description: message, error_uri: docsOf(c, code), request_id: c.get('requestId') }, status, {
    'Cache-Control': 'no-store',
  })
}
