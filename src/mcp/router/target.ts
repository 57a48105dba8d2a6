// Where a request goes: the downstream's URL with the path suffix and query of the client's, and nothing that climbs out of it.
import type { Downstream } from '../../settings/downstreams.ts'

/**
 * The downstream a path of ours belongs to. Compared as it was sent: `/%6dcp` or `//mcp` may look like `/mcp` to a router, to
 * nobody else.
 */
export function downstreamAt(pathname: string, downstreams: readonly Downstream[]): Downstream | undefined {
  return downstreams.find(({ path }) => pathname === path || pathname.startsWith(`${path}/`))
}

/** Undefined where the suffix can't be carried over without changing its meaning. */
export function targetOf(downstream: Downstream, asked: URL): string | undefined {
  const segments = suffixSegments(asked.pathname.slice(downstream.path.length))
  if (segments === undefined) return undefined
  if (segments.length === 0 && asked.search === '') return downstream.url
  const target = new URL(downstream.url)
  if (segments.length > 0) target.pathname = `${target.pathname.replace(/\/$/, '')}/${segments.join('/')}`
  const ours = target.search.slice(1)
  const theirs = asked.search.slice(1)
  target.search = ours !== '' && theirs !== '' ? `${ours}&${theirs}` : ours || theirs
  return target.href
}

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
