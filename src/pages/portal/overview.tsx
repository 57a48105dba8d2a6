// The portal's first page: how many are connected, who was there last, and what happened, as it happens.
import { EventsTable, type ShownEvent } from './events-table.tsx'
import { BarChart, LevelChart } from './chart.tsx'
import { fragmentOf, LiveRegion, LiveStatus, portalPage } from './frame.tsx'
import { Actor, grouped, PersonLabel, type Named } from '../names.tsx'
import { shownText } from '../shown.ts'
import { Ago } from '../when.tsx'
import { Table } from '../table.tsx'

export interface OverviewView {
  readonly connected: number
  readonly people: number
  /** Open at this moment, as far as has been told. */
  readonly streams: number
  /** Of the last 24 hours in steps of 15 minutes, the oldest first. */
  readonly load: { readonly requests: readonly number[]; readonly streams: readonly number[] }
  /** Counts of the last 24 hours, the oldest first. */
  readonly signedIn: readonly number[]
  readonly ended: readonly number[]
  readonly refused: readonly number[]
  /** Who was seen last, and what is open for them at this moment; undefined when their object does not answer. */
  readonly lately: readonly (Named & {
    readonly liveGrants: number
    readonly lastSeenAt: number
    readonly streams: readonly { readonly label: string }[] | undefined
  })[]
  readonly events: readonly ShownEvent[]
  /** The sealing key, where it took the place of another a few days ago: everybody is told. */
  readonly replacement?: { readonly createdAt: number; readonly by: string; readonly byName?: string | undefined } | undefined
  readonly names: ReadonlyMap<string, Named>
  readonly now: number
}

/** The feed says when something has happened; streams come and go without it. */
const LOOK_EVERY = 15

export function overviewNow(view: OverviewView): string {
  return fragmentOf(<Now {...view} />)
}

export function overviewPage(view: OverviewView): string {
  return portalPage({
    title: 'Overview',
    place: '/admin',
    children: (
      <div class="stack">
        <div class="head">
          <h1>Overview</h1>
          <LiveStatus here="/admin" />
        </div>
        <LiveRegion id="overview-now" from="/admin/overview" every={LOOK_EVERY} isFed>
          <Now {...view} />
        </LiveRegion>
        <p class="fine">
          In an emergency you can{' '}
          <a href="/admin/everyone" id="revoke-everyone">
            disconnect everybody
          </a>
          . The page says first what it will do.
        </p>
      </div>
    ),
  })
}

function Now(view: OverviewView) {
  const { connected, people, streams, load, signedIn, ended, refused, lately, events, replacement, names, now } = view
  return (
    <div class="stack">
      {replacement && (
        <p class="note note-warn" id="key-replaced">
          <strong>The sealing key was replaced</strong> <Ago at={replacement.createdAt} now={now} /> by{' '}
          <Actor actor={replacement.by} actorName={replacement.byName} />. Compare the fingerprint with your printed kit:{' '}
          <a href="/admin/sealing-key">Sealing key</a>.
        </p>
      )}
      <ul class="stats">
        <Stat id="connected" value={connected} label={connected === 1 ? 'person connected' : 'people connected'} />
        <Stat id="known" value={people} label={people === 1 ? 'person known' : 'people known'} />
        <Stat id="streams-open" value={streams} label={streams === 1 ? 'stream open' : 'streams open'} />
        <Stat id="requests" value={total(load.requests)} label="requests in 24 hours" />
        <Stat id="signed-in" value={total(signedIn)} label="sign-ins in 24 hours" />
      </ul>
      <div class="pair">
        <div class="card panel">
          <BarChart
            id="chart-requests"
            title="Requests"
            step="15 minutes"
            series={[{ label: 'Requests', counts: load.requests }]}
          />
        </div>
        <div class="card panel">
          <LevelChart
            id="chart-streams"
            title="Open streams"
            step="15 minutes"
            label="Open now"
            counts={load.streams}
            now={streams}
          />
        </div>
        <div class="card panel">
          <BarChart
            id="chart-access"
            title="Access given and ended"
            step="hour"
            series={[
              { label: 'Signed in', counts: signedIn },
              { label: 'Ended', counts: ended },
              ...(total(refused) > 0 ? [{ label: 'Refused', counts: refused }] : []),
            ]}
          />
        </div>
        <Lately lately={lately} now={now} />
      </div>
      <EventsTable id="events" caption="What happened last" events={events} people={names} now={now} />
    </div>
  )
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}

function Stat({ id, value, label }: { readonly id: string; readonly value: number; readonly label: string }) {
  return (
    <li class="stat" id={`stat-${id}`}>
      <span class="stat-value">{grouped(value)}</span>
      <span class="stat-label">{label}</span>
    </li>
  )
}

function Lately({ lately, now }: Pick<OverviewView, 'lately' | 'now'>) {
  return (
    <Table
      id="lately"
      caption="Seen last"
      columns={['Person', 'Open now', 'Seen']}
      empty={
        <>
          Nobody has been here yet. <a href="/admin/connect">How to connect a client</a>
        </>
      }
      rows={lately.map((person) => (
        <tr data-person={person.sub}>
          <td data-label="Person">
            <PersonLabel {...person} />
          </td>
          <td data-label="Open now">
            <Open {...person} />
          </td>
          <td data-label="Seen" class="time">
            <Ago at={person.lastSeenAt} now={now} />
          </td>
        </tr>
      ))}
    />
  )
}

function Open({ streams }: OverviewView['lately'][number]) {
  if (streams === undefined) return <span class="state state-warn">no answer</span>
  if (streams.length === 0) return <span class="state">nothing</span>
  const [first] = streams
  const words = first === undefined ? '' : shownText(first.label, 40)
  return <span class="state state-live">{streams.length === 1 ? words : `${words} and ${streams.length - 1} more`}</span>
}
