// The broker's cookies: host-bound, unreadable for scripts, one per pending sign-in so that parallel tabs do not disturb each other.
import type { Context } from 'hono'
import { parse, serialize } from 'hono/utils/cookie'

export interface CookieJar {
  read(name: string): string | undefined
  write(name: string, value: string, maxAge: number, sameSite: 'Lax' | 'Strict'): void
  remove(name: string): void
}

/** `__Host-` needs https; on a loopback http origin (only there can BASE_URL be http) the plain name is used. */
export function cookieJar(c: Context, baseUrl: string): CookieJar {
  const secure = baseUrl.startsWith('https:')
  const full = (name: string): string => (secure ? `__Host-${name}` : name)
  const set = (name: string, value: string, maxAge: number, sameSite: 'Lax' | 'Strict'): void =>
    c.header('Set-Cookie', serialize(full(name), value, { path: '/', httpOnly: true, secure, maxAge, sameSite }), {
      append: true,
    })
  return {
    read: (name) => parse(c.req.header('Cookie') ?? '', full(name))[full(name)],
    write: set,
    remove: (name) => set(name, '', 0, 'Lax'),
  }
}
