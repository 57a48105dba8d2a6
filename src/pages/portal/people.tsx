// The people of the deployment, found by the beginning of a name or an e-mail address, or leafed through.
import { shownText } from '../shown.ts'
import { portalPage } from './frame.tsx'
import { grouped, PersonLabel, type Named } from '../names.tsx'
import { Pager, Search } from './lists.tsx'
import { Ago } from '../when.tsx'
import { numbers, Table } from '../table.tsx'

export interface PeopleView {
  readonly search: string
  readonly people: readonly (Named & {
    readonly blocked: boolean
    readonly liveGrants: number
    readonly lastSeenAt: number
    readonly groups: readonly string[]
    readonly kind: 'person' | 'machine'
  })[]
  /** How many there are altogether. */
  readonly known: number
  readonly isFirst: boolean
  readonly next: string | undefined
  readonly now: number
}

export function peoplePage({ search, people, known, isFirst, next, now }: PeopleView): string {
  return portalPage({
    title: 'People',
    place: '/admin/people',
    children: (
      <div class="stack">
        <h1>People</h1>
        <p class="lede">
          {grouped(known)} {known === 1 ? 'person has' : 'people have'} used this broker.
        </p>
        <Search id="search-people" path="/admin/people" search={search} label="Name or e-mail begins with, or exact subject" />
        <Table
          id="people"
          caption={search === '' ? 'People, last seen first' : 'People who were found'}
          isCaptionHidden
          columns={['Person', 'State', numbers('Clients'), 'Groups', 'Last seen']}
          empty={search === '' ? 'Nobody has signed in yet.' : 'Nobody’s name or e-mail address begins like this.'}
          rows={people.map((person) => (
            <tr data-person={person.sub}>
              <td data-label="Person">
                <PersonLabel {...person} />
              </td>
              <td data-label="State">
                <State {...person} />
              </td>
              <td data-label="Clients" class="number">
                {person.liveGrants}
              </td>
              <td data-label="Groups">
                <bdi>{shownText(person.groups.join(', '), 80) || '–'}</bdi>
              </td>
              <td data-label="Last seen" class="time">
                <Ago at={person.lastSeenAt} now={now} />
              </td>
            </tr>
          ))}
        />
        <Pager path="/admin/people" query={{ search }} cursor="after" isFirst={isFirst} next={next} />
      </div>
    ),
  })
}

function State({ blocked, liveGrants, kind }: PeopleView['people'][number]) {
  if (blocked) return <span class="state state-ended">Blocked</span>
  const words = liveGrants > 0 ? 'Connected' : 'Not connected'
  return <span class={liveGrants > 0 ? 'state state-live' : 'state'}>{kind === 'machine' ? `${words}, machine` : words}</span>
}
