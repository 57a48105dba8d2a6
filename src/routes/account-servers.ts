// What a person sees of the servers that want them to sign in there, and how they connect and disconnect each.
import type { Context } from 'hono'
import * as z from 'zod'
import { OAuthError } from '../clients/oauth-error.ts'
import type { SignedInServer } from '../pages/signed-in-servers.tsx'
import type { Services } from '../services.ts'
import { THEMSELVES } from '../session/contract/receipt.ts'
import { titleOf } from '../settings/downstreams.ts'
import { sendToServer } from './link.ts'
import { ownFormOf, type Visited } from './pages-session.ts'

const asking = z.object({ server: z.string().min(1).max(2_000), what: z.enum(['connect', 'disconnect']) })

/** None, and no call, where no server is of this kind. */
export async function signedInServers({ settings, session }: Services, sub: string): Promise<readonly SignedInServer[]> {
  const servers = settings.downstreams.filter(({ auth }) => auth === 'oauth')
  if (servers.length === 0) return []
  const links = await session(sub).links()
  return servers.map((server) => {
    const link = links.find(({ resource }) => resource === server.resource)
    return { resource: server.resource, name: titleOf(server), at: link && new URL(link.issuer).host }
  })
}

export async function changeConnection(c: Context<Visited>, services: Services): Promise<Response> {
  const asked = asking.safeParse(Object.fromEntries(await ownFormOf(c, services)))
  if (!asked.success) throw new OAuthError('invalid_request', 'This form does not say which server is meant')
  const { sub } = c.get('visitor')
  const { server: resource, what } = asked.data
  const session = services.session(sub)
  if (what === 'connect') {
    const link = (await session.links()).find((known) => known.resource === resource)
    return await sendToServer(c, services, { sub, resource, scopes: link?.scopes ?? [] })
  }
  await session.unlink(resource, { actor: THEMSELVES, reason: 'disconnected on the account page' })
  return c.body(null, 303, { Location: '/account', 'Cache-Control': 'no-store' })
}
