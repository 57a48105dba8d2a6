// The flight recorder of one person: whether it is on, how to switch it, and what has passed, newest first.
import { shownText } from '../shown.ts'
import { fragmentOf, LiveRegion, LiveStatus, portalPage } from './frame.tsx'
import { Actor, clientNameOf, counted, nameOf, personPath, sizeOf } from './names.tsx'
import type { ShownGrant } from './grants-table.tsx'
import { Exact } from './when.tsx'
import { numbers, Table } from './table.tsx'

interface ShownEntry {
  readonly number: number
  /** Unix milliseconds. */
  readonly at: number
  readonly kind: 'exchange' | 'stream_opened' | 'event' | 'stream_ended'
  readonly era: string
  readonly requestId: string
  readonly verb: string
  readonly method?: string | undefined
  readonly about?: string | undefined
  readonly status?: number | undefined
  readonly durationMs?: number | undefined
  readonly requestBytes?: number | undefined
  readonly answerBytes?: number | undefined
  readonly events?: number | undefined
  readonly refusal?: string | undefined
  readonly ended?: string | undefined
  readonly request?: string | undefined
  readonly answer?: string | undefined
}

interface Terms {
  readonly grantId?: string
  readonly bodies: boolean
  readonly by: string
  readonly byName?: string | undefined
  readonly until: number
}

export interface RecordingView {
  readonly sub: string
  readonly name: string | undefined
  readonly email: string | undefined
  readonly grants: readonly ShownGrant[]
  readonly terms: Terms | undefined
  /** Oldest first. */
  readonly entries: readonly ShownEntry[]
  readonly csrf: string
  readonly complaint: string | undefined
}

/** Seconds. */
const LOOK_EVERY = 2
export const SHOWN = 200
const MINUTES: readonly number[] = [5, 15, 60, 240]

export function recordingPath(sub: string): string {
  return `${personPath(sub)}/recording`
}

export function recordingPage(view: RecordingView): string {
  const { sub, complaint, terms } = view
  const here = recordingPath(sub)
  return portalPage({
    title: `Flight recorder: ${nameOf(view)}`,
    place: '/admin/people',
    children: (
      <div class="stack" data-person={sub}>
        <p class="trail">
          <a href="/admin/people">People</a> / <a href={personPath(sub)}>{nameOf(view)}</a>
        </p>
        <div class="head">
          <h1>Flight recorder</h1>
          <LiveStatus here={here} />
        </div>
        {complaint !== undefined && (
          <p class="note note-danger" id="complaint" role="alert">
            {complaint}
          </p>
        )}
        {terms ? <On {...view} terms={terms} /> : <Off {...view} />}
        <LiveRegion id="wire" from={`${here}/now`} every={LOOK_EVERY}>
          <Wire {...view} />
        </LiveRegion>
        <p class="fine">
          <a href={`/admin/api/recordings/${sub}?format=jsonl`} id="as-lines">
            All of it as JSON Lines
          </a>
        </p>
      </div>
    ),
  })
}

/** What the script draws every two seconds. */
export function recordingNow(view: Pick<RecordingView, 'entries'>): string {
  return fragmentOf(<Wire {...view} />)
}

function On({ sub, csrf, terms, grants }: RecordingView & { readonly terms: Terms }) {
  const grant = grants.find(({ id }) => id === terms.grantId)
  const whose = terms.grantId === undefined ? 'all clients' : grant ? clientNameOf(grant) : 'one client'
  return (
    <form class="card stack" id="stop" method="post" action={recordingPath(sub)}>
      <input type="hidden" name="csrf" value={csrf} />
      <input type="hidden" name="do" value="stop" />
      <p>
        <span class="state state-warn">Recording</span> {whose}, {terms.bodies ? 'with messages' : 'without messages'}, until{' '}
        <Exact at={terms.until} />. Switched on by <Actor actor={terms.by} actorName={terms.byName} />; the person sees it on
        their account page.
      </p>
      <div class="actions">
        <button class="button" id="stop-recording" type="submit">
          Stop recording
        </button>
      </div>
    </form>
  )
}

