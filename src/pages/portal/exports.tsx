// Where events and receipts are exported to: how far each sink has come, what went wrong, and what it refuses.
import { shownText } from '../shown.ts'
import { portalPage } from './frame.tsx'
import { counted, grouped } from '../names.tsx'
import { ACTIONS, numbers, Table } from '../table.tsx'
import { Ago } from '../when.tsx'

interface ShownSink {
  readonly name: string
  readonly type: string
  readonly host: string
  readonly cursor: number
  readonly head: number
  readonly failures: number
  readonly takenAt?: number | undefined
  readonly problem?: string | undefined
  readonly deadLetters: readonly { readonly number: number; readonly at: number; readonly why: string }[]
}

export interface ExportsView {
  readonly sinks: readonly ShownSink[]
  /** What came of the button that was pressed. */
  readonly notice?: { readonly text: string; readonly isGood: boolean } | undefined
  readonly csrf: string
  readonly now: number
}

export function exportsPage({ sinks, notice, csrf, now }: ExportsView): string {
  return portalPage({
    title: 'Exports',
    place: '/admin/exports',
    children: (
      <div class="stack">
        <h1>Exports</h1>
        <p class="lede">
          Each sink is sent every event and every <a href="/admin/receipts">receipt</a> in the order of their numbers, at least
          once. Sinks are named in the setting <code>EXPORTS</code>.
        </p>
        {notice && (
          <p class={`note ${notice.isGood ? '' : 'note-danger'}`} id="notice" role="status">
            {shownText(notice.text, 300)}
          </p>
        )}
        <Table
          id="sinks"
          caption="Sinks"
          isCaptionHidden
          columns={['Sink', 'State', numbers('Waiting'), 'Last taken', ACTIONS]}
          empty="The settings name no sink."
          rows={sinks.map((sink) => (
            <Sink sink={sink} csrf={csrf} now={now} />
          ))}
        />
        {sinks
          .filter(({ deadLetters }) => deadLetters.length > 0)
          .map((sink) => (
            <Refused sink={sink} csrf={csrf} now={now} />
          ))}
      </div>
    ),
  })
}

interface Part {
  readonly sink: ShownSink
  readonly csrf: string
  readonly now: number
}

function Sink({ sink: { name, type, host, cursor, head, failures, takenAt, problem, deadLetters }, csrf, now }: Part) {
  return (
    <tr data-sink={name}>
      <td data-label="Sink">
        <span class="person">
          <span class="label">{name}</span>
          <span class="address">
            {type}, {shownText(host, 100)}
          </span>
        </span>
      </td>
      <td data-label="State">
        <span class="person">
          <State failures={failures} takenAt={takenAt} deadLetters={deadLetters} />
          {problem !== undefined && <span>{shownText(problem, 120)}</span>}
        </span>
      </td>
      <td data-label="Waiting" class="number">
        {grouped(Math.max(0, head - cursor))}
      </td>
      <td data-label="Last taken">{takenAt === undefined ? 'Never' : <Ago at={takenAt} now={now} />}</td>
      <td>
        <form id={`test-form-${name}`} method="post" action="/admin/exports">
          <input type="hidden" name="csrf" value={csrf} />
          <input type="hidden" name="sink" value={name} />
          <button
            id={`test-${name}`}
            class="button button-small"
            type="submit"
            name="do"
            value="test"
            aria-label={`Test ${name}`}
          >
            Test
          </button>
        </form>
      </td>
    </tr>
  )
}

function State({ failures, takenAt, deadLetters }: Pick<ShownSink, 'failures' | 'takenAt' | 'deadLetters'>) {
  if (failures > 0) return <span class="state state-warn">Failed {counted(failures, 'time', 'times')}</span>
  if (takenAt === undefined && deadLetters.length > 0) return <span class="state state-warn">Has refused everything</span>
  return takenAt === undefined ? <span class="state">Not answered yet</span> : <span class="state state-live">Working</span>
}

function Refused({ sink: { name, deadLetters }, csrf, now }: Part) {
  return (
    <section class="stack" aria-labelledby={`refused-${name}`} data-refused={name}>
      <h2 id={`refused-${name}`}>Refused by {name}</h2>
      <Table
        id={`dead-${name}`}
        caption={`Refused by ${name}`}
        isCaptionHidden
        columns={[numbers('Line'), 'Why', 'When']}
        empty="There is none."
        rows={deadLetters.map(({ number, at, why }) => (
          <tr data-number={String(number)}>
            <td data-label="Line" class="number">
              {grouped(number)}
            </td>
            <td data-label="Why">{shownText(why, 120)}</td>
            <td data-label="When">
              <Ago at={at} now={now} />
            </td>
          </tr>
        ))}
      />
      <form class="actions" id={`retry-form-${name}`} method="post" action="/admin/exports">
        <input type="hidden" name="csrf" value={csrf} />
        <input type="hidden" name="sink" value={name} />
        <button id={`retry-${name}`} class="button" type="submit" name="do" value="retry">
          Send again
        </button>
      </form>
    </section>
  )
}
