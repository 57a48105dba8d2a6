// A table of the portal: its caption, the names of its columns, and what stands there while it has no rows.
import type { Child } from 'hono/jsx'

/** A column whose name is `hidden` says by its content what it is, to everybody who can see it. */
type Column = string | { readonly name: string; readonly as: 'number' | 'hidden' }

interface Tabled {
  readonly id: string
  readonly caption: Child
  /** For those who see the heading above it. */
  readonly isCaptionHidden?: boolean
  readonly columns: readonly Column[]
  /** Each cell names its column in `data-label`, for narrow screens. */
  readonly rows: readonly Child[]
  /** Said where there are no rows. */
  readonly empty: Child
}

export function Table({ id, caption, isCaptionHidden = false, columns, rows, empty }: Tabled) {
  return (
    <div class="table-wrap" id={id}>
      <table class="table table-stack">
        <caption {...(isCaptionHidden && { class: 'visually-hidden' })}>{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (typeof column === 'string' ? <th scope="col">{column}</th> : <Special {...column} />))}
          </tr>
        </thead>
        <tbody>{rows}</tbody>
      </table>
      {rows.length === 0 && <p class="empty">{empty}</p>}
    </div>
  )
}

function Special({ name, as }: Exclude<Column, string>) {
  if (as === 'number')
    return (
      <th scope="col" class="number">
        {name}
      </th>
    )
  return (
    <th scope="col">
      <span class="visually-hidden">{name}</span>
    </th>
  )
}

export const ACTIONS: Column = { name: 'Action', as: 'hidden' }

export const numbers = (name: string): Column => ({ name, as: 'number' })
