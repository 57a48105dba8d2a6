// Whom a signal is about (RFC 9493, Subject Identifiers), in the words of the Directory.
import * as z from 'zod'
import type { SignalSubject } from '../session/contract/signal.ts'
import { isSameIssuer } from '../oauth-client/published-document.ts'
import { SignalRefusal, type SignalSource } from './signer.ts'

const LONGEST = 1_024
const text = z.string().min(1).max(LONGEST)

const issSub = z.looseObject({ format: z.literal('iss_sub'), iss: text, sub: text })
const email = z.looseObject({ format: z.literal('email'), email: text })
const simple = z.discriminatedUnion('format', [issSub, email])
export type SimpleSubject = z.output<typeof simple>

/** Undefined where it is of another format, or none. */
export function simpleSubject(value: unknown): SimpleSubject | undefined {
  return simple.safeParse(value).data
}

/**
 * The person of this provider. A subject of its own issuer, or of the one who signs, which stand for the same people; `foreign` where
 * it is of anybody else. An address means whoever the provider knows by it, and has verified it for.
 */
export async function personOf(subject: SimpleSubject, source: SignalSource, signer: string): Promise<SignalSubject> {
  if (subject.format === 'email') return { what: 'email', issuer: await source.peopleIssuer(), email: subject.email }
  const { iss, sub } = subject
  if (!source.issues(iss) && !isSameIssuer(iss, signer))
    throw new SignalRefusal('foreign', 'nobody here is meant', `${iss} is not the issuer of people of ${source.key}`)
  return { what: 'person', issuer: await source.peopleIssuer(), subject: sub }
}

/** A subject of several parts (SSF section 3.2). Okta's examples leave out the format. */
const complex = z.looseObject({
  format: z.literal('complex').optional(),
  user: z.unknown().optional(),
  session: z.unknown().optional(),
})
const opaque = z.looseObject({ format: z.literal('opaque'), id: text })

/** Of these parts it is known what they mean for people's access; a device, a tenant or an application narrow what is said to them. */
const UNDERSTOOD: readonly string[] = ['user', 'session']

export interface AboutPerson {
  readonly user: SimpleSubject | undefined
  /** The `sid` of a session at the provider. */
  readonly session: string | undefined
}

/** Undefined where it names neither a person nor a session. */
export function aboutPerson(subject: unknown): AboutPerson | undefined {
  const user = simpleSubject(subject)
  if (user) return { user, session: undefined }
  const { data: parts } = complex.safeParse(subject)
  const about = { user: simpleSubject(parts?.user), session: opaque.safeParse(parts?.session).data?.id }
  return about.user || about.session !== undefined ? about : undefined
}

/** A part the transmitter calls critical, which is not understood here: then the event is not to be acted on (SSF section 3.2). */
export function criticalPart(subject: unknown, critical: readonly string[]): string | undefined {
  const { data: parts = {} } = complex.safeParse(subject)
  return critical.find((part) => !UNDERSTOOD.includes(part) && Object.hasOwn(parts, part))
}
