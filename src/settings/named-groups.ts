// Which groups of a provider the rules of this deployment name: what it says about those decides something.
import type { Settings } from './settings.ts'
import { isOf } from './people.ts'

/** Of every rule there is: whoever wrote one of them may well ask for the same group at a server. */
export function namedGroups({ downstreams, administrators }: Settings, issuer: string): ReadonlySet<string> {
  const rules = downstreams.flatMap(({ allow, tools = [] }) => [
    ...(allow?.groups ?? []),
    ...tools.flatMap(({ groups = [] }) => groups),
  ])
  const all = [...rules, ...administrators.named.groups]
  return new Set(all.filter((rule) => isOf(rule, issuer)).map(({ name }) => name))
}
