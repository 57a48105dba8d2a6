// The broker's cookies: host-bound, and unreadable for scripts.
import type { Context } from 'hono'
import { parse, serialize } from 'hono/utils/cookie'

export interface CookieJar {
  /** Of all that came with the request, ours or not. */
  readonly names: readonly string[]
  read(name: string): string | undefined
  write(name: string, value: string, maxAge: number, sameSite: 'Lax' | 'Strict'): void
  remove(name: string): void
}

/** `__Host-` needs https; on a loopback http origin (only there can BASE_URL be http) the plain name is used. */
export function cookieJar(c: Context, baseUrl: string): CookieJar {
  const secure = baseUrl.startsWith('https:')
  const prefix = secure ? '__Host-' : ''
  const came = new Map(Object.entries(parse(c.req.header('Cookie') ?? '')))
  const set = (name: string, value: string, maxAge: number, sameSite: 'Lax' | 'Strict'): void =>
    c.header('Set-Cookie', serialize(prefix + name, value, { path: '/', httpOnly: true, secure, maxAge, sameSite }), {
      append: true,
    })
  return {
    names: [...came.keys()].flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : [])),
    read: (name) => came.get(prefix + name),
    write: set,
    remove: (name) => set(name, '', 0, 'Lax'),
  }
}
