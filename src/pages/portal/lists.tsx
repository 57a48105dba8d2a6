// What every long list has: a search that is a plain form, and a way to the next page that is a plain link.

interface Searched {
  readonly id: string
  readonly path: string
  readonly search: string
  readonly label: string
}

export function Search({ id, path, search, label }: Searched) {
  return (
    <form id={id} class="toolbar" method="get" action={path} role="search">
      <div class="field field-grow">
        <label for={`${id}-text`}>{label}</label>
        <input class="input" id={`${id}-text`} type="search" name="search" value={search} maxlength={200} autocomplete="off" />
      </div>
      <button class="button" id={`${id}-go`} type="submit">
        Search
      </button>
      {search !== '' && (
        <a class="button" id={`${id}-all`} href={path}>
          Show all
        </a>
      )}
    </form>
  )
}

interface Paged {
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  /** What the parameter of the next page is called. */
  readonly cursor: string
  readonly isFirst: boolean
  readonly next: string | undefined
}

export function Pager({ path, query, cursor, isFirst, next }: Paged) {
  const kept = Object.entries(query).filter(([, value]) => value !== '')
  const link = (more: readonly (readonly [string, string])[]): string => {
    const text = new URLSearchParams([...kept, ...more].map(([name, value]) => [name, value])).toString()
    return text === '' ? path : `${path}?${text}`
  }
  if (isFirst && next === undefined) return <></>
  return (
    <nav class="pager" aria-label="Pages of the list">
      {isFirst ? (
        <span />
      ) : (
        <a class="button button-small" id="first-page" href={link([])}>
          First page
        </a>
      )}
      {next === undefined ? (
        <span />
      ) : (
        <a class="button button-small" id="next-page" href={link([[cursor, next]])}>
          Next page
        </a>
      )}
    </nav>
  )
}
