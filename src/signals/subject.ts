// Whom a signal is about (RFC 9493, Subject Identifiers), in the words of the Directory.
import * as z from 'zod'
import type { SignalSubject } from '../session/contract/signal.ts'
import { isSameIssuer, SignalRefusal, type SignalSource } from './signer.ts'

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
