// The broker's cookies: host-bound, unreadable for scripts, one per pending sign-in so that parallel tabs do not disturb each other.
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'

export interface CookieJar {
  read(name: string): string | undefined
  write(name: string, value: string, maxAge: number, sameSite: 'Lax' | 'Strict'): void
  remove(name: string): void
}

/** `__Host-` needs https; on a loopback http origin (only there can BASE_URL be http) the plain name is used. */
export function cookieJar(c: Context, baseUrl: string): CookieJar {
  const secure = baseUrl.startsWith('https:')
  const full = (name: string): string => (secure ? `__Host-${name}` : name)
  return {
    read: (name) => getCookie(c, full(name)),
    write: (name, value, maxAge, sameSite) =>
      setCookie(c, full(name), value, { path: '/', httpOnly: true, secure, maxAge, sameSite }),
    remove: (name) => void deleteCookie(c, full(name), { path: '/', secure }),
  }
}
