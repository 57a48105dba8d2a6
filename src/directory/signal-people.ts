// Whom a signal means: a person by name, whoever had a session at the provider, or everybody it knows by an address it has verified.
import { personName, type Identity } from '../caller.ts'
import type { Signal } from '../session/contract/signal.ts'
import type { People, PersonRow } from './people.ts'
import type { ProviderSessions } from './provider-sessions.ts'
import type { Meant } from './signals.ts'

/** Nobody of another issuer, whatever the signal says. */
export async function meantBy({ names }: Signal, people: People, sessions: ProviderSessions): Promise<readonly Meant[]> {
  if (names.what === 'nobody') return []
  if (names.what === 'email') return people.withEmail(names.issuer, names.email).map(listed)
  const { issuer, subject } = names
  if (names.what === 'session') {
    const sub = sessions.subjectOf(issuer, names.session)
    const person = sub === undefined ? undefined : people.find(sub)
    if (person) return subject === undefined || subject === person.subject ? [listed(person)] : []
  }
  // Whose session is not known yet is who the signal says it is.
  return subject === undefined ? [] : [{ sub: await personName({ issuer, subject }), person: { issuer, subject, groups: [] } }]
}

function listed({ sub, issuer, subject, email, name, groups }: PersonRow): Meant {
  const person: Identity = { issuer, subject, email, name, groups }
  return { sub, person }
}
