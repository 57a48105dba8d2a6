// Where a request goes: the downstream's URL with the path suffix and query of the client's, and nothing that climbs out of it.
import type { Downstream } from '../../settings/downstreams.ts'

/**
 * The downstream a path of ours belongs to. Compared as it was sent: `/%6dcp` or `//mcp` may look like `/mcp` to a router, to
 * nobody else.
 */
export function downstreamAt(pathname: string, downstreams: readonly Downstream[]): Downstream | undefined {
  return downstreams.find(({ path }) => pathname === path || pathname.startsWith(`${path}/`))
}

/** Of the URL of a request, which the runtime leaves as it came: to a parser `/./mcp`, `/%2e/mcp` and `/x/../mcp` are `/mcp`, to what stands before the broker they may not be. */
export function pathAsSent(url: string): string {
  const path = /^[a-z]+:\/\/[^/?#]*([^?#]*)/i.exec(url)
  return path?.[1] ?? ''
}

/** Undefined where the suffix can't be carried over without changing its meaning. */
export function targetOf(downstream: Downstream, asked: URL): string | undefined {
  const segments = suffixSegments(asked.pathname.slice(downstream.path.length))
  if (segments === undefined) return undefined
  if (segments.length === 0 && asked.search === '') return downstream.url
  const target = new URL(downstream.url)
  // With the operator's secret, and below nothing: that would be all there is on the host.
  if (segments.length > 0 && target.pathname === '/' && SHARES_A_SECRET.includes(downstream.auth)) return undefined
  if (overrides(asked.search, target.search)) return undefined
  if (segments.length > 0) target.pathname = `${target.pathname.replace(/\/$/, '')}/${segments.join('/')}`
  const ours = target.search.slice(1)
  const theirs = asked.search.slice(1)
  target.search = ours !== '' && theirs !== '' ? `${ours}&${theirs}` : ours || theirs
  return target.href
}

const SHARES_A_SECRET: readonly Downstream['auth'][] = ['static', 'access-service-token']

/**
 * Whether a client names a parameter of the operator's (`?read_only=true`): of two values one server takes the first, another the last. Neither
 * is it told by case, by brackets or by what PHP makes an underscore of, and some servers part parameters by semicolons.
 */
function overrides(theirs: string, ours: string): boolean {
  if (theirs === '' || ours === '') return false
  const named = new Set(parametersOf(ours))
  return parametersOf(theirs).some((name) => named.has(name))
}

function parametersOf(search: string): readonly string[] {
  const names = [...new URLSearchParams(search.slice(1).replaceAll(';', '&')).keys()]
  return names.map((name) => name.replaceAll(INVISIBLE, '').split('[', 1).join('').replaceAll(/[.\s]/g, '_').toLowerCase())
}

const INVISIBLE = /[\p{C}\p{Default_Ignorable_Code_Point}]/gu

/** Decoded once and encoded again, so that a segment is one segment to the downstream too. `/mcp/` is `/mcp`. */
function suffixSegments(suffix: string): string[] | undefined {
  if (suffix === '' || suffix === '/') return []
  const segments: string[] = []
  for (const segment of suffix.slice(1).split('/')) {
    const plain = decoded(segment)
    if (plain === undefined || plain === '.' || plain === '..' || CHANGES_MEANING.test(plain)) return undefined
    segments.push(encodeURIComponent(plain))
  }
  return segments
}

// oxlint-disable-next-line no-control-regex -- control characters are what must not get through
const CHANGES_MEANING = /[/\\\u0000-\u001f\u007f]/

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
