// All receipts, newest first: what administrators did, and whether it is through.
import { shownText } from '../shown.ts'
import { portalPage } from './frame.tsx'
import { Pager } from './lists.tsx'
import { Actor, grouped, nameOf, type Named } from '../names.tsx'
import { STATES, actionTitle, type ShownReceipt } from './receipt-words.ts'
import { Ago } from '../when.tsx'
import { numbers, Table } from '../table.tsx'

export interface ReceiptsView {
  readonly receipts: readonly ShownReceipt[]
  /** Of the people whose it was; others go by the beginning of their id. */
  readonly names: ReadonlyMap<string, Named>
  readonly isFirst: boolean
  readonly next: string | undefined
  readonly now: number
}

export function receiptsPage({ receipts, names, isFirst, next, now }: ReceiptsView): string {
  return portalPage({
    title: 'Receipts',
    place: '/admin/receipts',
    children: (
      <div class="stack">
        <h1>Receipts</h1>
        <p class="lede">Every action leaves one: what was closed, when that was acknowledged, and who is still being asked.</p>
        <Table
          id="receipts"
          caption="Receipts, newest first"
          isCaptionHidden
          columns={['Action', 'State', numbers('Clients'), numbers('Streams'), 'By, and why', 'When']}
          empty="Nothing has been revoked or blocked yet."
          rows={receipts.map((receipt) => (
            <tr data-receipt={receipt.id}>
              <td data-label="Action">
                <span class="person">
                  <a href={`/admin/receipts/${receipt.id}`}>{actionTitle(receipt)}</a>
                  {receipt.target.sub !== undefined && (
                    <span>
                      <bdi>{nameOf(names.get(receipt.target.sub) ?? { sub: receipt.target.sub })}</bdi>
                    </span>
                  )}
                </span>
              </td>
              <td data-label="State">
                <span class={`state state-${STATES[receipt.state].state}`}>{STATES[receipt.state].text}</span>
              </td>
              <td data-label="Clients" class="number">
                {grouped(receipt.grants)}
              </td>
              <td data-label="Streams" class="number">
                {grouped(receipt.streams)}
              </td>
              <td data-label="By, and why">
                <span class="person">
                  <span>
                    <Actor actor={receipt.by} actorName={receipt.byName} />
                  </span>
                  <span>
                    <bdi>{shownText(receipt.why, 120)}</bdi>
                  </span>
                </span>
              </td>
              <td data-label="When" class="time">
                <Ago at={receipt.at} now={now} />
              </td>
            </tr>
          ))}
        />
        <Pager path="/admin/receipts" query={{}} cursor="before" isFirst={isFirst} next={next} />
      </div>
    ),
  })
}
