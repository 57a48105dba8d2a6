// Where a browser says that a request comes from, and who may ask from there: one rule for each kind of door.
//
// Browsers write `Origin` and `Sec-Fetch-Site`, and no page can change them; programs send neither, and old browsers only one of them. So
// what is not said decides nothing, except where a door says otherwise.
import type { Context } from 'hono'
import { isLoopback } from '../platform/loopback.ts'

/** The part of Hono's request that is looked at here. */
export interface RequestHead {
  readonly url: string
  readonly method: string
  header(name: string): string | undefined
}

interface Source {
  readonly origin: string | undefined
  readonly site: string | undefined
}

function sourceIn(c: Context): Source {
  return { origin: c.req.header('Origin'), site: c.req.header('Sec-Fetch-Site') }
}

function isOneOf(said: string | undefined, ours: readonly string[]): boolean {
  return said === undefined || ours.includes(said)
}

/** A form: nothing says that it comes from elsewhere. Its token proves more. */
export function isFromOurPage(c: Context, baseUrl: string): boolean {
  const { origin, site } = sourceIn(c)
  return isOneOf(site, ['same-origin']) && isOneOf(origin, [baseUrl])
}

/** A form that is sent with a cookie which goes along from other sites too: here a browser has to say where it comes from. */
export function isSurelyFromOurPage(c: Context, baseUrl: string): boolean {
  const { origin, site } = sourceIn(c)
  return isFromOurPage(c, baseUrl) && (site !== undefined || origin !== undefined)
}

/** The admin API: `none` is an address that somebody typed. */
export function isFromOurPageOrTyped(c: Context, baseUrl: string): boolean {
  const { origin, site } = sourceIn(c)
  return isOneOf(site, ['same-origin', 'none']) && isOneOf(origin, [baseUrl])
}

/** A WebSocket: browsers let any page open one and send the cookie along, and always name the origin. */
export function isSocketOfOurPage(c: Context, baseUrl: string): boolean {
  return sourceIn(c).origin === baseUrl
}

/**
 * Where no cookie is read: our own pages, programs on the person's machine, and whom the operator lists. `null` is anybody who sandboxes
 * a frame, and may be listed for that reason alone.
 */
export function isAllowedOrigin(c: { readonly req: RequestHead }, allowed: ReadonlySet<string>): boolean {
  const origin = c.req.header('Origin')
  return origin === undefined || allowed.has(origin) || isLoopback(URL.parse(origin))
}
