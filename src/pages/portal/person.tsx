// One person: who they are, what they have connected, what is open at this moment, what happened, and how to end it.
import { shownText } from '../shown.ts'
import { confirmPath } from '../confirm-path.ts'
import { EventsTable, type ShownEvent } from './events-table.tsx'
import { GrantsTable, type ShownGrant } from '../grants-table.tsx'
import { fragmentOf, LiveRegion, LiveStatus, portalPage } from './frame.tsx'
import { counted, nameOf, personPath } from '../names.tsx'
import { RequestsTable, type ShownRequest } from './requests-table.tsx'
import { StreamsTable, type ShownStream } from '../streams-table.tsx'
import { Ago } from '../when.tsx'

export interface PersonView {
  readonly sub: string
  readonly name: string | undefined
  readonly email: string | undefined
  readonly groups: readonly string[]
  readonly issuer: string
  readonly subject: string
  readonly kind: 'person' | 'machine'
  readonly blocked: boolean
  readonly deactivated?: true
  readonly lastSeenAt: number
  readonly grants: readonly ShownGrant[]
  readonly streams: readonly ShownStream[]
  /** Newest first. */
  readonly requests: readonly ShownRequest[]
  readonly events: readonly ShownEvent[]
  readonly now: number
}

/** How often the open streams are looked at while somebody watches, in seconds. */
const LOOK_EVERY = 2

function Now({ sub, grants, streams, requests, now }: PersonView) {
  return (
    <div class="stack">
      <StreamsTable sub={sub} streams={streams} grants={grants} now={now} />
      <GrantsTable sub={sub} streams={streams} grants={grants} now={now} />
      <RequestsTable requests={requests} now={now} />
    </div>
  )
}

/** What the script draws every two seconds. */
export function personNow(person: PersonView): string {
  return fragmentOf(<Now {...person} />)
}

export function personPage(person: PersonView): string {
  const { sub, events, now } = person
  const name = nameOf(person)
  return portalPage({
    title: name,
    place: '/admin/people',
    children: (
      <div class="stack" data-person={sub}>
        <p class="trail">
          <a href="/admin/people">People</a>
        </p>
        <div class="head">
          <div>
            <h1>
              <bdi>{name}</bdi>
            </h1>
            <Standing {...person} />
          </div>
          <Powers {...person} />
        </div>
        <Identity {...person} />
        <div class="head">
          <h2>Right now</h2>
          <LiveStatus here={personPath(sub)} />
        </div>
        <LiveRegion id="person-now" from={`${personPath(sub)}/streams`} every={LOOK_EVERY}>
          <Now {...person} />
        </LiveRegion>
        <EventsTable id="events" caption="What happened last" events={events} people={new Map()} now={now} withPerson={false} />
        <p class="fine">
          <a href={`/admin/events?sub=${encodeURIComponent(sub)}`}>All events of {name}</a>
        </p>
      </div>
    ),
  })
}

function Standing({ blocked, grants, lastSeenAt, now }: PersonView) {
  const [state, words] = blocked
    ? ['ended', 'Blocked: cannot sign in']
    : grants.length > 0
      ? ['live', `Connected with ${counted(grants.length, 'client')}`]
      : ['off', 'Not connected']
  return (
    <p class="standing" id="standing">
      <span class={state === 'off' ? 'state' : `state state-${state}`}>{words}</span>
      <span class="fine">
        Last seen <Ago at={lastSeenAt} now={now} />
      </span>
    </p>
  )
}

function Powers({ sub, blocked, deactivated, grants, kind }: PersonView) {
  const everyone = { what: 'person', sub } as const
  return (
    <div class="actions">
      <a class="button" id="recorder" href={`${personPath(sub)}/recording`}>
        Flight recorder
      </a>
      {grants.length > 0 && (
        <a class="button button-danger" id="revoke-person" href={confirmPath({ action: 'revoke', ...everyone })}>
          Revoke everything…
        </a>
      )}
      {deactivated && (
        <p class="note" id="deactivated">
          The company’s directory has shut them out (SCIM), and it alone can let them in again.
        </p>
      )}
      {kind === 'person' &&
        (blocked && deactivated ? undefined : blocked ? (
          <a class="button" id="unblock-person" href={confirmPath({ action: 'unblock', ...everyone })}>
            Unblock…
          </a>
        ) : (
          <a class="button" id="block-person" href={confirmPath({ action: 'block', ...everyone })}>
            Block…
          </a>
        ))}
    </div>
  )
}

function Identity({ sub, email, groups, issuer, subject }: PersonView) {
  return (
    <dl class="facts facts-small facts-flat">
      <div>
        <dt>E-mail</dt>
        <dd>
          <bdi>{email === undefined ? 'not given' : shownText(email)}</bdi>
        </dd>
      </div>
      <div>
        <dt>Groups</dt>
        <dd>
          {groups.length === 0 ? (
            'none'
          ) : (
            <ul class="tags">
              {groups.map((group) => (
                <li class="tag">
                  <bdi>{shownText(group, 80)}</bdi>
                </li>
              ))}
            </ul>
          )}
        </dd>
      </div>
      <div>
        <dt>Identity</dt>
        <dd class="address">
          {shownText(subject)} at {shownText(issuer)}
        </dd>
      </div>
      <div>
        <dt>Known here as</dt>
        <dd class="address">
          <span class="pick">{sub}</span>
        </dd>
      </div>
    </dl>
  )
}
