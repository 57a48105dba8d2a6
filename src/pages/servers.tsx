// How clients are told about each of the servers: its address to copy, and what to do with it in every client.
import type { Child } from 'hono/jsx'
import { SetupSteps } from './setup-steps.tsx'
import type { Setup } from './setups.ts'
import { shownName, shownText } from './shown.ts'

export interface ShownServer {
  readonly url: string
  /** What people call it. */
  readonly name: string
  readonly setups: readonly Setup[]
}

export function ServerAddress({ url }: Pick<ShownServer, 'url'>) {
  return (
    <div class="card endpoint">
      <p class="eyebrow">MCP server address</p>
      <code class="address pick">{shownText(url)}</code>
    </div>
  )
}

interface Setups extends Pick<ShownServer, 'setups'> {
  /** The first of its set-ups is unfolded. */
  readonly open: boolean
  readonly group?: string
}

export function ServerSetups({ setups, open, group }: Setups) {
  return (
    <div class="card card-list">
      {setups.map((setup, place) => (
        <SetupSteps setup={setup} open={open && place === 0} {...(group !== undefined && { group })} />
      ))}
    </div>
  )
}

interface ServersView {
  readonly servers: readonly ShownServer[]
  /** What stands below each of them. */
  readonly foot?: (server: ShownServer) => Child
}

/** One section for each, with the first set-up of the first server unfolded. */
export function Servers({ servers, foot }: ServersView) {
  return (
    <>
      {servers.map((server, index) => (
        <section class="stack" data-server={server.url}>
          <h2>
            <bdi>{shownName(server.name, 'MCP server')}</bdi>
          </h2>
          <ServerAddress url={server.url} />
          <ServerSetups setups={server.setups} open={index === 0} group={`setup-${index}`} />
          {foot?.(server)}
        </section>
      ))}
    </>
  )
}
