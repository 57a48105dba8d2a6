// Who is looking at a page: the cookie of a person who signed in for /account or /admin, and who of them is an administrator.
import type { Context, MiddlewareHandler } from 'hono'
import * as z from 'zod'
import type { Identity } from '../caller.ts'
import { OAuthError } from '../clients/oauth-error.ts'
import { sealed, unsealed } from '../oauth/tokens/browser-state.ts'
import { pageHeaders } from '../pages/headers.ts'
import { signInPage } from '../pages/sign-in.tsx'
import { randomId, sameText } from '../platform/crypto.ts'
import type { Services } from '../services.ts'
import { meansPerson } from '../settings/people.ts'
import { cookieJar } from './cookies.ts'
import { isFromOurPage, isSurelyFromOurPage } from './request-source.ts'
import { readForm } from './form.ts'
import type { Variables } from './guards.ts'
import { beginLogin } from './login.ts'

const COOKIE = 'mcp_pages'
/** In the address of a page: the provider a person has chosen to sign in with. */
const CHOICE = 'sign_in_with'

// Who the person is, is not in it: that may change while it lives, and groups may be more than a cookie holds.
const cookieSchema = z
  .object({
    sub: z.string(),
    /** Every form of this session carries it (OWASP synchronizer token). */
    csrf: z.string(),
    /** Tells this session from others of the same person; what ends it is known under this name in the person's object. */
    session: z.string(),
    /** Unix seconds. */
    signedInAt: z.number(),
    exp: z.number(),
  })
  .transform(({ exp: until, ...cookie }) => ({ ...cookie, until }))

export interface Visitor extends Readonly<z.output<typeof cookieSchema>> {
  /** As the identity provider said last, to whichever of the person's sessions. */
  readonly identity: Identity
  /** Sessions of the same person in other browsers. */
  readonly others: number
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
  const session = { id: randomId(12), until: now() + ttl }
  const [everybody, isSurplus] = await Promise.all([
    services.directory().pagesEnded(),
    services.session(sub).visit(identity, session),
  ])
  // What listens with the session that was ended must not go on; the others come back at once.
  if (isSurplus) await services.directory().closeFeeds(sub)
  // Whatever has ended before has ended before this, also in the same second.
  const signedInAt = Math.max(now(), everybody.at + 1)
  const cookie = { sub, csrf: randomId(16), session: session.id, signedInAt }
  cookieJar(c, settings.baseUrl).write(COOKIE, await sealed(keys, 'pages+jwe', cookie, session.until - ttl, ttl), ttl, 'Lax')
}

/** Where it is kept, so that a copy of the cookie is worth nothing either; and what listens with it is closed. */
export async function endPagesSession(c: Context<Visited>, services: Services): Promise<void> {
  const { sub, session } = c.get('visitor')
  cookieJar(c, services.settings.baseUrl).remove(COOKIE)
  await services.session(sub).endPages(session)
  await services.directory().closeFeeds(sub)
}

/** For people who read; what decides is the `sub`. */
export function calledNow({ identity, sub }: Visitor): string {
  return identity.email ?? identity.name ?? sub
}

/** Whose cookie came with the request; undefined when there is none, or it is over. */
export async function visitorOf(c: Context, services: Services): Promise<Visitor | undefined> {
  const cookie = cookieJar(c, services.settings.baseUrl).read(COOKIE)
  const named = cookieSchema.safeParse(await unsealed(services.keys, 'pages+jwe', cookie ?? '', services.now())).data
  if (!named) return undefined
  // The cookie can't be taken back, so whoever knows is asked whether its session is over, and who its person is by now.
  const [{ blocked, identity, others }, everybody] = await Promise.all([
    services.session(named.sub).pagesStanding(named.session),
    services.directory().pagesEnded(),
  ])
  if (blocked) throw new OAuthError('access_denied', 'An administrator has taken your access away')
  if (!identity || (named.signedInAt <= everybody.at && named.session !== everybody.except)) return undefined
  return {
    ...named,
    identity,
    others,
    isAdministrator: meansPerson(services.settings.administrators.named, identity),
    via: 'cookie',
  }
}

/** Lets signed-in people through; a browser that is not is sent to sign in and comes back to where it wanted to go. */
export function signedIn(services: Services): MiddlewareHandler<Visited> {
  return async function signedInGuard(c, next) {
    const visitor = await visitorOf(c, services)
    if (!visitor) {
      if (c.req.method !== 'GET' && c.req.method !== 'HEAD')
        throw new OAuthError('login_required', 'Your sign-in has expired: open the page again')
      return await sentToSignIn(c, services)
    }
    c.set('visitor', visitor)
    return await next()
  }
}

/** By way of a choice, where there are several providers; and back to this page, or to another. */
export async function sentToSignIn(c: Context, services: Services, backTo?: string): Promise<Response> {
  const { pathname, searchParams } = new URL(c.req.url)
  const chosen = searchParams.get(CHOICE)
  searchParams.delete(CHOICE)
  const here = searchParams.size > 0 ? `${pathname}?${searchParams.toString()}` : pathname
  const provider = services.providers.only ?? services.providers.named(chosen ?? '')
  if (!provider) return c.body(choicePage(services, here), 200, pageHeaders('own'))
  const url = await beginLogin(c, services, provider, { purpose: 'pages', returnTo: backTo ?? here })
  return c.body(null, 303, { Location: url.href, 'Cache-Control': 'no-store' })
}

function choicePage({ providers, settings }: Services, returnTo: string): string {
  const choices = providers.all.map(({ key, name, host }) => {
    const url = new URL(returnTo, settings.baseUrl)
    url.searchParams.set(CHOICE, key)
    return { name, host, href: url.pathname + url.search }
  })
  return signInPage(choices)
}

/** A form must come from our own page and carry the session's token; returns its fields. */
export async function formOf(c: Context<Visited>, services: Services): Promise<URLSearchParams> {
  // The cookie of Access goes along from other sites too.
  const isOurs = c.get('visitor').via === 'cookie' ? isFromOurPage : isSurelyFromOurPage
  const form = await readForm(c)
  if (!isOurs(c, services.settings.baseUrl) || !sameText(form.get('csrf') ?? '', c.get('visitor').csrf)) {
    throw new OAuthError('access_denied', 'This form can only be sent from the page of this site: open it again')
  }
  return form
}

/** A form with which people end or begin something of their own: so many in a minute, because each is work and may be written down. */
export async function ownFormOf(c: Context<Visited>, services: Services): Promise<URLSearchParams> {
  const form = await formOf(c, services)
  const retryAfter = await services.session(c.get('visitor').sub).takeForm()
  if (retryAfter === 0) return form
  throw new OAuthError('too_many_requests', `You have pressed too many buttons in a minute: try again in ${retryAfter} seconds`, {
    retryAfter,
  })
}