function Off({ sub, csrf, grants }: RecordingView) {
  return (
    <form class="card stack" id="start" method="post" action={recordingPath(sub)}>
      <input type="hidden" name="csrf" value={csrf} />
      <input type="hidden" name="do" value="start" />
      <p>
        Keeps what passes between this person’s clients and the servers, without secrets, for a day. It switches itself off, the
        person sees it on their account page, and the event log keeps who switched it on and why.
      </p>
      <div class="field">
        <label for="grantId">Of</label>
        <select class="input" id="grantId" name="grantId">
          <option value="">all clients</option>
          {grants.map((grant) => (
            <option value={grant.id}>{clientNameOf(grant)}</option>
          ))}
        </select>
      </div>
      <div class="field">
        <label for="minutes">For</label>
        <select class="input" id="minutes" name="minutes">
          {MINUTES.map((minutes) => (
            <option value={String(minutes)}>{minutes < 60 ? `${minutes} minutes` : counted(minutes / 60, 'hour')}</option>
          ))}
        </select>
      </div>
      <p>
        <label for="bodies">
          <input type="checkbox" id="bodies" name="bodies" value="yes" /> also the first 16 KiB of every message
        </label>
      </p>
      <div class="field">
        <label for="reason">Why? The event log keeps it.</label>
        <input class="input" id="reason" name="reason" required maxlength={300} autocomplete="off" />
      </div>
      <div class="actions">
        <button class="button button-primary" id="start-recording" type="submit">
          Start recording
        </button>
      </div>
    </form>
  )
}

function Wire({ entries }: Pick<RecordingView, 'entries'>) {
  const shown = entries.toReversed()
  return (
    <Table
      id="entries"
      caption={shown.length === 0 ? 'What has passed' : `${counted(shown.length, 'entry', 'entries')}, newest first`}
      columns={['When', 'What', 'Answer', numbers('Took'), numbers('Asked'), numbers('Answered'), 'Request id']}
      empty="Nothing has passed yet."
      rows={shown.map((entry) => (
        <Entry {...entry} />
      ))}
    />
  )
}

const KINDS: Readonly<Record<ShownEntry['kind'], string>> = {
  exchange: '',
  stream_opened: 'stream opened',
  event: 'event',
  stream_ended: 'stream ended',
}

function Entry(entry: ShownEntry) {
  const { number, at, kind, era, verb, method, about, status, refusal, ended, events, durationMs, requestBytes, answerBytes } =
    entry
  const said = [
    status === undefined ? undefined : String(status),
    refusal,
    KINDS[kind],
    kind === 'stream_ended' ? ended?.replaceAll('_', ' ') : undefined,
    events === undefined ? undefined : counted(events, 'event'),
  ]
  const answer = said.filter((word) => word !== undefined && word !== '')
  const messages = [entry.request, entry.answer].filter((message) => message !== undefined)
  return (
    <tr data-entry={String(number)}>
      <td data-label="When" class="time">
        <Exact at={Math.floor(at / 1000)} />
      </td>
      <td data-label="What">
        <div class="person">
          <span class="label">
            <code>{shownText(method || verb, 120)}</code> {about !== undefined && <strong>{shownText(about, 120)}</strong>}
          </span>
          {era !== 'unknown' && <span>{era}</span>}
          {messages.length > 0 && (
            <details>
              <summary>{counted(messages.length, 'message')}</summary>
              {messages.map((message) => (
                <pre class="pick">{shownText(message, 20_000)}</pre>
              ))}
            </details>
          )}
        </div>
      </td>
      <td data-label="Answer">{answer.length === 0 ? '–' : answer.join(', ')}</td>
      <td data-label="Took" class="number">
        {durationMs === undefined ? '–' : lastingOf(durationMs)}
      </td>
      <td data-label="Asked" class="number">
        {requestBytes === undefined ? '–' : sizeOf(requestBytes)}
      </td>
      <td data-label="Answered" class="number">
        {answerBytes === undefined ? '–' : sizeOf(answerBytes)}
      </td>
      <td data-label="Request id" class="address">
        <span class="pick">{entry.requestId}</span>
      </td>
    </tr>
  )
}

function lastingOf(milliseconds: number): string {
  return milliseconds < 10_000 ? `${milliseconds} ms` : `${(milliseconds / 1_000).toFixed(1)} s`
}
