// Who is looking at a page: the cookie of a person who signed in for /account or /admin, and who of them is an administrator.
import type { Context, MiddlewareHandler } from 'hono'
import * as z from 'zod'
import type { Identity } from '../caller.ts'
import { OAuthError } from '../oauth/errors.ts'
import { sealed, unsealed } from '../oauth/sealed.ts'
import { pageHeaders } from '../pages/headers.ts'
import { signInPage } from '../pages/sign-in.tsx'
import { randomId, sameText } from '../platform/crypto.ts'
import type { Services } from '../services.ts'
import type { Settings } from '../settings.ts'
import { cookieJar } from './cookies.ts'
import { readForm } from './form.ts'
import type { Variables } from './guards.ts'
import { beginLogin } from './login.ts'

const COOKIE = 'mcp_pages'
/** In the address of a page: the provider a person has chosen to sign in with. */
const CHOICE = 'sign_in_with'

const visitorSchema = z.object({
  sub: z.string(),
  identity: z.object({
    issuer: z.string(),
    subject: z.string(),
    email: z.string().optional(),
    name: z.string().optional(),
    groups: z.array(z.string()),
  }),
  /** Every form of this session carries it (OWASP synchronizer token). */
  csrf: z.string(),
  /** Tells this session from others of the same person. */
  session: z.string(),
  /** Unix seconds. */
  signedInAt: z.number(),
})

export interface Visitor extends Readonly<z.output<typeof visitorSchema>> {
  readonly isAdministrator: boolean
  /** By our own cookie, or by the word of Cloudflare Access in front of the portal. */
  readonly via: 'cookie' | 'access'
}

export interface Visited {
  readonly Variables: Variables & { readonly visitor: Visitor }
}

/** A new cookie at every sign-in: one that was planted before it is worth nothing after. */
export async function beginPagesSession(c: Context, services: Services, sub: string, identity: Identity): Promise<void> {
  const { settings, keys, now } = services
  const ttl = settings.limits.pagesTtl
  const [own, everybody] = await Promise.all([services.session(sub).visit(identity), services.directory().pagesEnded()])
  // Whatever has ended before has ended before this, also in the same second.
  const signedInAt = Math.max(now(), own.endedAt + 1, everybody.at + 1)
  const visitor = { sub, identity, csrf: randomId(16), session: randomId(12), signedInAt }
  cookieJar(c, settings.baseUrl).write(COOKIE, await sealed(keys, 'pages+jwe', visitor, now(), ttl), ttl, 'Lax')
}

export function endPagesSession(c: Context, services: Services): void {
  cookieJar(c, services.settings.baseUrl).remove(COOKIE)
}

/** Named by e-mail or by group in the settings; the e-mail is the one the identity provider has verified. */
function isAdministrator({ email, groups }: Identity, { administrators }: Settings): boolean {
  const named = email !== undefined && administrators.emails.some((known) => known.toLowerCase() === email.toLowerCase())
  return named || groups.some((group) => administrators.groups.includes(group))
}

/** Whose cookie came with the request; undefined when there is none, or it is over. */
export async function visitorOf(c: Context, services: Services): Promise<Visitor | undefined> {
  const cookie = cookieJar(c, services.settings.baseUrl).read(COOKIE)
  const visitor = visitorSchema.safeParse(await unsealed(services.keys, 'pages+jwe', cookie ?? '', services.now())).data
  if (!visitor) return undefined
  // The cookie can't be taken back, so whoever knows is asked whether its person has been shut out or signed out since.
  const [own, everybody] = await Promise.all([services.session(visitor.sub).pagesStanding(), services.directory().pagesEnded()])
  if (own.blocked) throw new OAuthError('access_denied', 'An administrator has taken your access away')
  const isOver = visitor.signedInAt <= own.endedAt || (visitor.signedInAt <= everybody.at && visitor.session !== everybody.except)
  if (isOver) return undefined
  return { ...visitor, isAdministrator: isAdministrator(visitor.identity, services.settings), via: 'cookie' }
}

/** Lets signed-in people through; a browser that is not is sent to sign in and comes back to where it wanted to go. */
export function signedIn(services: Services): MiddlewareHandler<Visited> {
  return async function signedInGuard(c, next) {
    const visitor = await visitorOf(c, services)
    if (!visitor) {
      if (c.req.method !== 'GET') throw new OAuthError('login_required', 'Your sign-in has expired: open the page again')
      const { pathname, searchParams } = new URL(c.req.url)
      const chosen = searchParams.get(CHOICE)
      searchParams.delete(CHOICE)
      const returnTo = searchParams.size > 0 ? `${pathname}?${searchParams.toString()}` : pathname
      const provider = services.providers.only ?? services.providers.named(chosen ?? '')
      if (!provider) return c.body(choicePage(services, returnTo), 200, pageHeaders('own'))
      const url = await beginLogin(c, services, provider, { purpose: 'pages', returnTo })
      return c.body(null, 303, { Location: url.href, 'Cache-Control': 'no-store' })
    }
    c.set('visitor', visitor)
    return await next()
  }
}

function choicePage({ providers, settings }: Services, returnTo: string): string {
  const choices = providers.all.map(({ key, name, host }) => {
    const url = new URL(returnTo, settings.baseUrl)
    url.searchParams.set(CHOICE, key)
    return { name, host, href: url.pathname + url.search }
  })
  return signInPage(choices)
}

/** For the portal, behind `signedIn`. */
export const administratorsOnly: MiddlewareHandler<Visited> = async function administratorGuard(c, next) {
  if (!c.get('visitor').isAdministrator) throw new OAuthError('access_denied', 'This page is for administrators')
  return await next()
}

/** A form must come from our own page and carry the session's token; returns its fields. */
export async function formOf(c: Context<Visited>, services: Services): Promise<URLSearchParams> {
  const site = c.req.header('Sec-Fetch-Site')
  const origin = c.req.header('Origin')
  const isOurs = (site === undefined || site === 'same-origin') && (origin === undefined || origin === services.settings.baseUrl)
  // The cookie of Access goes along from other sites too, so that here a browser has to say where the form comes from.
  const isSaid = c.get('visitor').via === 'cookie' || site !== undefined || origin !== undefined
  const form = await readForm(c)
  if (!isOurs || !isSaid || !sameText(form.get('csrf') ?? '', c.get('visitor').csrf)) {
    throw new OAuthError('access_denied', 'This form can only be sent from the page of this site: open it again')
  }
  return form
}
