// What waits in a browser while its person is away: few at a time, each in as many cookies as it needs, the oldest dropped for a new one.
//
// A browser ignores a cookie of more than 4,096 bytes (RFC 6265bis section 5.7), keeps some 180 of a site and drops old ones for more; and any
// other site can have it open our pages. So what is left behind is bounded here, before it pushes out the cookie somebody is signed in by.
import type { Context } from 'hono'
import { OAuthError } from '../clients/oauth-error.ts'
import { cookieJar, type CookieJar } from './cookies.ts'

/** `consent` and `visit` follow a link, whoever has made it; `login` and `link` follow a decision of the person. */
export type PendingKind = 'consent' | 'visit' | 'login' | 'link'

/** How many may wait, and with how many bytes in all; the newest in any case. */
const ROOM: Readonly<Record<PendingKind, { readonly most: number; readonly bytes: number }>> = {
  consent: { most: 16, bytes: 4_000 },
  visit: { most: 4, bytes: 8_000 },
  login: { most: 6, bytes: 24_000 },
  link: { most: 6, bytes: 24_000 },
}

/** With its name a cookie stays below 4,096 bytes. */
const PART = 4_000
const MOST_PARTS = 8
/** What several are told apart by: the beginning of a random text. */
const ID = 8
const FIRST = /^([0-9a-z]{1,9})\.([1-8])\.(.*)$/s

export interface Pending {
  /** `now` in unix seconds, `ttl` in seconds. */
  write(id: string, value: string, now: number, ttl: number): void
  read(id: string): string | undefined
  remove(id: string): void
}

export function pending(c: Context, baseUrl: string, kind: PendingKind): Pending {
  const jar = cookieJar(c, baseUrl)
  const beginning = `mcp_${kind}_`
  const first = (id: string): string => beginning + id.slice(0, ID)
  return {
    write(id, value, now, ttl) {
      const parts = Math.max(1, Math.ceil(value.length / PART))
      if (parts > MOST_PARTS)
        throw new OAuthError('invalid_request', 'This request is too long: what it brings along has no room in a browser')
      makeRoom(jar, beginning, ROOM[kind], value.length)
      for (let part = 0; part < parts; part += 1) {
        const text = value.slice(part * PART, (part + 1) * PART)
        const named = part === 0 ? `${now.toString(36)}.${parts}.${text}` : text
        jar.write(partOf(first(id), part), named, ttl, 'Lax')
      }
    },
    read(id) {
      const [, , parts, text] = FIRST.exec(jar.read(first(id)) ?? '') ?? []
      const texts = Array.from({ length: Number(parts ?? 0) }, (_, part) =>
        part === 0 ? text : jar.read(partOf(first(id), part)),
      )
      return parts === undefined || texts.includes(undefined) ? undefined : texts.join('')
    },
    remove: (id) => removeAll(jar, first(id)),
  }
}

function partOf(name: string, part: number): string {
  return part === 0 ? name : `${name}_${part}`
}

function partsIn(jar: CookieJar, name: string): readonly string[] {
  return Array.from({ length: MOST_PARTS }, (_, part) => partOf(name, part)).filter((each) => jar.read(each) !== undefined)
}

function removeAll(jar: CookieJar, name: string): void {
  for (const part of partsIn(jar, name)) jar.remove(part)
}

function makeRoom(jar: CookieJar, beginning: string, { most, bytes }: (typeof ROOM)[PendingKind], wanted: number): void {
  const there = new Set(jar.names.flatMap((name) => (name.startsWith(beginning) ? [name.slice(0, beginning.length + ID)] : [])))
  const newestFirst = [...there]
    .map((name) => ({ name, since: parseInt(FIRST.exec(jar.read(name) ?? '')?.[1] ?? '0', 36) }))
    .sort((a, b) => b.since - a.since)
  let [places, room] = [most - 1, bytes - wanted]
  for (const { name } of newestFirst) {
    places -= 1
    for (const part of partsIn(jar, name)) room -= part.length + (jar.read(part)?.length ?? 0)
    if (places < 0 || room < 0) removeAll(jar, name)
  }
}
