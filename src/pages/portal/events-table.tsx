// Security events as a table: when, what, whose, with what, and who did it why.
import { shownText } from '../shown.ts'
import { Actor, Client, nameOf, personPath, type Named } from '../names.tsx'
import { Ago, Exact } from '../when.tsx'
import { reasonFor, wordFor } from './words.ts'
import { Table } from '../table.tsx'

export interface ShownEvent {
  readonly number: number
  readonly at: number
  readonly type: string
  readonly sub: string | undefined
  readonly clientId: string | undefined
  readonly clientName: string | undefined
  readonly actor: string | undefined
  readonly actorName?: string | undefined
  readonly reason: string | undefined
}

interface Events {
  readonly id: string
  readonly caption: string
  readonly events: readonly ShownEvent[]
  /** Names of the people that are known; others go by the beginning of their id. */
  readonly people: ReadonlyMap<string, Named>
  readonly now: number
  /** Where everything is of one person, their column says nothing. */
  readonly withPerson?: boolean
  readonly isExact?: boolean
}

export function EventsTable({ id, caption, events, people, now, withPerson = true, isExact = false }: Events) {
  return (
    <Table
      id={id}
      caption={caption}
      columns={['What', ...(withPerson ? ['Person'] : []), 'Client', 'By, and why', 'When']}
      empty="Nothing yet."
      rows={events.map((event) => (
        <tr data-event={String(event.number)} data-type={event.type}>
          <td data-label="What">
            <span class={`state state-${wordFor(event.type).state}`}>{shownText(wordFor(event.type).text)}</span>
          </td>
          {withPerson && (
            <td data-label="Person">{event.sub === undefined ? '–' : <PersonOf sub={event.sub} people={people} />}</td>
          )}
          <td data-label="Client">
            {event.clientId === undefined ? '–' : <Client clientId={event.clientId} clientName={event.clientName} />}
          </td>
          <td data-label="By, and why">
            <Cause {...event} />
          </td>
          <td data-label="When" class="time">
            {isExact ? <Exact at={event.at} /> : <Ago at={event.at} now={now} />}
          </td>
        </tr>
      ))}
    />
  )
}

function PersonOf({ sub, people }: { readonly sub: string; readonly people: ReadonlyMap<string, Named> }) {
  return (
    <a href={personPath(sub)}>
      <bdi>{nameOf(people.get(sub) ?? { sub })}</bdi>
    </a>
  )
}

function Cause({ actor, actorName, reason }: ShownEvent) {
  if (actor === undefined && reason === undefined) return <>–</>
  return (
    <span class="person">
      <span>
        <Actor actor={actor} actorName={actorName} />
      </span>
      {reason !== undefined && (
        <span>
          <bdi>{shownText(reasonFor(reason), 200)}</bdi>
        </span>
      )}
    </span>
  )
}
