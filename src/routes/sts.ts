// POST /.sts: temporary credentials for a token of AUTH_ISSUER, in the form of AWS STS (AssumeRoleWithWebIdentity): XML, or JSON when asked for.
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import { OAuthError } from '../clients/oauth-error.ts'
import { ACTION, assumeRole, WebIdentityError, type AssumedRole } from '../oauth/web-identity.ts'
import { log } from '../platform/telemetry.ts'
import type { Services } from '../services.ts'
import { readForm } from './form.ts'
import type { Variables } from './guards.ts'

type StsContext = Context<{ Variables: Variables }>

/** Elements by name, in order: the one shape that both writers turn into text. */
interface Tree {
  readonly [name: string]: string | Date | Tree
}

interface Refusal {
  readonly status: 400 | 403 | 413 | 501 | 503
  readonly code: string
  readonly message: string
  readonly reason: string | undefined
}

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'
/** Where AWS says which account: there is none. */
const ACCOUNT = '000000000000'

export function stsRoutes(services: Services): Hono<{ Variables: Variables }> {
  const { settings, signedTokens, statements, session, now } = services
  const { limits: lifetimes, downstreams, exchange } = settings
  const asking = { statements, signedTokens, lifetimes, longestSession: exchange.longestSession, downstreams, session, now }
  const routes = new Hono<{ Variables: Variables }>()
  for (const path of ['/.sts', '/.sts/']) {
    routes.post(path, async (c) => {
      try {
        const result = resultOf(await assumeRole(await parametersOf(c), asking))
        const response = { [`${ACTION}Result`]: result, ResponseMetadata: { RequestId: c.get('requestId') } }
        return answer(c, 200, `${ACTION}Response`, response)
      } catch (error) {
        const refusal = refusalOf(error)
        if (!refusal) throw error
        return refused(c, refusal)
      }
    })
  }
  return routes
}

/** In the query or in the form, as programs of AWS do both; what is in both is given twice. */
async function parametersOf(c: StsContext): Promise<URLSearchParams> {
  const { searchParams } = new URL(c.req.url)
  const isEmpty = c.req.header('Content-Type') === undefined && Number(c.req.header('Content-Length') ?? 0) === 0
  const form = isEmpty ? new URLSearchParams() : await readForm(c)
  return new URLSearchParams([...searchParams, ...form])
}

function resultOf({ statement, server, sessionName, ...credentials }: AssumedRole): Tree {
  return {
    SubjectFromWebIdentityToken: statement.identity.subject,
    Audience: statement.audience,
    AssumedRoleUser: {
      Arn: `arn:aws:sts::${ACCOUNT}:assumed-role/${server}/${sessionName}`,
      AssumedRoleId: `${server}:${sessionName}`,
    },
    Credentials: {
      SessionToken: credentials.sessionToken,
      SecretAccessKey: credentials.secretAccessKey,
      Expiration: new Date(credentials.expiresAt * 1000),
      AccessKeyId: credentials.accessKeyId,
    },
    Provider: statement.identity.issuer,
  }
}

/** Undefined for an unexpected error: that is answered as everywhere. */
function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof WebIdentityError) return error
  if (!(error instanceof OAuthError)) return undefined
  const status = ([400, 413, 503] as const).find((known) => known === error.status) ?? 400
  return { status, code: status === 503 ? 'ServiceUnavailable' : 'ValidationError', message: error.message, reason: error.reason }
}

function refused(c: StsContext, { status, code, message, reason }: Refusal): Response {
  const id = c.get('requestId')
  log('info', 'request.refused', { code, status, message, reason, path: '/.sts', request_id: id })
  if (status === 503) c.header('Retry-After', '30')
  const Error = { Type: status < 500 ? 'Sender' : 'Receiver', Code: code, Message: message }
  return answer(c, status, 'ErrorResponse', { Error, RequestId: id })
}

/** Programs of AWS that ask for JSON get the members of the error without the element around them. */
function answer(c: StsContext, status: 200 | Refusal['status'], element: string, tree: Tree): Response {
  c.header('Cache-Control', 'no-store')
  if (c.req.header('Accept')?.includes('application/json') === true)
    return c.json(status === 200 ? { [element]: asJson(tree) } : asJson(tree), status)
  const xml = `<${element} xmlns="${NAMESPACE}">${asXml(tree)}</${element}>`
  return c.body(xml, status, { 'Content-Type': 'text/xml; charset=utf-8' })
}

function asXml(tree: Tree): string {
  return Object.entries(tree)
    .map(
      ([name, value]) =>
        `<${name}>${typeof value === 'object' && !(value instanceof Date) ? asXml(value) : plain(value)}</${name}>`,
    )
    .join('')
}

/** To the second, as AWS writes it. Of what XML can't hold nothing is left. */
function plain(value: string | Date): string {
  const text = value instanceof Date ? value.toISOString().replace(/\.\d{3}Z$/, 'Z') : value
  return text
    .replaceAll(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '')
    .replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

function asJson(tree: Tree): object {
  const entries = Object.entries(tree).map(([name, value]) => {
    if (value instanceof Date) return [name, value.getTime() / 1000] as const
    return [name, typeof value === 'object' ? asJson(value) : value] as const
  })
  return Object.fromEntries(entries)
}
