// Who acts as an administrator, on the pages and through the API: somebody signed in, one whom Cloudflare Access vouches for, or, by the API
// alone, a machine with the scope `admin`.
import type { Context, MiddlewareHandler } from 'hono'
import { sameText } from '../../platform/crypto.ts'
import { log } from '../../platform/telemetry.ts'
import { adminResourceOf, type Services } from '../../services.ts'
import type { Receipt } from '../../session/contract/receipt.ts'
import type { Variables } from '../guards.ts'
import { calledNow, visitorOf, type Visitor } from '../pages-session.ts'
import type { Acting } from './actions.ts'
import { machineOf } from '../machine-caller.ts'
import { AdminRefusal } from './refusal.ts'
import { isFromOurPageOrTyped } from '../request-source.ts'
import { vouchedFor } from './access-visitor.ts'

/** As receipts and security events name them, and what they are called. */
type NamedActor = Required<Pick<Acting, 'actor' | 'actorName'>>

interface Administrator extends NamedActor {
  readonly via: 'cookie' | 'access' | 'machine'
  /** What unsafe requests with this cookie carry as `X-CSRF-Token`. */
  readonly csrf?: string
  /** Of the pages. */
  readonly session?: string
  /** Unix seconds; a machine does not sign in. */
  readonly signedInAt?: number
}

export interface Administered {
  readonly Variables: Variables & { readonly administrator: Administrator }
}

/** Undefined for a visitor who is no administrator; that they tried is noted. */
export function administratorOf(c: Context, services: Services, visitor: Visitor): NamedActor | undefined {
  const who = { actor: visitor.sub, actorName: calledNow(visitor) }
  if (visitor.isAdministrator) return who
  // Whom Access names is none of the people the Directory knows.
  if (visitor.via === 'cookie') c.executionCtx.waitUntil(services.directory().noteRefusedAdministrator(who.actor, who.actorName))
  return undefined
}

/** What they do goes on after the answer has been sent. */
export function actingAs(c: Context, who: Omit<Acting, 'reason' | 'waitUntil'>, reason: string): Acting {
  const { actor, actorName, session } = who
  return { actor, actorName, reason, session, waitUntil: (work) => c.executionCtx.waitUntil(work) }
}

export function logActed(c: Context, { id, action, target, by: actor }: Receipt): void {
  const request_id: string = c.get('requestId')
  log('info', 'admin.acted', { receipt: id, action, what: target.what, actor, request_id })
}

const SAFE: readonly string[] = ['GET', 'HEAD']

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

async function byToken(authorization: string, services: Services): Promise<Administrator> {
  const machine = await machineOf(authorization, adminResourceOf(services.settings), services)
  if (!machine)
    throw new AdminRefusal(
      'invalid_token',
      'the token is no machine credential with the scope admin, or has expired or was revoked',
    )
  return { ...machine, via: 'machine' }
}

async function byAssertion(c: Context, services: Services): Promise<Administrator | undefined> {
  const vouched = await vouchedFor(c, services)
  if (vouched === undefined) return undefined
  if (vouched === 'invalid')
    throw new AdminRefusal('invalid_token', 'this is no assertion of Cloudflare Access for a person here')
  return { ...named(c, services, vouched), via: 'access', signedInAt: vouched.signedInAt }
}

async function byCookie(c: Context, services: Services): Promise<Administrator> {
  const visitor = await visitorOf(c, services)
  if (!visitor) throw new AdminRefusal('unauthorized', 'sign in at /admin, or present a machine credential with the scope admin')
  const { csrf, session, signedInAt, sub } = visitor
  const administrator = named(c, services, visitor)
  if (!SAFE.includes(c.req.method) && !sameText(c.req.header('X-CSRF-Token') ?? '', csrf))
    throw new AdminRefusal('csrf_token_wrong', 'the header X-CSRF-Token is missing or not the one of this session', sub)
  return { ...administrator, via: 'cookie', csrf, session, signedInAt }
}

function named(c: Context, services: Services, visitor: Visitor): NamedActor {
  const administrator = administratorOf(c, services, visitor)
  if (!administrator) throw new AdminRefusal('forbidden', 'this is for administrators', visitor.sub)
  return administrator
}
