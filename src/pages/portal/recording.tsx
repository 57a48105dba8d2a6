// The flight recorder of one person: whether it is on, how to switch it, and what has passed, newest first.
import { SEALING_SCRIPT_PATH } from '../assets.ts'
import { fragmentOf, LiveRegion, LiveStatus, portalPage } from './frame.tsx'
import { Actor, clientNameOf, counted, nameOf, personPath } from '../names.tsx'
import type { ShownGrant } from '../grants-table.tsx'
import { Exact } from '../when.tsx'
import { Wire, WireFilterForm, type WireView } from './wire.tsx'

interface Terms {
  readonly grantId?: string
  readonly bodies: boolean
  readonly fingerprint?: string
  readonly by: string
  readonly byName?: string | undefined
  readonly until: number
}

interface UsedKey {
  readonly fingerprint: string
  readonly createdAt: number
  readonly by: string
  readonly byName?: string | undefined
  readonly isReplacement: boolean
}

export interface RecordingView extends WireView {
  readonly sub: string
  readonly name: string | undefined
  readonly email: string | undefined
  readonly grants: readonly ShownGrant[]
  readonly terms: Terms | undefined
  /** The sealing key in use; undefined while there is none. */
  readonly sealingKey: UsedKey | undefined
  /** Seconds. */
  readonly keptFor: number
  readonly csrf: string
  readonly complaint: string | undefined
}

/** Seconds. */
const LOOK_EVERY = 2
export const SHOWN = 500
const MINUTES: readonly number[] = [5, 15, 60, 240]

export function recordingPath(sub: string): string {
  return `${personPath(sub)}/recording`
}

export function recordingPage(view: RecordingView): string {
  const { sub, complaint, terms, filter } = view
  const here = recordingPath(sub)
  const query = new URLSearchParams(filter.about === '' && filter.outcome === '' ? {} : { ...filter }).toString()
  const filtered = query === '' ? '' : `?${query}`
  return portalPage({
    title: `Flight recorder: ${nameOf(view)}`,
    place: '/admin/people',
    head: <script type="module" src={SEALING_SCRIPT_PATH} />,
    children: (
      <div class="stack" data-person={sub}>
        <p class="trail">
          <a href="/admin/people">People</a> / <a href={personPath(sub)}>{nameOf(view)}</a>
        </p>
        <div class="head">
          <h1>Flight recorder</h1>
          <LiveStatus here={here + filtered} />
        </div>
        {complaint !== undefined && (
          <p class="note note-danger" id="complaint" role="alert">
            {complaint}
          </p>
        )}
        {terms ? <On {...view} terms={terms} /> : <Off {...view} />}
        {view.sealingKey && <Reader sub={sub} {...view.sealingKey} />}
        <WireFilterForm here={here} entries={view.entries} filter={filter} />
        <LiveRegion id="wire" from={`${here}/now${filtered}`} every={LOOK_EVERY}>
          <Wire {...view} />
        </LiveRegion>
        <p class="fine">
          <a href={`/admin/api/recordings/${sub}?format=jsonl`} id="as-lines">
            All of it as JSON Lines
          </a>{' '}
          without messages, or{' '}
          <a href={`/admin/api/recordings/${sub}/sealed`} id="as-sealed">
            with messages, sealed
          </a>
          , to read with <code>npm run admin -- recording</code>.
        </p>
      </div>
    ),
  })
}

/** What the script draws every two seconds. */
export function recordingNow(view: WireView): string {
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
        <span class="state state-warn">Recording</span> {whose}, {terms.bodies ? 'with sealed messages' : 'without messages'},
        until <Exact at={terms.until} />. Switched on by <Actor actor={terms.by} actorName={terms.byName} />; the person sees it
        on their account page.
      </p>
      {terms.fingerprint !== undefined && (
        <p class="fine">
          Sealed to the key <code class="pick">{terms.fingerprint}</code>
        </p>
      )}
      <div class="actions">
        <button class="button" id="stop-recording" type="submit">
          Stop recording
        </button>
      </div>
    </form>
  )
}

function Off({ sub, csrf, grants, sealingKey, keptFor }: RecordingView) {
  return (
    <form class="card stack" id="start" method="post" action={recordingPath(sub)}>
      <input type="hidden" name="csrf" value={csrf} />
      <input type="hidden" name="do" value="start" />
      <p>
        Keeps what passes between this person’s clients and the servers, without secrets, for{' '}
        {counted(Math.ceil(keptFor / 3_600), 'hour')}. It switches itself off, the person sees it on their account page, and the
        event log keeps who switched it on and why.
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
      {sealingKey === undefined ? (
        <p id="no-sealing-key">
          Messages are not kept: there is no <a href="/admin/sealing-key">sealing key</a> yet.
        </p>
      ) : (
        <div class="field">
          <div class="checks">
            <label for="bodies">
              <input type="checkbox" id="bodies" name="bodies" value="yes" />
              also the messages, sealed to the key
            </label>
          </div>
          <input type="hidden" name="fingerprint" value={sealingKey.fingerprint} />
          <code class="pick fine">{sealingKey.fingerprint}</code>
          <span class="fine" id="key-origin">
            made <Exact at={sealingKey.createdAt} /> by <Actor actor={sealingKey.by} actorName={sealingKey.byName} />
            {sealingKey.isReplacement && ', in the place of another key'}: compare it with your printed kit
          </span>
        </div>
      )}
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

/** Nothing here has a name, and nothing is in a form: what is typed goes to the script, and nowhere without one. */
function Reader({ sub, fingerprint }: { readonly sub: string; readonly fingerprint: string }) {
  return (
    <section class="card stack" id="reader" data-reader={sub} aria-labelledby="reader-title" hidden>
      <h2 id="reader-title">Read the messages</h2>
      <p class="fine">
        They are opened in this browser. Compare with your printed kit: the key in use is <code class="pick">{fingerprint}</code>
      </p>
      <div class="toolbar" id="reader-locked">
        <div class="field field-grow">
          <label for="reader-secret">Passphrase, or recovery code</label>
          <input class="input" id="reader-secret" type="password" autocomplete="off" spellcheck={false} />
        </div>
        <button class="button button-primary" id="reader-open" type="button">
          Open
        </button>
      </div>
      <div class="actions" id="reader-opened" hidden>
        <button class="button" id="reader-export" type="button">
          Read and check all
        </button>
        <a class="button" id="reader-file" download="recording.jsonl" hidden>
          Save as plain JSON Lines
        </a>
        <button class="button" id="reader-close" type="button">
          Forget the key
        </button>
      </div>
      <p id="reader-status" role="status" />
      <ul class="effects" id="reader-problems" />
    </section>
  )
}
