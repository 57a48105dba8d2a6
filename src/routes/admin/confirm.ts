// Before anything is taken away: GET says exactly what would happen, POST does it and leads to its receipt.
//
// Nothing is counted on POST: between the press of the button and the end of the streams stand a check of the form and who it is about.
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import * as z from 'zod'
import type { Receipt } from '../../session/contract/receipt.ts'
import { OAuthError } from '../../clients/oauth-error.ts'
import { confirmPage, LONGEST_REASON } from '../../pages/portal/confirm.tsx'
import type { Services } from '../../services.ts'
import { formOf, type Visited } from '../pages-session.ts'
import { revoke, setClientBlocked, setPersonBlocked, type Acting } from './actions.ts'
import { consequencesOf, TYPED_FOR_EVERYONE, type MeantAction } from './consequences.ts'
import { logActed } from './administrator.ts'
import { actingIn, administrators, portal } from './portal-door.ts'
import { revocation } from './requests.ts'

const meant = z.discriminatedUnion('action', [
  z.object({ action: z.literal('revoke'), target: revocation.shape.target }),
  z.object({
    action: z.enum(['block', 'unblock']),
    target: z.discriminatedUnion('what', [
      z.strictObject({ what: z.literal('person'), sub: z.string().regex(/^[\w-]{43}$/) }),
      z.strictObject({ what: z.literal('client'), id: z.string().min(1).max(2_048) }),
    ]),
  }),
])

export function confirmRoutes(services: Services): Hono<Visited> {
  const routes = new Hono<Visited>()
  const guards = administrators(services)
  routes.get('/admin/confirm', ...guards, (c) => ask(c, services, meantBy(new URL(c.req.url).searchParams)))
  routes.get('/admin/everyone', ...guards, (c) => ask(c, services, { action: 'revoke', target: { what: 'everyone' } }))
  routes.post('/admin/confirm', ...guards, (c) => act(c, services))
  return routes
}

async function ask(c: Context<Visited>, services: Services, intent: MeantAction, complaint?: string): Promise<Response> {
  const consequences = await consequencesOf(services, intent)
  if (!consequences) return await c.notFound()
  const { action, target } = intent
  const view = { intent: { action, ...target }, csrf: c.get('visitor').csrf, complaint, ...consequences }
  return portal(c, confirmPage(view), complaint === undefined ? 200 : 400)
}

async function act(c: Context<Visited>, services: Services): Promise<Response> {
  const form = await formOf(c, services)
  const intent = meantBy(form)
  const reason = (form.get('reason') ?? '').trim()
  const complaint = complaintAbout(form, intent, reason)
  if (complaint !== undefined) return await ask(c, services, intent, complaint)
  const receipt = await done(services, intent, actingIn(c, reason))
  if (!receipt) return await c.notFound()
  logActed(c, receipt)
  return c.body(null, 303, { Location: `/admin/receipts/${receipt.id}`, 'Cache-Control': 'no-store' })
}

function complaintAbout(form: URLSearchParams, { target }: MeantAction, reason: string): string | undefined {
  if (reason === '') return 'Say why: the receipt and the event log keep it.'
  if (reason.length > LONGEST_REASON) return `A reason may have ${LONGEST_REASON} characters.`
  const isMeant = target.what !== 'everyone' || form.get('typed')?.trim() === TYPED_FOR_EVERYONE
  return isMeant ? undefined : `Nothing was done: type “${TYPED_FOR_EVERYONE}” if this is what you want.`
}

async function done(services: Services, { action, target }: MeantAction, acting: Acting): Promise<Receipt | undefined> {
  if (action === 'revoke') return await revoke(services, target, acting)
  const blocked = action === 'block'
  if (target.what === 'client') return await setClientBlocked(services, target.id, blocked, acting)
  return await setPersonBlocked(services, target.sub, blocked, acting)
}

function meantBy(given: URLSearchParams): MeantAction {
  const named = ['what', 'id', 'sub'].flatMap((name) => {
    const value = given.get(name)
    return value === null || value === '' ? [] : [[name, value] as const]
  })
  const parsed = meant.safeParse({ action: given.get('action'), target: Object.fromEntries(named) })
  if (!parsed.success)
    throw new OAuthError('invalid_request', 'This link does not say what should be done: go back and try again')
  return parsed.data
}
