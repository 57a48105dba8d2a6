// What a security event that was believed means here: a signal about somebody, news about the stream, or nothing.
import * as z from 'zod'
import type { SignalSubject } from '../session/contract/signal.ts'
import type { StreamEvent } from '../session/contract/signal-stream.ts'
import { effectOf, isAboutStream, shortName } from './event-effects.ts'
import { EventRefusal, type SecurityEventToken } from './security-event-token.ts'
import { SignalRefusal, type SignalSource } from './signer.ts'
import { aboutPerson, criticalPart, personOf, type AboutPerson } from './subject.ts'

export interface MeaningTerms {
  readonly source: SignalSource
  /** Parts of subjects that must not be overlooked, by the transmitter's metadata. */
  readonly critical: readonly string[]
  /** Unix milliseconds. */
  readonly receivedAt: number
}

const verification = z.looseObject({ state: z.string().max(1_024).optional() })
const updated = z.looseObject({ status: z.string().max(40) })

export async function streamEventOf(event: SecurityEventToken, terms: MeaningTerms): Promise<StreamEvent> {
  const { type, members, subject } = event
  if (isAboutStream(type, 'verification')) return { kind: 'verification', state: verification.safeParse(members).data?.state }
  if (isAboutStream(type, 'stream-updated'))
    return { kind: 'status', status: updated.safeParse(members).data?.status ?? 'unknown' }
  const effect = effectOf(type, members, terms.source.settings)
  if (effect === undefined) return { kind: 'nothing', why: `nothing follows from ${shortName(type)}` }
  const critical = criticalPart(subject, terms.critical)
  if (critical !== undefined)
    return { kind: 'nothing', why: `its subject has a critical part, ${critical}, which is not understood` }
  const about = aboutPerson(subject)
  if (!about) throw new EventRefusal('invalid_request', 'the subject names no person and no session')
  const names = await namesOf(about, terms.source, event.issuer)
  const { key: provider, name: providerName } = terms.source
  const { issuer, jti, txn, until } = event
  const one = { door: 'shared-signals', provider, providerName, issuer, jti, txn, until, event: shortName(type) } as const
  const isOfSession = effect === 'end' && names.what === 'session'
  return { kind: 'signal', signal: { ...one, receivedAt: terms.receivedAt, names, effect: isOfSession ? 'end_session' : effect } }
}

/** One session only where nothing wider is meant; of somebody else's people it means nobody. */
async function namesOf({ user, session }: AboutPerson, source: SignalSource, signer: string): Promise<SignalSubject> {
  try {
    const person = user && (await personOf(user, source, signer))
    if (session === undefined) return person ?? { what: 'nobody' }
    if (person?.what === 'email') return person
    const issuer = await source.peopleIssuer()
    return { what: 'session', issuer, session, ...(person?.what === 'person' && { subject: person.subject }) }
  } catch (error) {
    if (error instanceof SignalRefusal && error.fault === 'foreign') return { what: 'nobody' }
    throw error
  }
}
