// Everything that was given, taken away or refused, filtered, page by page, and for download.
import { EventsTable, type ShownEvent } from './events-table.tsx'
import { portalPage } from './frame.tsx'
import { Pager } from './lists.tsx'
import { nameOf, type Named } from '../names.tsx'
import { EVENT_TYPES, wordFor } from './words.ts'

export interface EventsView {
  readonly filter: { readonly type: string; readonly sub: string; readonly client: string }
  readonly events: readonly ShownEvent[]
  readonly names: ReadonlyMap<string, Named>
  readonly isFirst: boolean
  readonly next: string | undefined
  readonly now: number
}

export function eventsPage({ filter, events, names, isFirst, next, now }: EventsView): string {
  return portalPage({
    title: 'Events',
    place: '/admin/events',
    children: (
      <div class="stack">
        <h1>Security events</h1>
        <p class="lede">Who was let in, who was put out, by whom and why.</p>
        <Filter filter={filter} names={names} />
        <EventsTable id="events" caption={wordsOf(filter.type)} events={events} people={names} now={now} isExact />
        <Pager path="/admin/events" query={filter} cursor="before" isFirst={isFirst} next={next} />
      </div>
    ),
  })
}

function wordsOf(type: string): string {
  return type === '' ? 'All kinds of events, newest first' : `${wordFor(type).text}, newest first`
}

function Filter({ filter: { type, sub, client }, names }: Pick<EventsView, 'filter' | 'names'>) {
  const isFiltered = type !== '' || sub !== '' || client !== ''
  return (
    <form id="filter-events" class="toolbar" method="get" action="/admin/events">
      <div class="field">
        <label for="filter-type">Kind</label>
        <select class="input" id="filter-type" name="type">
          <option value="">All</option>
          {EVENT_TYPES.map((known) => (
            <option value={known} selected={known === type}>
              {wordFor(known).text}
            </option>
          ))}
        </select>
      </div>
      {sub !== '' && <Kept name="sub" value={sub} label="Person" shown={nameOf(names.get(sub) ?? { sub })} />}
      {client !== '' && <Kept name="client" value={client} label="Client" shown={client} />}
      <button class="button" id="filter-go" type="submit">
        Show
      </button>
      {isFiltered && (
        <a class="button" id="filter-none" href="/admin/events">
          Show all
        </a>
      )}
      <span class="exports">
        <a id="export-jsonl" href={exportPath('jsonl', { type, sub, client })}>
          JSON Lines
        </a>
        <a id="export-csv" href={exportPath('csv', { type, sub, client })}>
          CSV
        </a>
      </span>
    </form>
  )
}

interface KeptFilter {
  readonly name: string
  readonly value: string
  readonly label: string
  readonly shown: string
}

function Kept({ name, value, label, shown }: KeptFilter) {
  return (
    <div class="field">
      <span class="field-name">{label}</span>
      <span class="kept">
        <bdi>{shown}</bdi>
      </span>
      <input type="hidden" name={name} value={value} />
    </div>
  )
}

function exportPath(format: 'jsonl' | 'csv', filter: EventsView['filter']): string {
  const given = Object.entries(filter).filter(([, value]) => value !== '')
  return `/admin/api/events?${new URLSearchParams([['format', format], ...given]).toString()}`
}
