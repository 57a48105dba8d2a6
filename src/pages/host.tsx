// A host name that may break at its dots, so that no line of it reads like a different host.
import { shownHost } from './shown.ts'

export function Host({ host }: { readonly host: string }) {
  const shown = shownHost(host)
  // The parts of an IP address mean nothing alone.
  if (/^[\d.]+(?::\d+)?$/.test(shown)) return <>{shown}</>
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
