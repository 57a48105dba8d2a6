// A host name that may break at its dots, so that no line of it reads like a different host.
import { shownHost } from './shown.ts'

export function Host({ host }: { readonly host: string }) {
  const [first = '', ...labels] = shownHost(host).split('.')
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
