// Who may use the admin API: an administrator's page, one whom Cloudflare Access vouches for, or a machine with the scope `admin`.
import type { Context, MiddlewareHandler } from 'hono'
import { looksLikeMachineToken } from '../../oauth/tokens/machine-tokens.ts'
import { sameText } from '../../platform/crypto.ts'
import { adminResourceOf, type Services } from '../../services.ts'
import type { Variables } from '../guards.ts'
import { calledNow, visitorOf } from '../pages-session.ts'
import { AdminRefusal } from './refusal.ts'
import { isFromOurPageOrTyped } from '../request-source.ts'
import { vouchedFor } from './access-visitor.ts'

interface Administrator {
  /** As receipts and security events name them, and what they are called. */
  readonly actor: string
  readonly actorName: string
  readonly via: 'cookie' | 'access' | 'machine'
  /** What unsafe requests with this cookie carry as `X-CSRF-Token`. */
  readonly csrf?: string
  /** Of the pages. */
  readonly session?: string
}

export interface Administered {
  readonly Variables: Variables & { readonly administrator: Administrator }
}

const SAFE: readonly string[] = ['GET', 'HEAD']
const BEARER = /^Bearer +([\w.~+/-]+=*)$/i

// One credential decides, the most deliberate first: a request that names a token is judged by it alone, and is not let in by a
// cookie when the token is wrong.
export function adminApiOnly(services: Services): MiddlewareHandler<Administered> {
  return async function administratorGuard(c, next) {
    assertNotFromElsewhere(c, services)
    const authorization = c.req.header('Authorization')
    if (authorization !== undefined) c.set('administrator', await byToken(authorization, services))
    else c.set('administrator', (await byAssertion(c, services)) ?? (await byCookie(c, services)))
    return await next()
  }
}

/** Cookies and Access assertions come along whoever asks. */
function assertNotFromElsewhere(c: Context, { settings }: Services): void {
  if (!isFromOurPageOrTyped(c, settings.baseUrl))
    throw new AdminRefusal('forbidden_origin', 'a page of another site can not use the admin API')
  // No form can send JSON without being asked first, which this API refuses.
  const type = c.req.header('Content-Type')?.split(';')[0]?.trim().toLowerCase()
  if (!SAFE.includes(c.req.method) && type !== 'application/json')
    throw new AdminRefusal('invalid_request', 'the body must be application/json')
}

async function byToken(authorization: string, { settings, machines, signedTokens, session }: Services): Promise<Administrator> {
  const token = BEARER.exec(authorization)?.[1] ?? ''
  const resource = adminResourceOf(settings)
  const caller = looksLikeMachineToken(token)
    ? await machines.verify(token, resource)
    : await signedTokens.verifyAccessToken(token, resource)
  const machine = caller && (await session(caller.sub).identify(caller))
  if (!caller || !machine)
    throw new AdminRefusal('invalid_token', 'this is no machine credential with the scope admin, or not any more')
  return { actor: caller.sub, actorName: `machine ${machine.name ?? ''} (${caller.clientId})`, via: 'machine' }
}

async function byAssertion(c: Context, services: Services): Promise<Administrator | undefined> {
  const vouched = await vouchedFor(c, services)
  if (vouched === undefined) return undefined
  if (vouched === 'invalid')
    throw new AdminRefusal('invalid_token', 'this is no assertion of Cloudflare Access for a person here')
  const { email } = vouched.identity
  if (!vouched.isAdministrator || email === undefined)
    throw new AdminRefusal('forbidden', 'this is for administrators', vouched.sub)
  return { actor: vouched.sub, actorName: email, via: 'access' }
}

async function byCookie(c: Context, services: Services): Promise<Administrator> {
  const visitor = await visitorOf(c, services)
  if (!visitor) throw new AdminRefusal('unauthorized', 'sign in at /admin, or present a machine credential with the scope admin')
  const { csrf, session, sub, isAdministrator } = visitor
  const actorName = calledNow(visitor)
  if (!isAdministrator) {
    c.executionCtx.waitUntil(services.directory().noteRefusedAdministrator(sub, actorName))
    throw new AdminRefusal('forbidden', 'this is for administrators', sub)
  }
  if (!SAFE.includes(c.req.method) && !sameText(c.req.header('X-CSRF-Token') ?? '', csrf))
    throw new AdminRefusal('csrf_token_wrong', 'the header X-CSRF-Token is missing or not the one of this session', sub)
  return { actor: sub, actorName, via: 'cookie', csrf, session }
}
