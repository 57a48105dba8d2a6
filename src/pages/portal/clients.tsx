// The clients there are: what they are called and by whom, who uses them, and who is kept out.
import { Host } from '../host.tsx'
import { shownText } from '../shown.ts'
import { confirmPath } from '../confirm-path.ts'
import { portalPage } from './frame.tsx'
import { Actor, Client, clientNameOf, counted } from '../names.tsx'
import { Pager, Search } from './lists.tsx'
import { Ago } from '../when.tsx'
import { ACTIONS, numbers, Table } from '../table.tsx'

export interface ClientsView {
  readonly search: string
  readonly clients: readonly {
    readonly id: string
    readonly name: string | undefined
    /** From the settings, from a document at its id, or what stands for `/.sts`; absent: it registered itself. */
    readonly knownBy?: 'settings' | 'document' | 'sts'
    readonly redirectUris: readonly string[]
    readonly registeredAt: number
    readonly usedAt: number | undefined
    readonly people: number
    readonly blocked:
      | { readonly at: number; readonly by: string; readonly byName?: string | undefined; readonly why: string }
      | undefined
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
          Applications that can be connected. Where one registered itself, its name is its own word and nobody has checked it.
        </p>
        <Search id="search-clients" path="/admin/clients" search={search} label="Name contains, or exact client ID" />
        <Table
          id="clients"
          caption="Clients, last used first"
          isCaptionHidden
          columns={['Client', 'Returns to', numbers('People'), 'State', 'Last allowed', ACTIONS]}
          empty={search === '' ? 'There is no client yet.' : 'No client is called that.'}
          rows={clients.map((client) => (
            <tr data-client-id={client.id}>
              <td data-label="Client">
                <span class="person">
                  <Client clientId={client.id} clientName={client.name} />
                  <Origin {...client} />
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
                <LastAllowed {...client} now={now} />
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

/** Who says that it is called that. */
function Origin({ id, knownBy }: Row) {
  if (knownBy === 'settings') {
    return (
      <span>
        pre-registered as <span class="address">{shownText(id, 40)}</span>
      </span>
    )
  }
  if (knownBy === 'sts') {
    return (
      <span>
        programs that exchange a token at <span class="address">/.sts</span>
      </span>
    )
  }
  const host = knownBy === 'document' ? URL.parse(id)?.host : undefined
  if (host === undefined) return <span class="address clipped">{shownText(id, 24)}</span>
  return (
    <span>
      published by <Host host={host} />
    </span>
  )
}

/** Of a client of the settings nobody keeps the day. */
function LastAllowed({ knownBy, usedAt, now }: Row & { readonly now: number }) {
  if (usedAt !== undefined) return <Ago at={usedAt} now={now} />
  return <>{knownBy === 'settings' ? '–' : 'never'}</>
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
          by <Actor actor={blocked.by} actorName={blocked.byName} />: <bdi>{shownText(blocked.why, 80)}</bdi>
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
