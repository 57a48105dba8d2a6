// What administrators see: the index of the Directory, and for one person what their own object says at this moment.
import type { ClientWithPeople } from '../../clients/client-record.ts'
import type { PersonRow } from '../../directory/people.ts'
import type { EventFilter, RecordedEvent } from '../../directory/security-events.ts'
import type { Services } from '../../services.ts'
import type { PersonDetail } from '../../session/admin/administration.ts'
import { SUBJECT } from './actions.ts'

export interface ListedPerson extends PersonRow {
  readonly kind: 'person' | 'machine'
}

export interface Page<Item> {
  readonly items: readonly Item[]
  /** Pass it back for the next page; undefined on the last. */
  readonly next: string | undefined
}

export interface DescribedPerson {
  /** As the index knows them, seconds behind; undefined before their object has reported. */
  readonly listed: ListedPerson | undefined
  /** As their object is at this moment; undefined when all their sessions are over. */
  readonly live: PersonDetail | undefined
}

export interface ShownPerson extends DescribedPerson {
  readonly events: readonly RecordedEvent[]
}

/** Most recently seen first, or those whose e-mail or name begins with the search. */
export async function listPeople(services: Services, search: string, after?: string): Promise<Page<ListedPerson>> {
  const { people, next } = await services.directory().people(search, after)
  return { items: people.map((person) => listed(services, person)), next }
}

/** Undefined when nobody knows them. */
export async function showPerson(services: Services, sub: string, events = 50): Promise<ShownPerson | undefined> {
  if (!SUBJECT.test(sub)) return undefined
  const directory = services.directory()
  const [live, known, recent] = await Promise.all([
    services.session(sub).watch(),
    directory.person(sub),
    directory.securityEvents({ sub, most: events }),
  ])
  if (!live && !known) return undefined
  return { live, listed: known && listed(services, known), events: recent }
}

/** The same without events, and without what has passed over each stream: no router is woken to count that. */
export async function describedPerson(services: Services, sub: string): Promise<DescribedPerson | undefined> {
  if (!SUBJECT.test(sub)) return undefined
  const [live, known] = await Promise.all([services.session(sub).describe(), services.directory().person(sub)])
  return live || known ? { live, listed: known && listed(services, known) } : undefined
}

/** Last used first, or those whose name contains the search. */
export async function listClients(services: Services, search: string, after?: string): Promise<Page<ClientWithPeople>> {
  const { clients, next } = await services.directory().clients(search, after)
  return { items: clients, next }
}

const EVENTS_PAGE = 100

/** Newest first; `next` is the number to give as `before`. */
export async function listEvents(services: Services, filter: EventFilter): Promise<Page<RecordedEvent>> {
  const most = Math.min(filter.most ?? EVENTS_PAGE, 1_000)
  const items = await services.directory().securityEvents({ ...filter, most })
  return { items, next: items.length === most ? String(items.at(-1)?.number) : undefined }
}

/** What the people are called, one question for all of them. */
export async function namesIn(services: Services, subs: readonly string[]): Promise<ReadonlyMap<string, PersonRow>> {
  return new Map((await services.directory().named([...new Set(subs)])).map((person) => [person.sub, person]))
}

function listed({ settings }: Services, person: PersonRow): ListedPerson {
  const isMachine = person.issuer === settings.baseUrl && person.subject.startsWith('machine:')
  return { ...person, kind: isMachine ? 'machine' : 'person' }
}
