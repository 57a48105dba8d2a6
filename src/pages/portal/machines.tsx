// Machine credentials: who answers for each, what it may do, when it was last used; and the form that makes a new one.
import { shownText } from '../shown.ts'
import { portalPage } from './frame.tsx'
import { Pager } from './lists.tsx'
import { personPath, serverOf } from '../names.tsx'
import { Ago, Exact } from '../when.tsx'
import { Table } from '../table.tsx'

interface ShownMachine {
  readonly id: string
  readonly sub: string
  readonly name: string
  readonly owner: string
  readonly prefix: string
  readonly scopes: readonly ('mcp' | 'admin' | 'scim' | 'metrics')[]
  readonly resources: readonly string[]
  readonly expiresAt: number
  readonly state: 'active' | 'expired' | 'ended'
  readonly lastUsedAt: number | undefined
}

export interface MachinesView {
  readonly machines: readonly ShownMachine[]
  readonly isFirst: boolean
  readonly next: string | undefined
  /** What a new one may be allowed to use. */
  readonly resources: readonly string[]
  /** Identity providers whose directory may speak SCIM. */
  readonly directories: readonly { readonly key: string; readonly name: string }[]
  readonly csrf: string
  readonly complaint?: string | undefined
  readonly now: number
}

export const LIFETIMES: readonly (readonly [days: number, label: string])[] = [
  [7, 'a week'],
  [30, '30 days'],
  [90, '90 days'],
  [365, 'a year'],
]
const USUAL_DAYS = 90

const STATES: Readonly<Record<ShownMachine['state'], readonly [state: string, text: string]>> = {
  active: ['state state-live', 'Active'],
  expired: ['state', 'Expired'],
  ended: ['state state-ended', 'Revoked'],
}

export function machinesPage(view: MachinesView): string {
  const { machines, isFirst, next, now } = view
  return portalPage({
    title: 'Machines',
    place: '/admin/machines',
    children: (
      <div class="stack">
        <h1>Machine credentials</h1>
        <p class="lede">For programs that have no person to sign in. Each is watched and revoked like a person.</p>
        <Table
          id="machines"
          caption="Machine credentials, newest first"
          isCaptionHidden
          columns={['Name', 'State', 'May use', 'Begins with', 'Last used', 'Expires']}
          empty="There is no machine credential."
          rows={machines.map((machine) => (
            <Row machine={machine} now={now} />
          ))}
        />
        <Pager path="/admin/machines" query={{}} cursor="before" isFirst={isFirst} next={next} />
        <NewMachine {...view} />
      </div>
    ),
  })
}

function Row({ machine, now }: { readonly machine: ShownMachine; readonly now: number }) {
  const { id, sub, name, owner, prefix, scopes, resources, expiresAt, state, lastUsedAt } = machine
  const [shape, text] = STATES[state]
  return (
    <tr data-machine={id} data-person={sub}>
      <td data-label="Name">
        <span class="person">
          <a href={personPath(sub)}>
            <bdi>{shownText(name, 80)}</bdi>
          </a>
          <span>
            <bdi>{shownText(owner, 80)}</bdi>
          </span>
        </span>
      </td>
      <td data-label="State">
        <span class={shape}>{text}</span>
      </td>
      <td data-label="May use">
        <span class="person">
          {resources.map((resource) => (
            <span class="address">{serverOf(resource)}</span>
          ))}
          {scopes.includes('admin') && <strong>this administration</strong>}
          {scopes.includes('scim') && <strong>people and groups, by SCIM</strong>}
          {scopes.includes('metrics') && <span>metrics</span>}
        </span>
      </td>
      <td data-label="Begins with">
        <code>{shownText(prefix, 20)}…</code>
      </td>
      <td data-label="Last used" class="time">
        {lastUsedAt === undefined ? 'never' : <Ago at={lastUsedAt} now={now} />}
      </td>
      <td data-label="Expires" class="time">
        <Exact at={expiresAt} />
      </td>
    </tr>
  )
}

function NewMachine({ resources, directories, csrf, complaint }: MachinesView) {
  return (
    <form id="new-machine" class="card stack" method="post" action="/admin/machines">
      <h2>New machine credential</h2>
      {complaint !== undefined && (
        <p class="note note-danger" id="complaint" role="alert">
          {shownText(complaint)}
        </p>
      )}
      <input type="hidden" name="csrf" value={csrf} />
      <div class="fields">
        <Text name="name" label="Name" most={100} />
        <Text name="owner" label="Who answers for it" most={200} />
        <Text name="reason" label="Why? The receipt keeps it." most={300} />
        <div class="field">
          <label for="machine-days">Expires in</label>
          <select class="input" id="machine-days" name="days">
            {LIFETIMES.map(([days, label]) => (
              <option value={String(days)} selected={days === USUAL_DAYS}>
                {label}
              </option>
            ))}
          </select>
        </div>
      </div>
      <fieldset class="checks">
        <legend>May use</legend>
        {resources.map((resource, index) => (
          <label>
            <input
              type="checkbox"
              id={`machine-resource-${index}`}
              name="resource"
              value={resource}
              checked={resources.length === 1}
            />
            <span class="address">{serverOf(resource)}</span>
          </label>
        ))}
        <label>
          <input type="checkbox" id="machine-admin" name="admin" value="yes" />
          this administration, to the full
        </label>
        <label>
          <input type="checkbox" id="machine-metrics" name="metrics" value="yes" />
          metrics of the deployment, to scrape them
        </label>
        {directories.map(({ key, name }) => (
          <label>
            <input type="checkbox" id={`machine-scim-${key}`} name="scim" value={key} />
            people and groups of {shownText(name, 80)}, as its directory (SCIM)
          </label>
        ))}
      </fieldset>
      <p class="actions">
        <button class="button button-primary" id="create-machine" type="submit">
          Create, and show the token once
        </button>
      </p>
    </form>
  )
}

function Text({ name, label, most }: { readonly name: string; readonly label: string; readonly most: number }) {
  return (
    <div class="field">
      <label for={`machine-${name}`}>{label}</label>
      <input class="input" id={`machine-${name}`} name={name} required maxlength={most} autocomplete="off" />
    </div>
  )
}

export interface NewTokenView {
  readonly name: string
  readonly id: string
  readonly sub: string
  readonly token: string
  readonly receiptId: string
}

/** The only page that ever shows the token; it is stored nowhere. */
export function newTokenPage({ name, id, sub, token, receiptId }: NewTokenView): string {
  return portalPage({
    title: 'New machine credential',
    place: '/admin/machines',
    width: 'middle',
    children: (
      <article class="card" data-machine={id}>
        <h1>
          <bdi>{shownText(name, 100)}</bdi> can be used now
        </h1>
        <p class="note note-warn">
          <strong>Copy the token now.</strong> It is shown this once and kept nowhere: whoever loses it makes a new one.
        </p>
        <pre class="snippet">
          <code class="pick" id="token">
            {token}
          </code>
        </pre>
        <p class="fine">
          It goes into the Authorization header as a bearer token, or to the token endpoint as the secret of the client{' '}
          <code>{shownText(id, 60)}</code> (client_credentials).
        </p>
        <p class="actions">
          <a class="button" id="to-person" href={personPath(sub)}>
            See what it does
          </a>
          <a class="button" id="to-receipt" href={`/admin/receipts/${receiptId}`}>
            Receipt
          </a>
          <a class="button" id="to-machines" href="/admin/machines">
            All machine credentials
          </a>
        </p>
      </article>
    ),
  })
}
