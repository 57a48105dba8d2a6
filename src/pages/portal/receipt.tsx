// The receipt of one action: what was closed and when that was acknowledged; while it runs, how far it has come.
import { shownText } from '../shown.ts'
import { fragmentOf, LiveRegion, portalPage } from './frame.tsx'
import { Actor, counted, grouped, nameOf, PersonLabel, personPath, type Named } from '../names.tsx'
import { DOORS, STATES, actionTitle, type ShownReceipt } from './receipt-words.ts'
import { Exact } from '../when.tsx'

export interface ReceiptView {
  readonly receipt: ShownReceipt
  /** Whose it was, when it was one person's. */
  readonly person: Named | undefined
  readonly failing: readonly {
    readonly sub: string
    readonly attempts: number
    readonly error: string
    readonly nextAt: number
  }[]
}

const LOOK_EVERY = 1
const RELOAD_EVERY = 2

const isOver = ({ state }: ShownReceipt): boolean => state === 'done' || state === 'cancelled'

export function receiptNow(view: ReceiptView): string {
  return fragmentOf(<Now {...view} />)
}

export function receiptPage(view: ReceiptView): string {
  const { receipt, person } = view
  const isRunning = !isOver(receipt)
  const whole = <Now {...view} />
  return portalPage({
    title: 'Receipt',
    place: '/admin/receipts',
    width: 'middle',
    // With a script the region below is drawn anew; a page that reloads under one's eyes is for who has none.
    head: isRunning && (
      <noscript>
        <meta http-equiv="refresh" content={String(RELOAD_EVERY)} />
      </noscript>
    ),
    children: (
      <article class="card" data-receipt={receipt.id}>
        <p class="eyebrow">Receipt</p>
        <h1>{actionTitle(receipt)}</h1>
        {isRunning ? (
          <LiveRegion id="receipt-now" from={`/admin/receipts/${receipt.id}/now`} every={LOOK_EVERY}>
            {whole}
          </LiveRegion>
        ) : (
          <div id="receipt-now">{whole}</div>
        )}
        <Facts {...view} />
        <p class="actions">
          {person !== undefined && (
            <a class="button" id="to-person" href={personPath(person.sub)}>
              <span>
                Back to <bdi>{nameOf(person)}</bdi>
              </span>
            </a>
          )}
          <a class="button" id="signed" href={`/admin/receipts/${receipt.id}/signed`} download={`receipt-${receipt.id}.json`}>
            Download signed receipt
          </a>
          <a class="button" id="to-receipts" href="/admin/receipts">
            All receipts
          </a>
        </p>
      </article>
    ),
  })
}

function Now({ receipt, failing }: ReceiptView) {
  const { people, grants, streams, unanswered, acknowledgedAt, state } = receipt
  const closes = receipt.action !== 'unblock' && receipt.action !== 'create'
  const { signal } = receipt
  return (
    <div class="stack" data-state={state} {...(isOver(receipt) && { 'data-live-over': '' })}>
      {state !== 'done' && (
        <div>
          <label class="fine" for="progress">
            {grouped(people.done)} of {counted(people.total, 'person', 'people')} done
          </label>
          <progress class="progress" id="progress" value={String(people.done)} max={String(Math.max(people.total, 1))} />
        </div>
      )}
      {closes && (
        <ul class="stats">
          <li class="stat" id="closed-streams">
            <span class="stat-value">{grouped(streams)}</span>
            <span class="stat-label">{streams === 1 ? 'open stream closed' : 'open streams closed'}</span>
          </li>
          <li class="stat" id="ended-grants">
            <span class="stat-value">{grouped(grants)}</span>
            <span class="stat-label">{grants === 1 ? 'client disconnected' : 'clients disconnected'}</span>
          </li>
          {people.total !== 1 && (
            <li class="stat" id="asked-people">
              <span class="stat-value">{grouped(people.done)}</span>
              <span class="stat-label">
                {people.done === 1 ? 'person' : 'people'} of {grouped(people.total)}
              </span>
            </li>
          )}
        </ul>
      )}
      <p id="acknowledged">
        <span class={`state state-${STATES[state].state}`}>{STATES[state].text}</span>{' '}
        {acknowledgedAt !== null && (
          <span class="fine">
            acknowledged <Exact at={acknowledgedAt} />
          </span>
        )}
      </p>
      {signal && (
        <p id="signal-times">
          Received <Exact at={signal.receivedAt / 1000} isPrecise />, last stream silent{' '}
          <Exact at={signal.silentAt / 1000} isPrecise />:{' '}
          <strong>{grouped(Math.max(0, signal.silentAt - signal.receivedAt))} ms</strong>
        </p>
      )}
      {unanswered > 0 && (
        <p class="note" id="unanswered">
          <strong>{counted(unanswered, 'router')} did not answer.</strong> What was open there was cut off, and what could still
          be answered there had run out when this was acknowledged.
        </p>
      )}
      {people.failing > 0 && <Failing failing={failing} count={people.failing} />}
    </div>
  )
}

function Failing({ failing, count }: { readonly failing: ReceiptView['failing']; readonly count: number }) {
  return (
    <div class="note note-warn" id="failing">
      <p>
        <strong>{counted(count, 'person does', 'people do')} not answer.</strong> They are asked again until they do:
      </p>
      <ul class="steps">
        {failing.map(({ sub, attempts, error, nextAt }) => (
          <li data-person={sub}>
            <a href={personPath(sub)}>{nameOf({ sub })}</a>: {counted(attempts, 'attempt')}, next at <Exact at={nextAt} />.{' '}
            {shownText(error, 120)}
          </li>
        ))}
      </ul>
    </div>
  )
}

function Facts({ receipt, person }: ReceiptView) {
  const { id, at, by, byName, why, target, signal } = receipt
  return (
    <dl class="facts facts-small">
      {person !== undefined && (
        <div>
          <dt>Person</dt>
          <dd>
            <PersonLabel {...person} />
          </dd>
        </div>
      )}
      {target.id !== undefined && (
        <div>
          <dt>{TARGETS[target.what] ?? target.what}</dt>
          <dd class="address">{shownText(target.id, 200)}</dd>
        </div>
      )}
      <div>
        <dt>By</dt>
        <dd>
          <Actor actor={by} actorName={byName} />
        </dd>
      </div>
      <div>
        <dt>Why</dt>
        <dd id="why">
          <bdi>{shownText(why)}</bdi>
        </dd>
      </div>
      {signal && <SignalFacts {...signal} />}
      <div>
        <dt>When</dt>
        <dd>
          <Exact at={at} />
        </dd>
      </div>
      <div>
        <dt>Receipt</dt>
        <dd class="address">
          <span class="pick">{shownText(id, 60)}</span>
        </dd>
      </div>
    </dl>
  )
}

const TARGETS: Readonly<Record<string, string>> = { mcp_session: 'MCP session', provider_session: 'session there' }

/** By what an auditor finds it again at the identity system. */
function SignalFacts({ door, issuer, jti, event, txn }: NonNullable<ShownReceipt['signal']>) {
  const facts = { Signal: `${event}, by ${DOORS[door]}`, 'Signed by': issuer, jti, ...(txn !== undefined && { txn }) }
  return (
    <>
      {Object.entries(facts).map(([name, value]) => (
        <div>
          <dt>{name}</dt>
          <dd class="address">
            <span class="pick">{shownText(value, 300)}</span>
          </dd>
        </div>
      ))}
    </>
  )
}
