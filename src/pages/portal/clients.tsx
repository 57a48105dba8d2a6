// The clients that registered: what they call themselves, who uses them, and who is kept out.
import { Host } from '../host.tsx'
import { shownText } from '../shown.ts'
import { confirmPath } from './confirm-path.ts'
import { portalPage } from './frame.tsx'
import { Client, clientNameOf, counted } from './names.tsx'
import { Pager, Search } from './lists.tsx'
import { Ago } from './when.tsx'
import { ACTIONS, numbers, Table } from './table.tsx'

export interface ClientsView {
  readonly search: string
  readonly clients: readonly {
    readonly id: string
    readonly name: string | undefined
    readonly redirectUris: readonly string[]
    readonly registeredAt: number
    readonly usedAt: number | undefined
    readonly people: number
    readonly blocked: { readonly at: number; readonly by: string; readonly why: string } | undefined
  }[]
  readonly isFirst: boolean
  readonly next: string | undefined
  readonly now: number
}

type Row = ClientsView['clients'][number]

export function clientsPage({ search, clients, isFirst, next, now }: ClientsView): string {
  return portalPage({
    title: 'Clients',
    place: '/admin/clients',
    children: (
      <div class="stack">
        <h1>Clients</h1>
        <p class="lede">
          Applications that registered here. A name is what the application says of itself; nobody has checked it.
        </p>
        <Search id="search-clients" path="/admin/clients" search={search} label="Name contains, or exact client ID" />
        <Table
          id="clients"
          caption="Clients, last used first"
          isCaptionHidden
          columns={['Client', 'Returns to', numbers('People'), 'State', 'Last allowed', ACTIONS]}
          empty={search === '' ? 'No client has registered yet.' : 'No client is called that.'}
          rows={clients.map((client) => (
            <tr data-client-id={client.id}>
              <td data-label="Client">
                <span class="person">
                  <Client clientId={client.id} clientName={client.name} />
                  <span class="address clipped">{shownText(client.id, 24)}</span>
                </span>
              </td>
              <td data-label="Returns to">
                <Returns {...client} />
              </td>
              <td data-label="People" class="number">
                {client.people}
              </td>
              <td data-label="State">
                <State {...client} />
              </td>
              <td data-label="Last allowed" class="time">
                {client.usedAt === undefined ? 'never' : <Ago at={client.usedAt} now={now} />}
              </td>
              <td class="action">
                <Powers {...client} />
              </td>
            </tr>
          ))}
        />
        <Pager path="/admin/clients" query={{ search }} cursor="after" isFirst={isFirst} next={next} />
      </div>
    ),
  })
}

/** Where the browser goes after the sign-in: that, not the name, is what a client can not choose freely. */
function Returns({ redirectUris }: Row) {
  const hosts = [...new Set(redirectUris.map((uri) => URL.parse(uri)).map((url) => url?.host || url?.protocol || ''))]
  const [first = ''] = hosts
  return (
    <span>
      {first === '' ? '–' : <Host host={first} />}
      {hosts.length > 1 && <span class="fine"> and {hosts.length - 1} more</span>}
    </span>
  )
}

function State({ blocked, people }: Row) {
  if (blocked) {
    return (
      <span class="person">
        <span class="state state-ended">Blocked</span>
        <span>
          <bdi>
            by {shownText(blocked.by, 60)}: {shownText(blocked.why, 80)}
          </bdi>
        </span>
      </span>
    )
  }
  return <span class={people > 0 ? 'state state-live' : 'state'}>{people > 0 ? 'In use' : 'Not in use'}</span>
}

function Powers({ id, name, people, blocked }: Row) {
  const called = clientNameOf({ clientId: id, clientName: name })
  const target = { what: 'client', id } as const
  return (
    <span class="row-actions">
      {people > 0 && (
        <a
          class="button button-danger button-small"
          id={`revoke-client-${id}`}
          href={confirmPath({ action: 'revoke', ...target })}
          aria-label={`Disconnect ${counted(people, 'person', 'people')} from ${called}…`}
        >
          Disconnect…
        </a>
      )}
      <a
        class="button button-small"
        id={`${blocked ? 'unblock' : 'block'}-client-${id}`}
        href={confirmPath({ action: blocked ? 'unblock' : 'block', ...target })}
        aria-label={`${blocked ? 'Unblock' : 'Block'} ${called}…`}
      >
        {blocked ? 'Unblock…' : 'Block…'}
      </a>
    </span>
  )
}
