// People on their own pages and in the portal: known here from their first visit on, so that they can be found, shut out and signed out.
import type { Identity } from '../../caller.ts'
import type { PagesSession } from '../store/pages-sessions.ts'
import type { SessionContext } from '../session-context.ts'
import { learnProvisioned } from '../access/provisioning.ts'
import { keep } from '../access/tokens.ts'

/** What decides about the cookie of a page, which only names a session. */
export interface PagesStanding {
  readonly blocked: boolean
  /** Who the person is now, as the identity provider said last; absent when the session is over. */
  readonly identity?: Identity
  /** Sessions of the same person in other browsers. */
  readonly others: number
}

/** They have signed in at the identity provider, for the pages alone. True when that ended the oldest of their sessions. */
export async function visit(
  context: Pick<
    SessionContext,
    | 'carrier'
    | 'credentials'
    | 'grants'
    | 'leases'
    | 'leashes'
    | 'now'
    | 'outbox'
    | 'pages'
    | 'profile'
    | 'provisioned'
    | 'settings'
  >,
  identity: Identity,
  session: PagesSession,
): Promise<boolean> {
  await learnProvisioned(context, identity)
  // Who is blocked is known, and gets no session: unblocking them later makes none good.
  const isSurplus = !context.profile.isBlocked && context.pages.begin(session, context.now())
  await Promise.all([keep(context, identity), context.outbox.report()])
  return isSurplus
}

export function pagesStanding(
  { profile, pages, now }: Pick<SessionContext, 'profile' | 'pages' | 'now'>,
  session: string,
): PagesStanding {
  const { isBlocked: blocked, identity } = profile
  const isOpen = !blocked && identity !== undefined && pages.isOpen(session, now())
  return { blocked, ...(isOpen && { identity }), others: pages.others(session, now()) }
}
