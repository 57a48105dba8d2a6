// Which of a person's groups a server is told: all of them where they fit into its headers, and otherwise those that a rule names first.
//
// A provider knows people in thousands of groups. Servers take as little as 8 KiB of headers together, and answer more with an empty 431.
import type { Identity } from '../../caller.ts'
import { headerListItem, headerText } from '../../platform/header-text.ts'
import type { Settings } from '../../settings/settings.ts'
import type { Downstream } from '../../settings/downstreams.ts'
import { namedGroups } from '../../settings/named-groups.ts'

export interface ToldGroups {
  /** Of the header `X-User-Groups`. */
  readonly header: readonly string[]
  /** Of the JWT; where not all fit into both, those that a rule names. */
  readonly jwt: readonly string[]
}

/** For all that is said about a person, in bytes: what else a request has fits beside it into 8 KiB. */
const BUDGET = 7_168
/** Groups get this much beside a token of somebody else's, whose size nobody here can choose. */
const LEAST = 2_048
/** Names of headers, and all of a JWT but what is said of the person; an RSA signature is the largest part of it. */
const HEADER_NAMES = 240
const JWT_FRAME = 1_000

const utf8 = new TextEncoder()

interface Sizes {
  readonly own: number
  readonly inJwt: number
  readonly groups: readonly { readonly name: string; readonly header: number; readonly jwt: number }[]
  readonly all: { readonly header: number; readonly jwt: number }
}

// An identity is a new object whenever anything about it changes.
const measured = new WeakMap<Identity, Sizes>()

/**
 * Undefined where even without groups it does not fit. `foreign` are the bytes of a token of another issuer beside it.
 */
export function toldGroups(
  identity: Identity,
  { auth }: Pick<Downstream, 'auth'>,
  settings: Settings,
  foreign = 0,
): ToldGroups | undefined {
  const sizes = measured.get(identity) ?? measure(identity)
  const hasJwt = auth === 'identity-jwt' || auth === 'access-service-token'
  const room = BUDGET - sizes.own - (hasJwt ? sizes.inJwt : 0)
  if (room < 0) return undefined
  let left = Math.max(room - foreign, Math.min(room, LEAST))
  const { groups } = identity
  if (sizes.all.header + (hasJwt ? sizes.all.jwt : 0) <= left) return { header: groups, jwt: groups }
  const named = namedGroups(settings, identity.issuer)
  const header: string[] = []
  const jwt: string[] = []
  const ordered = [...sizes.groups.filter(({ name }) => named.has(name)), ...sizes.groups.filter(({ name }) => !named.has(name))]
  for (const group of ordered) {
    const isInBoth = hasJwt && named.has(group.name)
    const cost = group.header + (isInBoth ? group.jwt : 0)
    if (cost > left) continue
    left -= cost
    header.push(group.name)
    if (isInBoth) jwt.push(group.name)
  }
  return { header, jwt }
}

function measure(identity: Identity): Sizes {
  const { issuer, subject, email = '', name = '', groups } = identity
  const twice = [subject, email, name].map((value) => headerText(value).length * 2)
  const own = HEADER_NAMES + headerText(issuer).length + twice.reduce((sum, size) => sum + size, 0)
  const inJwt = JWT_FRAME + base64Size(JSON.stringify([issuer, subject, email, name]))
  const each = groups.map((group) => ({
    name: group,
    header: headerListItem(group).length + 1,
    jwt: base64Size(`${JSON.stringify(group)},`),
  }))
  const sum = (of: 'header' | 'jwt'): number => each.reduce((total, size) => total + size[of], 0)
  const sizes = { own, inJwt, groups: each, all: { header: sum('header'), jwt: sum('jwt') } }
  measured.set(identity, sizes)
  return sizes
}

function base64Size(text: string): number {
  return Math.ceil((utf8.encode(text).length * 4) / 3)
}
