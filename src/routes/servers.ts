// The servers as pages show them: what each is called, where it is, and how clients are told about it.
import type { ShownServer } from '../pages/servers.tsx'
import { setupsFor } from '../pages/setups.ts'
import type { Settings } from '../settings/settings.ts'
import { titleOf } from '../settings/downstreams.ts'

export function shownServers({ downstreams }: Settings): readonly ShownServer[] {
  return downstreams.map((downstream) => {
    const { resource } = downstream
    return { url: resource, name: titleOf(downstream), setups: setupsFor(resource) }
  })
}
