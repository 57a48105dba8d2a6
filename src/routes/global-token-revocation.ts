// POST /global-token-revocation and /NAME: an identity provider ends everything a person has (OAuth Global Token Revocation).
import { decodeJwt } from 'jose'
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import { readRevocationToken, subjectIn, type RevocationToken } from '../signals/global-token-revocation.ts'
import { SignalRefusal, type SignalSource } from '../signals/signer.ts'
import { personOf } from '../signals/subject.ts'
import type { Services } from '../services.ts'
import type { SignalSubject } from '../session/contract/signal.ts'
import { docsOf } from './error-docs.ts'
import { readText } from './form.ts'
import type { Guarded } from './guards.ts'
import { bearerToken } from './bearer-token.ts'
import { logRefused, takeSignal, unknowable } from './signal.ts'

const DOOR = 'global-token-revocation'
export const REVOCATION_PATH = `/${DOOR}`
const LARGEST_BODY = 16 * 1024

/** The status is what a sender reads; the code is for whoever looks why. */
const ANSWERS = {
  400: ['invalid_request', 'the body is not understood'],
  401: ['invalid_token', 'the token is not valid here'],
  403: ['access_denied', 'this provider may not end access here: set revocation_issuer in its signals'],
  404: ['not_found', 'there is no such person'],
  422: ['not_finished', 'not everything has ended yet: it is tried again until it has'],
} as const

export function globalTokenRevocationRoutes(services: Services): Hono<Guarded> {
  const routes = new Hono<Guarded>()
  for (const path of [REVOCATION_PATH, `${REVOCATION_PATH}/:name`])
    routes.post(path, async (c) => {
      try {
        return await revoked(c, services)
      } catch (error) {
        if (!(error instanceof SignalRefusal)) throw error
        logRefused(c, DOOR, error)
        if (error.fault === 'unknowable') throw unknowable(error)
        return answer(c, error.fault === 'untrue' ? 401 : 400, error.message)
      }
    })
  return routes
}

// Who asks comes first, then whether they may, then what they ask: a caller that is not believed learns nothing of anybody.
async function revoked(c: Context<Guarded>, services: Services): Promise<Response> {
  const receivedAt = Date.now()
  const { source, token } = await asking(c, services)
  if (source.settings.revocationIssuer === undefined) return answer(c, 403)
  const subject = subjectIn(jsonIn(await readText(c, LARGEST_BODY, 'a revocation')))
  const names = await personOf(subject, source, token.issuer).catch((error: unknown): SignalSubject => {
    if (error instanceof SignalRefusal && error.fault === 'foreign') return { what: 'nobody' }
    throw error
  })
  const { key: provider, name: providerName } = source
  const said = { door: DOOR, provider, providerName, event: DOOR, receivedAt, names, effect: 'end' } as const
  const { outcome } = await takeSignal(c, services, { ...said, ...token })
  // A token is good once, so whoever shows it again shows none.
  if (outcome === 'reused') return answer(c, 401)
  if (outcome === 'unknown') return answer(c, 404)
  return outcome === 'done' ? c.body(null, 204, { 'Cache-Control': 'no-store' }) : answer(c, 422)
}

async function asking(
  c: Context<Guarded>,
  { settings, signalSources, now }: Services,
): Promise<{ readonly source: SignalSource; readonly token: RevocationToken }> {
  const token = bearerToken(c.req.header('Authorization'))
  const source = token === undefined ? undefined : sourceFor(signalSources, c.req.param('name'), token)
  if (token === undefined || !source) throw new SignalRefusal('untrue', ANSWERS[401][1], 'no provider’s token came with it')
  const url = `${settings.baseUrl}${c.req.path}`
  return { source, token: await readRevocationToken(token, { source, url, now: now() }) }
}

/** At the address without a name, whoever the token says it is from. */
function sourceFor(sources: readonly SignalSource[], name: string | undefined, token: string): SignalSource | undefined {
  if (name !== undefined) return sources.find(({ key }) => key === name)
  try {
    decodeJwt(token)
  } catch {
    return undefined
  }
  const named = sources.filter(({ revocation }) => revocation.isNamedBy(token))
  return named.find(({ settings }) => settings.revocationIssuer !== undefined) ?? named[0]
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function answer(c: Context<Guarded>, status: keyof typeof ANSWERS, message: string = ANSWERS[status][1]): Response {
  if (status === 401) c.header('WWW-Authenticate', 'Bearer realm="mcp-session-broker", error="invalid_token"')
  const [error] = ANSWERS[status]
  const body = { error, error_description: message, error_uri: docsOf(c, error), request_id: c.get('requestId') }
  return c.json(body, status, { 'Cache-Control': 'no-store' })
}
