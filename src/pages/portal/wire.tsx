// What has passed for a person, one row for each request: paired with its answer, with the time it took, and ways to send it again.
import { shownText } from '../shown.ts'
import { exchangesOf, OUTCOMES, type WireExchange, type ShownEntry, type WireFilter } from './exchanges.ts'
import { counted, sizeOf } from '../names.tsx'
import { numbers, Table } from '../table.tsx'
import { Exact } from '../when.tsx'
import { curlOf, inspectorOf, type Command } from './wire-commands.ts'

export interface WireView {
  /** Oldest first. */
  readonly entries: readonly ShownEntry[]
  readonly filter: WireFilter
  /** Of grants, for the commands. */
  readonly urls: ReadonlyMap<string, string>
  /** Where the code of a refusal is explained, if that is anywhere. */
  readonly docsOf: (code: string) => string | undefined
}

const MOST_SHOWN = 200

export function Wire({ entries, filter, urls, docsOf }: WireView) {
  const shown = exchangesOf(entries, filter).slice(0, MOST_SHOWN)
  return (
    <Table
      id="entries"
      caption={shown.length === 0 ? 'What has passed' : `${counted(shown.length, 'request')}, newest first`}
      columns={['When', 'Request', 'Answer', numbers('Took'), numbers('Asked'), numbers('Answered')]}
      empty={entries.length === 0 ? 'Nothing has passed yet.' : 'Nothing of this kind has passed.'}
      rows={shown.map((exchange) => (
        <Row exchange={exchange} url={urls.get(exchange.grantId)} docs={exchange.refusal && docsOf(exchange.refusal)} />
      ))}
    />
  )
}

const STATES: Readonly<Record<WireExchange['outcome'], string>> = {
  answered: 'live',
  refused: 'warn',
  failed: 'ended',
  left: 'warn',
  open: 'live',
}

interface RowView {
  readonly exchange: WireExchange
  readonly url: string | undefined
  readonly docs: string | undefined
}

function Row({ exchange, url, docs }: RowView) {
  const { number, askedAt, era, verb, method, about, status, outcome, durationMs, requestBytes, answerBytes } = exchange
  const { refusal, failure, events } = exchange
  return (
    <tr data-entry={String(number)} data-outcome={outcome}>
      <td data-label="When" class="time">
        <Exact at={askedAt / 1000} isPrecise />
      </td>
      <td data-label="Request">
        <div class="person">
          <span class="label">
            <code>{shownText(method || verb, 120)}</code> {about !== undefined && <strong>{shownText(about, 120)}</strong>}
          </span>
          {era !== 'unknown' && <span>{era}</span>}
          <Details exchange={exchange} url={url} />
        </div>
      </td>
      <td data-label="Answer">
        <div class="person">
          <span class={`state state-${STATES[outcome]}`}>
            {OUTCOMES[outcome]}
            {status !== undefined && ` (${status})`}
          </span>
          {refusal !== undefined && (
            <span>
              {docs === undefined ? <code>{shownText(refusal, 80)}</code> : <a href={docs}>{shownText(refusal, 80)}</a>}
            </span>
          )}
          {failure !== undefined && (
            <span>{failure === 'tool_error' ? 'the tool says so' : `JSON-RPC error ${shownText(failure, 20)}`}</span>
          )}
          {events !== undefined && <span>{counted(events, 'event')}</span>}
        </div>
      </td>
      <td data-label="Took" class="number">
        {durationMs === undefined ? '–' : lastingOf(durationMs)}
      </td>
      <td data-label="Asked" class="number">
        {requestBytes === undefined ? '–' : sizeOf(requestBytes)}
      </td>
      <td data-label="Answered" class="number">
        {answerBytes === undefined ? '–' : sizeOf(answerBytes)}
      </td>
    </tr>
  )
}

/** While one is open the page draws nothing anew over it. */
function Details({ exchange, url }: Omit<RowView, 'docs'>) {
  const { number, sealedEntries, requestId, verb } = exchange
  const inspector = inspectorOf(exchange, url)
  const isAsked = verb === 'POST' || verb === 'GET' || verb === 'DELETE'
  return (
    <details class="exchange" data-sealed={sealedEntries.join(' ')}>
      <summary>{sealedEntries.length === 0 ? 'Details' : 'Details and messages'}</summary>
      <p>
        Request id <span class="pick address">{shownText(requestId, 80)}</span>
      </p>
      {sealedEntries.length > 0 && <p data-messages="">The messages are sealed: enter the passphrase above to read them.</p>}
      {isAsked && <Again of={number} name="curl" command={curlOf(exchange, url)} />}
      {inspector && <Again of={number} name="inspector" command={inspector} />}
    </details>
  )
}

const TITLES = { curl: 'As curl', inspector: 'Replay in MCP Inspector' } as const

interface CommandView {
  readonly of: number
  readonly name: keyof typeof TITLES
  readonly command: Command
}

function Again({ of, name, command: { head, known } }: CommandView) {
  return (
    <div data-command={name}>
      <p class="head">
        <strong>{TITLES[name]}</strong>
        <button class="button button-small" id={`copy-${name}-${of}`} type="button" data-copy="" hidden>
          Copy
        </button>
      </p>
      <pre class="snippet">
        {head}
        <span data-text="">{known}</span>
      </pre>
    </div>
  )
}

function lastingOf(milliseconds: number): string {
  return milliseconds < 10_000 ? `${milliseconds} ms` : `${(milliseconds / 1_000).toFixed(1)} s`
}

export function WireFilterForm({ here, entries, filter }: Pick<WireView, 'entries' | 'filter'> & { readonly here: string }) {
  const abouts = [...new Set(entries.flatMap(({ about }) => about ?? []))].toSorted().slice(0, 200)
  return (
    <form class="toolbar" id="filter" method="get" action={here}>
      <div class="field field-grow">
        <label for="about">Tool, prompt or resource</label>
        <select class="input" id="about" name="about">
          <option value="">all</option>
          {abouts.map((about) => (
            <option value={about} selected={about === filter.about}>
              {shownText(about, 120)}
            </option>
          ))}
        </select>
      </div>
      <div class="field">
        <label for="outcome">Outcome</label>
        <select class="input" id="outcome" name="outcome">
          <option value="">all</option>
          {Object.entries(OUTCOMES).map(([outcome, text]) => (
            <option value={outcome} selected={outcome === filter.outcome}>
              {text}
            </option>
          ))}
        </select>
      </div>
      <button class="button" id="filter-go" type="submit">
        Show
      </button>
    </form>
  )
}
