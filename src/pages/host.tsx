// A host name that may break at its dots, so that no line of it reads like a different host; a short one breaks nowhere.
import { shownHost } from './shown.ts'

/** Fits on one line of a phone in every size we write hosts in; no IPv4 address with its port is longer. */
const SHORT = 24

export function Host({ host }: { readonly host: string }) {
  const shown = shownHost(host)
  if (shown.length <= SHORT) return <span class="whole">{shown}</span>
  const [first = '', ...labels] = shown.split('.')
  return (
    <>
      {first}
      {labels.map((label) => (
        <>
          <wbr />.{label}
        </>
      ))}
    </>
  )
}
