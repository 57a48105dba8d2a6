// People on their own pages and in the portal: known here from their first visit on, so that they can be found, shut out and signed out.
import type { Identity } from '../caller.ts'
import type { Parts } from './parts.ts'
import { keep } from './tokens.ts'

/** What decides about the cookie of a page, which nobody can take back. */
export interface PagesStanding {
  readonly blocked: boolean
  /** Who signed in at this second (unix) or before has to sign in again. */
  readonly endedAt: number
}

/** They have signed in at the identity provider, for the pages alone. */
export async function visit(parts: Parts, identity: Identity): Promise<void> {
  await Promise.all([keep(parts, identity), parts.outbox.report()])
}

export function pagesStanding({ profile }: Parts): PagesStanding {
  return { blocked: profile.isBlocked, endedAt: profile.pagesEndedAt }
}
